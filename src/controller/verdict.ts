import type { Condition } from '../api/meta.js';
import { isWithGraphText, withGraphText, type OperatorError } from '../core/domain/errors.js';
import { findCondition, mergeConditions, type ConditionClaim } from '../runtime/conditions.js';

/** What a step found out about one condition. */
export interface Verdict {
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  /** Our own sentence. */
  readonly message: string;
  /**
   * What Graph said (`OperatorError.graphText`). It changes from one try to the next, so nothing is
   * decided by it.
   */
  readonly graphText?: string | undefined;
}

export const good = (message: string, reason = 'Succeeded'): Verdict => ({ status: 'True', reason, message });
export const bad = (reason: string, message: string): Verdict => ({ status: 'False', reason, message });
export const unknown = (reason: string, message: string): Verdict => ({ status: 'Unknown', reason, message });

/** False because of this error. `reason`: the condition's own reason for it. */
export function refused({ message, graphText }: OperatorError, reason: string): Verdict {
  return { status: 'False', reason, message, graphText };
}

const MAX_MESSAGE = 2_048;

/**
 * The new list of conditions: those of `types` in their order, judged now or as they were. A type
 * that was neither judged nor there before is left out.
 */
export function conditionsFrom(
  before: readonly Condition[] | undefined,
  judged: ReadonlyMap<string, Verdict | 'gone'>,
  types: readonly string[],
  { generation, nowMs }: { readonly generation: number; readonly nowMs: number },
): readonly Condition[] {
  const claims = types.flatMap((type): ConditionClaim[] => {
    const verdict = judged.get(type);
    const was = findCondition(before, type);
    if (verdict === 'gone') return [];
    if (verdict === undefined) return was === undefined ? [] : [withoutTime(was)];
    const { status, reason } = verdict;
    return [{ type, status, reason, message: textOf(verdict, was), observedGeneration: generation }];
  });
  return mergeConditions(before, claims, nowMs);
}

/**
 * While our own sentence stays the same, so does the condition's text: a new text of Graph's is no
 * news.
 */
function textOf({ status, reason, message, graphText }: Verdict, was: Condition | undefined): string {
  const text = cut(withGraphText(message, graphText));
  const same = was?.status === status && was.reason === reason && isWithGraphText(was.message, message);
  return same ? was.message : text;
}

function cut(text: string): string {
  return text.length <= MAX_MESSAGE ? text : `${text.slice(0, MAX_MESSAGE - 1)}…`;
}

function withoutTime({ type, status, reason, message, observedGeneration }: Condition): ConditionClaim {
  return { type, status, reason, message, ...(observedGeneration === undefined ? {} : { observedGeneration }) };
}
