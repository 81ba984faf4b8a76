import { UNSUBSCRIBE_FINALIZER } from '../../api/v1alpha1/constants.js';
import type { ObservedSubscription } from '../../core/ports/graph.js';
import { findCondition } from '../../runtime/conditions.js';
import { hasFinalizer } from '../../runtime/finalizers.js';
import { afterForeignChange, afterRestore, isStopped, NO_CONTEST, restoreInMs, type Removals } from './contest.js';
import { basisOf, type GraphPass } from './pass.js';

/** Why the row at Graph is not as wanted, and what Event tells that it was mended. */
export type Change =
  /** We want something else than before, or it is the first time. */
  | { readonly kind: 'wanted'; readonly event: 'Subscribed'; readonly type: 'Normal' }
  /** Somebody changed a row that we had right. */
  | { readonly kind: 'foreign'; readonly event: 'DriftRepaired'; readonly type: 'Warning' }
  /** Our row is gone. */
  | {
      readonly kind: 'removed';
      readonly event: 'ResubscribedAfterRemoval';
      readonly type: 'Warning';
      readonly afterRestore: (nowMs: number) => Removals;
    };

/** A row that is gone is held back for the same reason, but never for hours. */
const CHANGED_AGAIN = 'somebody else keeps changing the fields of this Page for our app';

export interface HeldBack {
  readonly reason: string;
  readonly message: string;
  readonly untilMs: number;
}

/** Why nothing may be written to Graph for this page; undefined if it may. */
export function hindranceOf({ spec, app }: GraphPass, readOnly: boolean): string | undefined {
  if (readOnly) return 'the operator runs with --read-only';
  if (app.spec.suspend === true) return 'its MessengerApp is suspended';
  return spec.manage ? undefined : 'managementPolicy is Observe';
}

/** Whether somebody had subscribed the page before this object managed it: nothing written by us, and our finalizer not on it either. */
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

/** Counts a foreign change; a new spec, other fields by the app's defaults, or a page that this process does not know, begin anew. */
export function noteChange({ page, spec, memory }: GraphPass, change: Change, nowMs: number): void {
  const basis = [page.metadata.generation, ...spec.fields].join();
  if (memory.contestBasis !== basis) {
    memory.contest = memory.contestBasis === undefined ? contestInStatus(page, nowMs) : NO_CONTEST;
    memory.contestBasis = basis;
  }
  if (change.kind === 'foreign') memory.contest = afterForeignChange(memory.contest, nowMs);
}

/** After a restart a contest that the status tells of goes on for one more hour. */
function contestInStatus({ status, metadata }: GraphPass['page'], nowMs: number): typeof NO_CONTEST {
  const was = findCondition(status?.conditions, 'Subscribed');
  const contested = was?.reason === 'Contested' && was.message.startsWith(CHANGED_AGAIN) && was.observedGeneration === metadata.generation;
  return contested ? { changesMs: [], stops: 1, untilMs: nowMs + 3_600_000 } : NO_CONTEST;
}

/** Why the write has to wait, and until when; undefined: now. */
export function holdBack(pass: GraphPass, change: Change, nowMs: number): HeldBack | undefined {
  return refusedBefore(pass, nowMs) ?? (change.kind === 'removed' ? removedAgain(pass, nowMs) : contested(pass, nowMs));
}

function refusedBefore({ memory, page, app }: GraphPass, nowMs: number): HeldBack | undefined {
  const { refusal } = memory;
  const holds = refusal !== undefined && refusal.basis === basisOf(page, app) && nowMs < refusal.untilMs;
  return holds ? refusal : undefined;
}

function contested({ memory }: GraphPass, nowMs: number): HeldBack | undefined {
  const { contest } = memory;
  if (!isStopped(contest, nowMs) || contest.untilMs === undefined) return undefined;
  const hours = Math.min(6, 2 ** (contest.stops - 1));
  const message = `${CHANGED_AGAIN} (five times in 30 minutes): left alone for ${hours} h; find out who does, or change the spec`;
  return { reason: 'Contested', message, untilMs: contest.untilMs };
}

function removedAgain({ memory }: GraphPass, nowMs: number): HeldBack | undefined {
  const waitMs = restoreInMs(memory.removals, nowMs);
  if (waitMs === 0) return undefined;
  const message =
    'the subscription was removed from the Page again (Meta does that when deliveries fail): it is restored within 10 minutes; look at the deliveries to the bot';
  return { reason: 'Contested', message, untilMs: nowMs + waitMs };
}
