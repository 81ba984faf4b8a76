import { describe, expect, it } from '@jest/globals';
import type { Condition } from '../../../src/api/meta.js';
import { findCondition, mergeConditions, type ConditionClaim } from '../../../src/runtime/conditions.js';

const T0 = Date.parse('2026-01-01T00:00:00Z');
const T1 = Date.parse('2026-01-01T01:00:00.750Z');
const claim = (type: string, status: Condition['status'], reason: string, observedGeneration = 1): ConditionClaim => ({
  type,
  status,
  reason,
  message: `${type} is ${status}`,
  observedGeneration,
});

describe('mergeConditions', () => {
  const before = mergeConditions(undefined, [claim('Ready', 'False', 'NoBackend'), claim('Stalled', 'True', 'NoBackend')], T0);

  it('keeps the transition time while the status is the same, whatever else changed', () => {
    const [ready] = mergeConditions(before, [claim('Ready', 'False', 'AppNotFound', 2)], T1);
    expect(ready).toEqual({ ...claim('Ready', 'False', 'AppNotFound', 2), lastTransitionTime: '2026-01-01T00:00:00Z' });
  });

  it('sets it, in whole seconds, when the status changes', () => {
    expect(mergeConditions(before, [claim('Ready', 'True', 'Ready')], T1)[0]?.lastTransitionTime).toBe('2026-01-01T01:00:00Z');
  });

  it('drops what is not claimed any more and keeps the order of the claims', () => {
    const after = mergeConditions(before, [claim('Accepted', 'True', 'Accepted'), claim('Ready', 'False', 'NoBackend')], T1);
    expect(after.map(({ type }) => type)).toEqual(['Accepted', 'Ready']);
  });

  it('gives equal lists when run again', () => {
    const claims = [claim('Ready', 'False', 'NoBackend'), claim('Stalled', 'True', 'NoBackend')];
    expect(mergeConditions(before, claims, T1)).toEqual(before);
  });
});

describe('conditions', () => {
  const list = mergeConditions(undefined, [claim('A', 'True', 'A', 3), claim('B', 'False', 'B')], T0);

  it('are found by type', () => {
    expect(findCondition(list, 'B')?.reason).toBe('B');
    expect(findCondition(undefined, 'B')).toBeUndefined();
  });
});
