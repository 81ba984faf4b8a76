import { UNSUBSCRIBE_FINALIZER } from '../../api/v1alpha1/constants.js';
import type { MessengerPage } from '../../api/v1alpha1/types.gen.js';
import { StaleReadError } from '../../core/domain/errors.js';
import { keyOf, keyText } from '../../core/domain/object-key.js';
import { hasFinalizer } from '../../runtime/finalizers.js';
import type { PageReconcilerDeps } from './ports.js';

type WriteDeps = Pick<PageReconcilerDeps, 'livePages' | 'finalizers' | 'fence'>;

/**
 * Puts our finalizer on the page, unless it is there: before the first write to Graph, so that no
 * deletion goes unseen.
 */
export async function ensureFinalizer({ finalizers }: WriteDeps, page: MessengerPage, signal: AbortSignal): Promise<void> {
  if (!hasFinalizer(page, UNSUBSCRIBE_FINALIZER)) await finalizers.add(page, UNSUBSCRIBE_FINALIZER, signal);
}

/**
 * To be called immediately before each write to Graph: the page must still be the one that the plan
 * was made from, and this process must lead. `epoch`: of the claim that it must still hold; left
 * out where none is needed.
 * @throws StaleReadError, NotLeaderError, ClusterUnavailableError: nothing may be written then
 */
export async function assertMayWrite(
  deps: WriteDeps,
  page: MessengerPage,
  { epoch, signal }: { readonly epoch?: number; readonly signal: AbortSignal },
): Promise<void> {
  await assertUnchanged(deps, page, { ...(epoch === undefined ? {} : { epoch }), signal });
  deps.fence.check();
}

/**
 * The page must still be the one that the plan was made from: for what is decided and not written
 * to Graph. @throws as `assertMayWrite`
 */
export async function assertUnchanged(
  { livePages }: Pick<WriteDeps, 'livePages'>,
  page: MessengerPage,
  { epoch, signal }: { readonly epoch?: number; readonly signal: AbortSignal },
): Promise<void> {
  const live = await livePages.get(keyOf(page), signal);
  const change = live === undefined ? 'is gone' : (changeBetween(page, live) ?? claimChange(live, epoch));
  if (change !== undefined) throw new StaleReadError(`page ${keyText(keyOf(page))} ${change} since the pass began`);
}

function changeBetween(planned: MessengerPage, live: MessengerPage): string | undefined {
  const { uid, generation, deletionTimestamp } = live.metadata;
  if (uid !== planned.metadata.uid) return 'is another object';
  if (generation !== planned.metadata.generation) return 'has another spec';
  // Another controller's finalizer may keep a page that we are done with: what is at Graph by then
  // is not this page's.
  if (hasFinalizer(planned, UNSUBSCRIBE_FINALIZER) && !hasFinalizer(live, UNSUBSCRIBE_FINALIZER)) return 'was released';
  return deletionTimestamp === planned.metadata.deletionTimestamp ? undefined : 'is being deleted';
}

function claimChange({ status }: MessengerPage, epoch: number | undefined): string | undefined {
  if (epoch === undefined || (status?.claim?.state === 'Held' && status.claim.epoch === epoch)) return undefined;
  return 'has another claim';
}
