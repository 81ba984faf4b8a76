import { UNSUBSCRIBE_FINALIZER } from '../../api/v1alpha1/constants.js';
import type { MessengerApp, MessengerPage } from '../../api/v1alpha1/types.gen.js';
import { decideDeletion, type DeletionFacts, type DeletionStep } from '../../core/domain/deletion.js';
import type { EffectiveSpec } from '../../core/domain/effective-spec.js';
import { StaleReadError } from '../../core/domain/errors.js';
import { keyOf, keyText } from '../../core/domain/object-key.js';
import type { Clock } from '../../kit/clock.js';
import { hasFinalizer, isBeingDeleted } from '../../runtime/finalizers.js';
import { awaitChange, requeueAfter, type Result } from '../../runtime/ports.js';
import { assertUnchanged } from './graph-write.js';
import type { PageMemory } from './memory.js';
import type { PagePass } from './pass.js';
import type { PageReconcilerDeps } from './ports.js';
import { Unsubscriber } from './unsubscribe.js';

type Release = Extract<DeletionStep, { do: 'release' }>;

/**
 * Takes a deleted page off Graph, then drops our finalizer. Never waits for what can never succeed,
 * and says what it leaves behind. `app` undefined: it is gone. @throws ClusterUnavailableError,
 * NotLeaderError, StaleReadError
 */
export async function reconcileDeletion(deps: PageReconcilerDeps, pass: PagePass, app: MessengerApp | undefined): Promise<Result> {
  if (!hasFinalizer(pass.page, UNSUBSCRIBE_FINALIZER)) return awaitChange();
  const { clock } = deps;
  const memory = (pass.memory.deletion ??= firstAttempt(pass, clock));
  const unsubscriber = new Unsubscriber(deps, pass, app);
  let facts = deletionFacts(deps, pass, memory);
  for (;;) {
    const step = decideDeletion(facts);
    switch (step.do) {
      case 'seek_successor':
        facts = { ...facts, successor: await handOver(deps, pass, app) };
        break;
      case 'look':
        facts = { ...facts, ...counted(pass, { look: await unsubscriber.look() }) };
        break;
      case 'unsubscribe':
        facts = { ...facts, ...counted(pass, { unsubscribe: await unsubscriber.unsubscribe() }) };
        break;
      case 'retry':
        return retry(deps, pass, { afterMs: step.afterMs, because: unsubscriber.lastFailure });
      case 'release':
        return dropFinalizer(deps, pass, { step, because: unsubscriber.lastFailure });
    }
    facts = { ...facts, nowMs: clock.monotonicMs(), retryAfterMs: unsubscriber.retryAfterMs };
  }
}

function deletionFacts(
  { clock, options }: PageReconcilerDeps,
  { page, spec, memory }: PagePass,
  own: NonNullable<PageMemory['deletion']>,
): DeletionFacts {
  return {
    ...factsOfPage(page, spec),
    unconfirmedWrite: memory.unconfirmedWrite || page.status?.lastWriteTime === undefined,
    mayWrite: !options.readOnly,
    deletionMs: own.deletionMs,
    firstAttemptMs: own.firstAttemptMs,
    attempts: own.attempts,
    timeoutMs: options.deletionTimeoutMs,
    nowMs: clock.monotonicMs(),
  };
}

/** A step that failed counts as an attempt. */
function counted(pass: PagePass, found: Partial<DeletionFacts>): Partial<DeletionFacts> {
  const { deletion } = pass.memory;
  if (hasFailed(found) && deletion !== undefined) deletion.attempts += 1;
  return { ...found, attempts: deletion?.attempts ?? 0 };
}

function retry(
  { log }: PageReconcilerDeps,
  { page, memory, key }: PagePass,
  { afterMs, because }: { readonly afterMs: number; readonly because: string },
): Result {
  const fields = { page: keyText(key), pageId: page.spec.pageId, afterMs, because };
  if (memory.deletion?.attempts === 1) log.warn('cannot unsubscribe a deleted page yet', fields);
  else log.debug('cannot unsubscribe a deleted page yet', fields);
  return requeueAfter(afterMs);
}

async function dropFinalizer(
  deps: PageReconcilerDeps,
  pass: PagePass,
  { step, because }: { readonly step: Release; readonly because: string },
): Promise<Result> {
  const { row, left } = step;
  const { page, signal } = pass;
  // What the spec allows is only true of the spec as it is: it may be changed until the page is
  // gone.
  if (row === 1 || row === 2) await assertUnchanged(deps, page, { signal });
  if (pass.memory.deletion?.told === false) {
    pass.memory.deletion.told = true;
    if (left) tellLeft(deps, pass, because);
    else if (row === 5) {
      const note = `Unsubscribed page ${page.spec.pageId} because its object is deleted`;
      deps.events.record(page, { type: 'Normal', reason: 'Unsubscribed', action: 'Unsubscribe', note });
    }
  }
  await deps.finalizers.remove(page, UNSUBSCRIBE_FINALIZER, signal);
  deps.log.info('released a deleted page', { page: keyText(pass.key), pageId: page.spec.pageId, row });
  return awaitChange();
}

