import type { Condition } from '../api/meta.js';
import { findCondition } from '../runtime/conditions.js';
import type { KubeEvent } from '../runtime/ports.js';

/** What a change of the summary is worth telling: that it stalled, or why it stalls now, and that it is over. */
export function transitionEvents(before: readonly Condition[] | undefined, after: readonly Condition[] | undefined): readonly KubeEvent[] {
  const was = findCondition(before, 'Stalled');
  const is = findCondition(after, 'Stalled');
  if (is !== undefined && was?.reason !== is.reason) {
    return [{ type: 'Warning', reason: is.reason, action: 'Reconcile', note: is.message.slice(0, 1_000) }];
  }
  const ready = findCondition(after, 'Ready');
  if (was === undefined || ready?.status !== 'True') return [];
  return [{ type: 'Normal', reason: 'Recovered', action: 'Reconcile', note: `${was.reason} is over: ${ready.message}` }];
}
