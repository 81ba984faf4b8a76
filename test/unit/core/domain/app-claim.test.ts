import { describe, expect, it } from '@jest/globals';
import { decideAppClaim, type AppCandidate } from '../../../../src/core/domain/app-claim.js';

const NOW = Date.parse('2026-11-23T00:00:00Z');

function app(uid: string, overrides: Partial<AppCandidate> = {}): AppCandidate {
  return {
    uid,
    namespace: 'platform',
    name: uid,
    creationTimestamp: '2026-01-01T00:00:00Z',
    deleting: false,
    holds: false,
    credentials: 'unknown',
    notGoodSinceMs: undefined,
    ...overrides,
  };
}
const older = { creationTimestamp: '2025-01-01T00:00:00Z' };
const good = { credentials: 'good' } as const;
const bad = (minutes: number) => ({ credentials: 'bad', notGoodSinceMs: NOW - minutes * 60_000 }) as const;
const unknown = (minutes: number) => ({ credentials: 'unknown', notGoodSinceMs: NOW - minutes * 60_000 }) as const;

describe('decideAppClaim', () => {
  it.each<[string, readonly AppCandidate[], string | undefined]>([
    ['no app before Graph has accepted its credentials', [app('a')], undefined],
    ['no app whose credentials Graph refuses', [app('a', bad(60))], undefined],
    ['an app whose credentials Graph accepted', [app('a', good)], 'a'],
    ['the oldest of those that Graph accepted', [app('a', good), app('b', { ...older, ...good })], 'b'],
    ['one that Graph accepted before an older one without a word', [app('a', good), app('b', older)], 'a'],
    ['its holder, though another one is older', [app('a', { holds: true, ...good }), app('b', { ...older, ...good })], 'a'],
    ['its holder while refused for 9 minutes', [app('a', { holds: true, ...bad(9) }), app('b', good)], 'a'],
    ['another one when refused for 10 minutes', [app('a', { holds: true, ...bad(10) }), app('b', good)], 'b'],
    ['another one when unknown for 10 minutes', [app('a', { holds: true, ...unknown(10) }), app('b', good)], 'b'],
    ['its holder when refused but no other one is accepted', [app('a', { holds: true, ...bad(60) }), app('b')], 'a'],
    ['another one when it is being deleted', [app('a', { holds: true, ...good, deleting: true }), app('b', good)], 'b'],
    ['nobody when there is none', [], undefined],
  ])('gives an appId to %s', (_who, candidates, holder) => {
    expect(decideAppClaim(candidates, NOW).holder).toBe(holder);
  });

  it('says when a holder without good credentials would lose it', () => {
    expect(decideAppClaim([app('a', { holds: true, ...bad(4) }), app('b', good)], NOW).recheckAfterMs).toBe(6 * 60_000);
  });
});
