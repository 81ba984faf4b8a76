import { UNSUBSCRIBE_FINALIZER } from '../../api/v1alpha1/constants.js';
import type { MessengerApp, MessengerPage } from '../../api/v1alpha1/types.gen.js';
import { StaleReadError } from '../../core/domain/errors.js';
import { keyOf, keyText } from '../../core/domain/object-key.js';
import { isBeingDeleted } from '../../runtime/finalizers.js';
import type { PagePass } from './pass.js';
import type { PageReconcilerDeps } from './ports.js';

/**
 * Looks for a page that takes over (appId, pageId) from one that is deleted: proven, consented, and on a live GET not being
 * deleted itself. Our finalizer is put on it before it gets the claim, so that its own deletion will unsubscribe.
 * @returns whether one took over
 */
export async function handOver(deps: PageReconcilerDeps, pass: PagePass, app: MessengerApp | undefined): Promise<boolean> {
  const { page, signal } = pass;
  // What it has to hand over is what it held: its app may have been made anew with another id.
  const appId = page.status?.claim?.appId ?? app?.spec.appId;
  if (appId === undefined) return false;
  for (const candidate of deps.claims.successorsOf(page, appId)) {
    if (!(await takesOver(deps, candidate, signal))) continue;
    const { claim } = await deps.claims.settle(page, appId, signal);
    deps.log.info('handed a page over', { from: keyText(pass.key), to: keyText(keyOf(candidate)), pageId: page.spec.pageId });
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
