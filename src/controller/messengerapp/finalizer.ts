import { IN_USE_FINALIZER, UNSUBSCRIBE_FINALIZER } from '../../api/v1alpha1/constants.js';
import type { MessengerApp, MessengerPage } from '../../api/v1alpha1/types.gen.js';
import { hasFinalizer, isBeingDeleted } from '../../runtime/finalizers.js';
import { consentTo } from '../../relations/relations.js';
import type { AppMemory } from './memory.js';
import type { AppReconcilerDeps } from './ports.js';

/** Whether a page needs the app to be there: it may use it, or has to be unsubscribed with it. */
export function needsApp(page: MessengerPage, app: MessengerApp, namespaces: AppReconcilerDeps['namespaces']): boolean {
  return hasFinalizer(page, UNSUBSCRIBE_FINALIZER) || consentTo(page, app, namespaces).given;
}

/** What is known of an app. */
interface InUsePass {
  readonly app: MessengerApp;
  readonly memory: Pick<AppMemory, 'deletingSinceMs'>;
}

type InUseDeps = Pick<AppReconcilerDeps, 'finalizers' | 'clock' | 'options'>;

/**
 * Keeps our finalizer on the app while pages need it, so that they can still be unsubscribed; at
 * most for the deletion timeout.
 * @returns `gone`: it was let go. A number: it is being deleted and waits for its pages, this many
 * milliseconds at most.
 */
export async function keepInUse(
  deps: InUseDeps,
  { app, memory }: InUsePass,
  inUse: boolean,
  signal: AbortSignal,
): Promise<'kept' | 'gone' | number> {
  if (isBeingDeleted(app)) return letGo(deps, { app, memory }, inUse, signal);
  const has = hasFinalizer(app, IN_USE_FINALIZER);
  if (inUse && !has) await deps.finalizers.add(app, IN_USE_FINALIZER, signal);
  if (!inUse && has) await deps.finalizers.remove(app, IN_USE_FINALIZER, signal);
  return 'kept';
}

async function letGo(
  { finalizers, clock, options }: InUseDeps,
  { app, memory }: InUsePass,
  inUse: boolean,
  signal: AbortSignal,
): Promise<'gone' | number> {
  if (!hasFinalizer(app, IN_USE_FINALIZER)) return 'gone';
  const sinceMs = (memory.deletingSinceMs ??= clock.monotonicMs());
  const byItsTimestampMs = Date.parse(app.metadata.deletionTimestamp ?? '') + options.deletionTimeoutMs - clock.nowMs();
  // However wrong the wall clock is: never longer than the timeout from when this process saw it.
  const leftMs = Math.min(byItsTimestampMs, sinceMs + options.deletionTimeoutMs - clock.monotonicMs());
  if (inUse && leftMs > 0) return leftMs;
  await finalizers.remove(app, IN_USE_FINALIZER, signal);
  return 'gone';
}
