import type { Condition } from '../api/meta.js';
import { findCondition, mergeConditions, type ConditionClaim } from '../runtime/conditions.js';

/** What a step found out about one condition. */
export interface Judgement {
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  /** Our sentence; Graph's own text, if any, behind ` (Graph `. */
  readonly message: string;
}

export const good = (message: string, reason = 'Succeeded'): Judgement => ({ status: 'True', reason, message });
export const bad = (reason: string, message: string): Judgement => ({ status: 'False', reason, message });
export const unknown = (reason: string, message: string): Judgement => ({ status: 'Unknown', reason, message });

const MAX_MESSAGE = 2_048;
const GRAPH_SUFFIX = ' (Graph ';

/**
 * The new list of conditions: those of `types` in their order, judged now or as they were, then `extra`. A type that was
 * neither judged nor there before is left out.
 */
export function conditionsFrom(
  before: readonly Condition[] | undefined,
  judged: ReadonlyMap<string, Judgement | 'gone'>,
  types: readonly string[],
  { generation, nowMs }: { readonly generation: number; readonly nowMs: number },
): readonly Condition[] {
  const claims = types.flatMap((type): ConditionClaim[] => {
    const judgement = judged.get(type);
    const was = findCondition(before, type);
    if (judgement === 'gone') return [];
    if (judgement === undefined) return was === undefined ? [] : [withoutTime(was)];
    return [{ type, ...judgement, message: calmMessage(was, judgement), observedGeneration: generation }];
  });
  return mergeConditions(before, claims, nowMs);
}

/** Graph's texts carry the time of day; as long as our own sentence is the same, the condition stays as it was. */
function calmMessage(was: Condition | undefined, { status, reason, message }: Judgement): string {
  const cut = message.length <= MAX_MESSAGE ? message : `${message.slice(0, MAX_MESSAGE - 1)}…`;
  const same = was?.status === status && was.reason === reason && sentence(was.message) === sentence(cut);
  return same ? was.message : cut;
}

function sentence(message: string): string {
  const at = message.indexOf(GRAPH_SUFFIX);
  return at < 0 ? message : message.slice(0, at);
}

function withoutTime({ type, status, reason, message, observedGeneration }: Condition): ConditionClaim {
  return { type, status, reason, message, ...(observedGeneration === undefined ? {} : { observedGeneration }) };
}
