import { describe, expect, it } from '@jest/globals';
import type { TokenInfo } from '../../../../src/core/ports/graph.js';
import { lookUp } from '../../../../src/graph/errors/lookup.js';
import { checkToken, expiryWarning, requiredScopes } from '../../../../src/core/domain/token-check.js';

const NOW = Date.parse('2026-11-23T00:00:00Z');
const inDays = (days: number): number => NOW / 1_000 + days * 86_400;
const wanted = { appId: '151', pageId: '1001', fields: ['messages'], nowMs: NOW };

function info(overrides: Partial<TokenInfo> = {}): TokenInfo {
  return {
    isValid: true,
    type: 'PAGE',
    appId: '151',
    profileId: '1001',
    expiresAt: 0,
    dataAccessExpiresAt: 0,
    scopes: ['pages_messaging', 'pages_manage_metadata'],
    granularScopes: new Map(),
    error: undefined,
    ...overrides,
  };
}

const dead = (subcode: number | undefined): Partial<TokenInfo> => ({ isValid: false, error: { code: 190, subcode, message: 'x' } });

describe('checkToken', () => {
  it('proves a live Page token of this page and app', () => {
    expect(checkToken(info(), wanted)).toEqual({ proof: 'proven', reason: undefined, message: 'the token is good' });
  });

  it.each([
    ['has expired by its subcode', info(dead(463)), 'TokenExpired', 'dead'],
    ['has expired by its time though Graph says valid', info({ expiresAt: inDays(-1) }), 'TokenExpired', 'dead'],
    ['was invalidated by a password change', info(dead(460)), 'TokenInvalidated', 'dead'],
    ['is invalid without a subcode', info(dead(undefined)), 'TokenInvalidated', 'dead'],
    ['is invalid without an error', info({ isValid: false }), 'TokenInvalidated', 'dead'],
    ['is a user token', info({ type: 'USER', profileId: undefined }), 'TokenWrongType', 'unproven'],
    ['is of another app', info({ appId: '999' }), 'TokenWrongApp', 'foreign'],
    ['is of another page', info({ profileId: '2002' }), 'TokenWrongPage', 'foreign'],
    ['lacks a scope', info({ scopes: ['pages_manage_metadata'] }), 'TokenMissingScopes', 'proven'],
    ['was granted for other pages only', info({ granularScopes: new Map([['pages_messaging', ['2002']]]) }), 'PageNotGranted', 'proven'],
  ] as const)('says why a token that %s is not good', (_what, token, reason, proof) => {
    const verdict = checkToken(token, wanted);

    expect(verdict).toMatchObject({ reason, proof });
    expect(verdict.message.length).toBeGreaterThan(20);
  });

  it.each([458, 459, 460, 463, 464, 467, 492, 999])('says the same about subcode %i as the error of any other call', (subcode) => {
    const row = lookUp({ operation: 'observe', status: 400, message: '', type: 'OAuthException', code: 190, subcode });

    const { reason, message } = checkToken(info(dead(subcode)), wanted);

    expect({ reason, message }).toEqual({ reason: row.reason, message: `${row.says}: ${row.fix}` });
  });

  it('takes a granular scope without ids as unknown, never as missing', () => {
    const token = info({
      scopes: [],
      granularScopes: new Map([
        ['pages_messaging', undefined],
        ['pages_manage_metadata', ['1001']],
      ]),
    });

    expect(checkToken(token, wanted).reason).toBeUndefined();
  });

  it('does not take a token for proven whose page Graph does not tell', () => {
    expect(checkToken(info({ profileId: undefined }), wanted)).toMatchObject({ reason: undefined, proof: 'unproven' });
  });

  it('wants pages_messaging only for fields of conversations', () => {
    const token = info({ scopes: ['pages_manage_metadata'] });

    expect(checkToken(token, { ...wanted, fields: ['feed', 'mention'] }).reason).toBeUndefined();
  });

  it('names both pages when the token is that of another one', () => {
    const { message } = checkToken(info({ profileId: '2002' }), wanted);

    expect(message).toContain('2002');
    expect(message).toContain('1001');
  });
});

describe('requiredScopes', () => {
  it.each(['messages', 'messaging_postbacks', 'message_reads', 'standby'])('takes %s for a field of conversations', (field) => {
    expect(requiredScopes([field])).toContain('pages_messaging');
  });

  it.each(['feed', 'mention', 'name', 'message', 'leadgen'])('does not take %s for one', (field) => {
    expect(requiredScopes([field])).toEqual(['pages_manage_metadata']);
  });
});

describe('expiryWarning', () => {
  it.each([
    ['never', 0, undefined],
    ['unknown', undefined, undefined],
    ['in 31 days', inDays(31), undefined],
    ['in 29 days', inDays(29), 'within 30 days'],
    ['in 6 days', inDays(6), 'within 7 days'],
    ['in an hour', inDays(1 / 24), 'within a day'],
  ])('for an expiry %s', (_when, expiresAt, text) => {
    const warning = expiryWarning(expiresAt, NOW);

    if (text === undefined) expect(warning).toBeUndefined();
    else expect(warning).toContain(text);
  });

  it('says the same words until the next threshold', () => {
    expect(expiryWarning(inDays(25), NOW)).toBe(expiryWarning(inDays(25), NOW + 10 * 86_400_000));
  });
});
