import { APPS, PAGES, type KindSingular } from '../api/kinds.js';
import type { ControllerSpec } from '../runtime/controller-spec.js';
import type { Namespace, Service } from '../api/meta.js';
import type { MessengerApp, MessengerPage } from '../api/v1alpha1/types.gen.js';
import type { Clock } from '../kit/clock.js';
import type { AppGraph, GraphSigns, PageGraph } from '../core/ports/graph.js';
import type { SecretAccess } from '../core/ports/secret-access.js';
import type { Logger } from '../kit/log.js';
import type { NamespacedName } from '../core/domain/object-key.js';
import type { DataCache, EventRecorder, Informer, KindAccess, WriteFence } from '../runtime/ports.js';
import { appKeyOf, claimKeyOf } from '../relations/relations.js';
import { AppHealth } from './app-health.js';
import { ClaimArbiter } from './claims/arbiter.js';
import { KeyMutex } from './key-mutex.js';
import { AppMemories } from './messengerapp/memory.js';
import { MessengerAppReconciler } from './messengerapp/reconciler.js';
import { appWatches } from './messengerapp/watches.js';
import { PageMemories } from './messengerpage/memory.js';
import type { PageCounters, PageOptions } from './messengerpage/ports.js';
import { MessengerPageReconciler } from './messengerpage/reconciler.js';
import { pageWatches } from './messengerpage/watches.js';
import { Proofs } from './proofs.js';
import { SecretGrace } from './secret-grace.js';
import { StatusMemory } from './status-memory.js';

export type ControllerOptions = PageOptions;

export interface ControllersDeps {
  /** The store made with PAGE_INDEXES. */
  readonly pages: KindAccess<MessengerPage>;
  /** The store made with APP_INDEXES. */
  readonly apps: KindAccess<MessengerApp>;
  readonly services: Pick<Informer<Service>, 'get' | 'covers' | 'subscribe'>;
  /** undefined where the operator may not read namespaces. */
  readonly namespaces: Pick<Informer<Namespace>, 'get' | 'subscribe'> | undefined;
  readonly secrets: DataCache;
  /** What the other roles may read; left out: everything. */
  readonly secretAccess?: SecretAccess;
  readonly events: EventRecorder;
  readonly fence: WriteFence;
  readonly graph: PageGraph & AppGraph;
  /** What Graph's answers tell besides; left out: nothing. */
  readonly signs?: GraphSigns;
  readonly counters: PageCounters;
  /** Whether a webhook of ours would answer Meta's verification now; left out: it would. */
  readonly publicReady?: () => boolean;
  readonly clock: Clock;
  readonly log: Logger;
  readonly options: ControllerOptions;
  /** 0 to 1, for the spread of checks. */
  readonly random?: () => number;
}

/**
 * Passes over pages under way at once, those that wait for Graph included: three full batches, so
 * that a start with thousands of pages costs as few requests as possible.
 */
const PAGE_PASSES = 150;
/**
 * A page that Graph fails for is tried less and less often: at most twice as often a day as a page
 * at rest is checked.
 */
const PAGE_BACKOFF = { baseMs: 1_000, maxMs: 20 * 60_000 };

/**
 * The controllers, with what they share in memory. Made once for each time that this process leads:
 * what they remember of their own writes holds only as long as no other process writes. A new
 * kind's controller is one more row.
 */
export function controllers(deps: ControllersDeps): readonly ControllerSpec<KindSingular>[] {
  const { pages, apps, services, namespaces, secrets, clock, log, options } = deps;
  const statuses = new StatusMemory<MessengerPage>(clock);
  const appStatuses = new StatusMemory<MessengerApp>(clock);
  const proofs = new Proofs(clock);
  const secretGrace = new SecretGrace(clock);
  const health = new AppHealth(clock);
  const mutex = new KeyMutex();
  const shared = { ...deps, namespaces, secrets, health, mutex };
  const claims = new ClaimArbiter({
    pages: pages.informer,
    apps: apps.informer,
    namespaces,
    livePages: pages.live,
    status: pages.status,
    statuses,
    appStatuses,
    proofs,
    clock,
    log,
    className: options.className,
  });
  const pageReconciler = new MessengerPageReconciler({
    ...shared,
    pages: pages.informer,
    apps: apps.informer,
    livePages: pages.live,
    status: statuses.writer(pages.status),
    statuses,
    appStatuses,
    finalizers: pages.finalizers,
    claims,
    proofs,
    secretGrace,
    memories: new PageMemories(),
  });
  const appReconciler = new MessengerAppReconciler({
    ...shared,
    apps: apps.informer,
    pages: pages.informer,
    liveApps: apps.live,
    status: appStatuses.writer(apps.status),
    statuses: appStatuses,
    finalizers: apps.finalizers,
    memories: new AppMemories(),
  });
  const watched = { apps: apps.informer, pages: pages.informer, services, namespaces, secrets, health, clock };
  return [
    { name: APPS.singular, reconciler: appReconciler, watch: appWatches({ ...watched, statuses: appStatuses }) },
    {
      name: PAGES.singular,
      reconciler: pageReconciler,
      watch: pageWatches({ ...watched, statuses }),
      passes: PAGE_PASSES,
      // Keys of one claim are not worked on at the same time.
      queue: { groupOf: (key) => claimGroupOf(deps, key), backoff: PAGE_BACKOFF },
    },
  ];
}

function claimGroupOf({ pages, apps }: ControllersDeps, key: NamespacedName): string | undefined {
  const page = pages.informer.get(key);
  return page && claimKeyOf(page, apps.informer.get(appKeyOf(page)));
}
