import { UNSUBSCRIBE_FINALIZER } from '../../api/v1alpha1/constants.js';
import type { MessengerApp, MessengerPage } from '../../api/v1alpha1/types.gen.js';
import { ClusterUnavailableError } from '../../core/domain/errors.js';
import { effectiveSpec } from '../../core/domain/effective-spec.js';
import { keyText, type NamespacedName } from '../../core/domain/object-key.js';
import { hasFinalizer, isBeingDeleted } from '../../runtime/finalizers.js';
import { awaitChange, requeueAfter, type Reconciler, type Result } from '../../runtime/ports.js';
import { appKeyOf, claimKeyOf, classOf } from '../../relations/relations.js';
import { reconcileDeletion } from './deletion.js';
import { reconcilePage } from './flow.js';
import { PageReport, type PagePass } from './pass.js';
import type { PageReconcilerDeps } from './ports.js';

/**
 * After the timeout the install that handled a page gives up within a minute; after this any other
 * one lets it go.
 */
const ORPHANED_MS = 2 * 60_000;

/**
 * Keeps one Page's subscription at Graph, its claim and its status equal to what its MessengerPage
 * says.
 */
export class MessengerPageReconciler implements Reconciler {
  readonly #deps: PageReconcilerDeps;

  constructor(deps: PageReconcilerDeps) {
    this.#deps = deps;
  }

  async reconcile(key: NamespacedName, signal: AbortSignal): Promise<Result> {
    const page = this.#deps.pages.get(key);
    if (page === undefined) return this.#gone(key);
    const claimKey = claimKeyOf(page, this.#appOf(page)) ?? `page/${keyText(key)}`;
    return this.#deps.mutex.run(claimKey, signal, () => this.#alone(key, signal));
  }

  /**
   * Read again: another page's pass may have written this one's claim while it waited for its turn.
   */
  async #alone(key: NamespacedName, signal: AbortSignal): Promise<Result> {
    const { pages, statuses, memories, clock, options } = this.#deps;
    const found = pages.get(key);
    if (found === undefined) return this.#gone(key);
    const known = memories.peek(key)?.uid;
    // It was deleted and created again between two passes.
    if (known !== undefined && known !== found.metadata.uid) this.#forget(known);
    const page = statuses.current(found);
    const app = this.#appOf(page);
    this.#throwIfUnlisted(page, app);
    if (!this.#isOurs(page, app)) {
      const orphanedMs = this.#orphanedMs(page, app);
      if (orphanedMs === undefined) return awaitChange();
      if (orphanedMs < ORPHANED_MS) return requeueAfter(ORPHANED_MS - orphanedMs);
    }
    const memory = memories.of(page, clock.monotonicMs());
    const pass: PagePass = { key, page, spec: effectiveSpec(page, app, options), memory, report: new PageReport(), signal };
    // Deletion goes on while suspended, or a suspended page would stay in Terminating for ever.
    return isBeingDeleted(page) ? reconcileDeletion(this.#deps, pass, app) : reconcilePage(this.#deps, pass, app);
  }

  #appOf(page: MessengerPage): MessengerApp | undefined {
    const app = this.#deps.apps.get(appKeyOf(page));
    return app === undefined ? undefined : this.#deps.appStatuses.current(app);
  }

  /**
   * An app of a namespace that could not be listed is not known to be missing: what was seen of the
   * page stays. A deletion goes on.
   * @throws ClusterUnavailableError
   */
  #throwIfUnlisted(page: MessengerPage, app: MessengerApp | undefined): void {
    const key = appKeyOf(page);
    if (app !== undefined || isBeingDeleted(page) || this.#deps.apps.covers(key.namespace)) return;
    throw new ClusterUnavailableError(`MessengerApps of namespace ${key.namespace} cannot be listed, so ${keyText(key)} is not known`);
  }

  /**
   * Once its app is gone a page belongs to the unnamed class, unless this install has handled it
   * before.
   */
  #isOurs(page: MessengerPage, app: MessengerApp | undefined): boolean {
    const { memories, options } = this.#deps;
    const known = memories.peek({ namespace: page.metadata.namespace ?? '', name: page.metadata.name });
    if (app === undefined && known?.uid === page.metadata.uid) return true;
    return classOf(app) === options.className;
  }

  /**
   * How long ago the time ended in which its install should have released it. Its app is gone, so
   * its class is not known any more. undefined: the page is not orphaned.
   */
  #orphanedMs(page: MessengerPage, app: MessengerApp | undefined): number | undefined {
    const { clock, options } = this.#deps;
    if (app !== undefined || !isBeingDeleted(page) || !hasFinalizer(page, UNSUBSCRIBE_FINALIZER)) return undefined;
    return clock.nowMs() - Date.parse(page.metadata.deletionTimestamp ?? '') - options.deletionTimeoutMs;
  }

  #gone(key: NamespacedName): Result {
    const { memories } = this.#deps;
    this.#forget(memories.peek(key)?.uid);
    memories.forget(key);
    return awaitChange();
  }

  /** Forgets what is remembered by uid, besides the page's memory. */
  #forget(uid: string | undefined): void {
    const { statuses, proofs, claims, counters } = this.#deps;
    counters.tokenEnds?.(uid ?? '', undefined);
    statuses.forget(uid);
    proofs.forget(uid);
    claims.forget(uid);
  }
}
