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
    badSinceMs: undefined,
    ...overrides,
  };
}
const older = { creationTimestamp: '2025-01-01T00:00:00Z' };
const bad = (minutes: number) => ({ credentials: 'bad', badSinceMs: NOW - minutes * 60_000 }) as const;

describe('decideAppClaim', () => {
  it.each<[string, readonly AppCandidate[], string | undefined]>([
    ['a lone app though Graph was not asked yet', [app('a')], 'a'],
    ['the oldest where Graph accepted none', [app('a'), app('b', older)], 'b'],
    ['the oldest of those that Graph accepted', [app('a', { credentials: 'good' }), app('b', older)], 'a'],
    ['its holder, though another one is older', [app('a', { holds: true }), app('b', { ...older, credentials: 'good' })], 'a'],
    ['its holder while refused for 9 minutes', [app('a', { holds: true, ...bad(9) }), app('b', { credentials: 'good' })], 'a'],
    ['another one when refused for 10 minutes', [app('a', { holds: true, ...bad(10) }), app('b', { credentials: 'good' })], 'b'],
    ['its holder when refused but nobody else is accepted', [app('a', { holds: true, ...bad(60) }), app('b')], 'a'],
    ['another one when it is being deleted', [app('a', { holds: true, deleting: true }), app('b', { credentials: 'good' })], 'b'],
    ['nobody when there is none', [], undefined],
  ])('gives an appId to %s', (_who, candidates, holder) => {
    expect(decideAppClaim(candidates, NOW)).toBe(holder);
  });
});
