import { describe, expect, it } from '@jest/globals';
import { decideDeletion, type DeletionFacts } from '../../../../src/core/domain/deletion.js';

const T0 = Date.parse('2026-11-23T00:00:00Z');

function facts(overrides: Partial<DeletionFacts> = {}): DeletionFacts {
  return {
    everHeld: true,
    observeOnly: false,
    everWritten: true,
    policy: 'Unsubscribe',
    successor: false,
    mayWrite: true,
    look: 'present',
    unsubscribe: undefined,
    deletionMs: T0,
    firstAttemptMs: T0,
    attempts: 1,
    timeoutMs: 600_000,
    nowMs: T0,
    ...overrides,
  };
}

describe('decideDeletion', () => {
  it.each<[string, Partial<DeletionFacts>, number, boolean]>([
    ['1: it never held the claim', { everHeld: false }, 1, false],
    ['1: it only observes', { observeOnly: true }, 1, false],
    ['1: nothing was ever written', { everWritten: false }, 1, false],
    ['2: its policy is Retain', { policy: 'Retain' }, 2, false],
    ['3: a successor took over', { successor: true }, 3, false],
    ['4: no row of ours is there', { look: 'absent' }, 4, false],
    ['5: the DELETE is done and read back', { unsubscribe: 'done' }, 5, false],
    ['5: the DELETE is done though looking was refused', { look: 'refused', unsubscribe: 'done' }, 5, false],
    ['6: there are no credentials', { look: 'no_credentials' }, 6, true],
    ['6: the token is dead', { look: 'refused', unsubscribe: 'refused' }, 6, true],
    ['6: this install may not write', { mayWrite: false }, 6, true],
    ['7: Graph was down until the timeout', { look: 'failed', attempts: 3, nowMs: T0 + 600_000 }, 7, true],
    ['7: the DELETE failed until the timeout', { unsubscribe: 'failed', attempts: 9, nowMs: T0 + 600_000 }, 7, true],
  ])('releases by row %s', (_row, state, row, left) => {
    expect(decideDeletion(facts(state))).toEqual({ do: 'release', row, left });
  });

  it.each<[string, Partial<DeletionFacts>, number]>([
    ['Observe before Retain', { observeOnly: true, policy: 'Retain' }, 1],
    ['Retain before a successor', { policy: 'Retain', successor: true }, 2],
    ['a successor before the look', { successor: true, look: 'absent' }, 3],
    ['no row before dead credentials', { look: 'absent', unsubscribe: 'refused' }, 4],
  ])('takes the first row that matches: %s', (_what, state, row) => {
    expect(decideDeletion(facts(state))).toMatchObject({ row });
  });

  it.each<[string, Partial<DeletionFacts>, string]>([
    ['whether there is a successor', { successor: undefined, look: undefined }, 'seek_successor'],
    ['what Graph has', { look: undefined }, 'look'],
    ['whether it can be unsubscribed', {}, 'unsubscribe'],
  ])('wants to know %s', (_what, state, step) => {
    expect(decideDeletion(facts(state))).toEqual({ do: step });
  });

  it('never unsubscribes where this install may not write', () => {
    expect(decideDeletion(facts({ mayWrite: false, look: 'refused' })).do).toBe('release');
  });

  it('gives a leader that came late its own 60 seconds', () => {
    const late = { look: 'failed', firstAttemptMs: T0 + 900_000, attempts: 5 } as const;

    expect(decideDeletion(facts({ ...late, nowMs: T0 + 959_000 }))).toEqual({ do: 'retry', row: 7, afterMs: 1_000 });
    expect(decideDeletion(facts({ ...late, nowMs: T0 + 960_000 }))).toMatchObject({ do: 'release', row: 7 });
  });

  it('tries three times however late it is', () => {
    const late = facts({ look: 'failed', attempts: 2, nowMs: T0 + 9_000_000 });

    expect(decideDeletion(late)).toEqual({ do: 'retry', row: 7, afterMs: 1_000 });
  });

  it('waits longer from attempt to attempt, and never past the deadline', () => {
    const after = (attempts: number, nowMs = T0) => decideDeletion(facts({ look: 'failed', attempts, nowMs }));

    expect([1, 2, 3, 20].map((attempts) => after(attempts))).toEqual(
      [1_000, 2_000, 4_000, 60_000].map((afterMs) => ({ do: 'retry', row: 7, afterMs })),
    );
    expect(after(20, T0 + 590_000)).toEqual({ do: 'retry', row: 7, afterMs: 10_000 });
  });
});