function tellLeft({ events, counters, log }: PageReconcilerDeps, { page, key }: PagePass, because: string): void {
  const { pageId } = page.spec;
  const appId = page.status?.claim?.appId ?? '';
  const note = leftSubscribedNote(pageId, appId, because);
  events.record(page, { type: 'Warning', reason: 'LeftSubscribed', action: 'Unsubscribe', note });
  counters.leftSubscribed();
  log.warn('released a page that may still be subscribed', { page: keyText(key), pageId, appId, because });
}

/**
 * The wall clock is asked once: however wrong it is or becomes, a deletion takes no longer than the
 * timeout from here on.
 */
function firstAttempt({ page }: PagePass, clock: Clock): NonNullable<PageMemory['deletion']> {
  const firstAttemptMs = clock.monotonicMs();
  const ageMs = clock.nowMs() - (Date.parse(page.metadata.deletionTimestamp ?? '') || clock.nowMs());
  return { firstAttemptMs, deletionMs: firstAttemptMs - Math.max(0, ageMs), attempts: 0, told: false };
}

/**
 * What may be left at Graph, why, and how to finish by hand; 1,000 characters at most. `why` begins
 * with "for".
 */
export function leftSubscribedNote(pageId: string, appId: string, why: string): string {
  const byHand = `to finish, remove the app from the Page's settings at facebook.com, or send DELETE /${pageId}/subscribed_apps with a token of the Page or of the app`;
  return `Page ${pageId} may still be subscribed to app ${appId}, ${why}: ${byHand}`.slice(0, 1_000);
}

type PageFacts = 'everHeld' | 'observeOnly' | 'everWritten' | 'policy' | 'successor' | 'look' | 'unsubscribe';

/** What the page itself says of its deletion; nothing is found out yet. */
export function factsOfPage(page: MessengerPage, spec: EffectiveSpec): Pick<DeletionFacts, PageFacts> {
  return {
    everHeld: everHeld(page),
    observeOnly: !spec.manage,
    everWritten: hasFinalizer(page, UNSUBSCRIBE_FINALIZER),
    policy: deletionPolicyOf(page, spec),
    successor: undefined,
    look: undefined,
    unsubscribe: undefined,
  };
}

/** What counts as an attempt. */
export function hasFailed({ look, unsubscribe }: Partial<DeletionFacts>): boolean {
  return look === 'failed' || unsubscribe === 'failed';
}

/** Whether the page held its claim at some time. */
export function everHeld({ status }: MessengerPage): boolean {
  return status?.claim !== undefined && (status.claim.state === 'Held' || status.claim.epoch > 0);
}

/**
 * What the page itself says; else what applied when its app was last seen; else what applies now.
 */
export function deletionPolicyOf({ spec, status }: MessengerPage, now: Pick<EffectiveSpec, 'deletionPolicy'>): 'Unsubscribe' | 'Retain' {
  if (spec.deletionPolicy !== undefined) return spec.deletionPolicy;
  return status?.effective?.deletionPolicy === 'Retain' ? 'Retain' : now.deletionPolicy;
}

/**
 * Looks for a page that takes over (appId, pageId): proven, consented, and on a live GET not being
 * deleted itself. Our finalizer is put on it before it gets the claim, so that its own deletion
 * will unsubscribe. @returns whether one took over
 */
async function handOver(deps: PageReconcilerDeps, { page, key, signal }: PagePass, app: MessengerApp | undefined): Promise<boolean> {
  // What it has to hand over is what it held: its app may have been made anew with another id.
  const appId = page.status?.claim?.appId ?? app?.spec.appId;
  if (appId === undefined) return false;
  for (const candidate of deps.claims.successorsOf(page, appId)) {
    if (!(await takesOver(deps, candidate, signal))) continue;
    const { claim } = await deps.claims.settle(page, appId, signal);
    deps.log.info('handed a page over', { from: keyText(key), to: keyText(keyOf(candidate)), pageId: page.spec.pageId });
    return claim?.state !== 'Held';
  }
  return false;
}

async function takesOver(deps: PageReconcilerDeps, candidate: MessengerPage, signal: AbortSignal): Promise<boolean> {
  const live = await deps.livePages.get(keyOf(candidate), signal);
  if (live === undefined || live.metadata.uid !== candidate.metadata.uid || isBeingDeleted(live)) return false;
  try {
    await deps.finalizers.add(live, UNSUBSCRIBE_FINALIZER, signal);
    return true;
  } catch (error) {
    // It was deleted or replaced between the two calls: then it is no successor.
    if (error instanceof StaleReadError) return false;
    throw error;
  }
}
