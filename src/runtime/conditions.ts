import type { Condition } from '../api/meta.js';
import { rfc3339 } from '../kit/clock.js';

/** A condition as a reconciler states it: when it changed is found out here. */
export type ConditionClaim = Omit<Condition, 'lastTransitionTime'>;

export function findCondition(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

export function isConditionTrue(conditions: readonly Condition[] | undefined, type: string): boolean {
  return findCondition(conditions, type)?.status === 'True';
}

/**
 * The whole new list: `claims` in their order, each with the transition time it had, unless its
 * status is another one now. A condition that is not claimed is gone.
 */
export function mergeConditions(
  current: readonly Condition[] | undefined,
  claims: readonly ConditionClaim[],
  nowMs: number,
): readonly Condition[] {
  return claims.map((claim) => {
    const before = findCondition(current, claim.type);
    return { ...claim, lastTransitionTime: before?.status === claim.status ? before.lastTransitionTime : rfc3339(nowMs) };
  });
}
