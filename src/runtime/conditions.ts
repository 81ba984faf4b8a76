import type { Condition } from '../api/meta.js';
import { rfc3339 } from '../kit/clock.js';
import { sameData } from './equality.js';

/** A condition as a reconciler states it: when it changed is found out here. */
export type ConditionClaim = Omit<Condition, 'lastTransitionTime'>;

export function findCondition(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** Whether a condition is True and, where a generation is given, was judged from that generation of the spec. */
export function isConditionTrue(conditions: readonly Condition[] | undefined, type: string, generation?: number): boolean {
  const found = findCondition(conditions, type);
  return found?.status === 'True' && (generation === undefined || found.observedGeneration === generation);
}

/**
 * The whole new list: `claims` in their order, each with the transition time it had, unless its status is another one now.
 * A condition that is not claimed is gone.
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

/** The list with this one condition added or replaced, in its place. */
export function setCondition(current: readonly Condition[] | undefined, claim: ConditionClaim, nowMs: number): readonly Condition[] {
  const known = findCondition(current, claim.type) !== undefined;
  const claims = (current ?? []).map((condition) => (condition.type === claim.type ? claim : claimOf(condition)));
  return mergeConditions(current, known ? claims : [...claims, claim], nowMs);
}

/** Whether two lists say the same, whatever their order. */
export function sameConditions(a: readonly Condition[] | undefined, b: readonly Condition[] | undefined): boolean {
  return sameData(byType(a), byType(b));
}

function claimOf(condition: Condition): ConditionClaim {
  const claim: { lastTransitionTime?: string } & ConditionClaim = { ...condition };
  delete claim.lastTransitionTime;
  return claim;
}

function byType(conditions: readonly Condition[] | undefined): Readonly<Record<string, Condition>> {
  return Object.fromEntries((conditions ?? []).map((condition) => [condition.type, condition]));
}
