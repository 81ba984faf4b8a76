import { UNSUBSCRIBE_FINALIZER } from '../../api/v1alpha1/constants.js';
import type { ObservedSubscription } from '../../core/ports/graph.js';
import { findCondition } from '../../runtime/conditions.js';
import { hasFinalizer } from '../../runtime/finalizers.js';
import { bad, type Verdict } from '../verdict.js';
import { afterForeignChange, afterRestore, isStopped, NO_CONTEST, restoreInMs, type Removals } from './contest.js';
import type { RefusalMemory } from './memory.js';
import { refusalBasisOf, type GraphPass } from './pass.js';

/** Why the row at Graph is not as wanted, and the Event for its repair. */
export type Change =
  /** We want something else than before, or it is the first time. */
  | { readonly kind: 'wanted'; readonly event: 'Subscribed'; readonly type: 'Normal' }
  /** Someone else changed a row that was right. */
  | { readonly kind: 'foreign'; readonly event: 'DriftRepaired'; readonly type: 'Warning' }
  /** Our row is gone. */
  | {
      readonly kind: 'removed';
      readonly event: 'ResubscribedAfterRemoval';
      readonly type: 'Warning';
      readonly afterRestore: (nowMs: number) => Removals;
    };

export interface HeldBack {
  readonly verdict: Verdict;
  readonly untilMs: number;
}

/** Why nothing may be written to Graph for this page; undefined if it may. */
export function hindranceOf({ spec, app }: GraphPass, readOnly: boolean): string | undefined {
  if (readOnly) return 'the operator runs with --read-only';
  if (app.spec.suspend === true) return 'its MessengerApp is suspended';
  return spec.manage ? undefined : 'managementPolicy is Observe';
}

/**
 * Whether the page was subscribed before this object managed it: nothing written by us, and no
 * finalizer of ours on it.
 */
export function isAdoption({ page }: GraphPass, observed: ObservedSubscription): boolean {
  return observed.subscribed && page.status?.lastWriteTime === undefined && !hasFinalizer(page, UNSUBSCRIBE_FINALIZER);
}

export function changeOf({ page, spec, memory }: GraphPass, observed: ObservedSubscription): Change {
  const { status } = page;
  const wasRight = status?.subscribedFields?.join() === spec.fields.join();
  if (!observed.subscribed) {
    if (!wasRight && status?.lastWriteTime === undefined) return { kind: 'wanted', event: 'Subscribed', type: 'Normal' };
    const restored = (nowMs: number): Removals => afterRestore(memory.removals, nowMs);
    return { kind: 'removed', event: 'ResubscribedAfterRemoval', type: 'Warning', afterRestore: restored };
  }
  if (wasRight) return { kind: 'foreign', event: 'DriftRepaired', type: 'Warning' };
  return { kind: 'wanted', event: 'Subscribed', type: 'Normal' };
}

/**
 * Counts a foreign change; a new spec, other fields by the app's defaults, or a page that this
 * process does not know, begin anew.
 */
export function noteChange({ page, spec, memory }: GraphPass, change: Change, nowMs: number): void {
  const basis = [page.metadata.generation, ...spec.fields].join();
  if (memory.contestBasis !== basis) {
    memory.contest = memory.contestBasis === undefined ? contestInStatus(page, nowMs) : NO_CONTEST;
    memory.contestBasis = basis;
  }
  if (change.kind === 'foreign') memory.contest = afterForeignChange(memory.contest, nowMs);
}

/**
 * After a restart a contest that the status tells of goes on for one more hour. `Contested` is also
 * the reason while a row that was removed waits to be restored; then the status shows no fields.
 */
function contestInStatus({ status, metadata }: GraphPass['page'], nowMs: number): typeof NO_CONTEST {
  const was = findCondition(status?.conditions, 'Subscribed');
  const contested = was?.reason === 'Contested' && was.observedGeneration === metadata.generation;
  const subscribed = (status?.subscribedFields ?? []).length > 0;
  return contested && subscribed ? { changesMs: [], stops: 1, untilMs: nowMs + 3_600_000 } : NO_CONTEST;
}

/** Why the write has to wait, and until when; undefined: now. */
export function holdBack(pass: GraphPass, change: Change, nowMs: number): HeldBack | undefined {
  return refusedBefore(pass, nowMs) ?? (change.kind === 'removed' ? removedAgain(pass, nowMs) : contested(pass, nowMs));
}

function refusedBefore(pass: GraphPass, nowMs: number): HeldBack | undefined {
  const { refusal } = pass.memory;
  const holds = refusal !== undefined && refusal.basis === refusalBasisOf(pass) && nowMs < refusal.untilMs;
  return holds ? { verdict: verdictOf(refusal), untilMs: refusal.untilMs } : undefined;
}

/** `Subscribed` while Graph's refusal of a write stands. */
export function verdictOf({ reason, message, graphText }: RefusalMemory): Verdict {
  return { ...bad(reason, message), graphText };
}

function contested({ memory }: GraphPass, nowMs: number): HeldBack | undefined {
  const { contest } = memory;
  if (!isStopped(contest, nowMs) || contest.untilMs === undefined) return undefined;
  const hours = Math.min(6, 2 ** (contest.stops - 1));
  const message = `another tool keeps changing the fields of this Page for our app (five times in 30 minutes): the operator pauses for ${hours} h; find that tool, or change the spec`;
  return { verdict: bad('Contested', message), untilMs: contest.untilMs };
}

function removedAgain({ memory }: GraphPass, nowMs: number): HeldBack | undefined {
  const waitMs = restoreInMs(memory.removals, nowMs);
  if (waitMs === 0) return undefined;
  const message =
    'the subscription was removed from the Page again (Meta does that when deliveries fail): it is restored within 10 minutes; look at the deliveries to the bot';
  return { verdict: bad('Contested', message), untilMs: nowMs + waitMs };
}
