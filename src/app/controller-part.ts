import type { MessengerApp, MessengerPage } from '../api/v1alpha1/types.gen.js';
import { AppHealth } from '../controller/app-health.js';
import { ClaimArbiter } from '../controller/claims/arbiter.js';
import { KeyMutex } from '../controller/key-mutex.js';
import { AppMemories } from '../controller/messengerapp/memory.js';
import { MessengerAppReconciler } from '../controller/messengerapp/reconciler.js';
import { watchForApps } from '../controller/messengerapp/setup.js';
import { PageMemories } from '../controller/messengerpage/memory.js';
import type { PageOptions } from '../controller/messengerpage/ports.js';
import { MessengerPageReconciler } from '../controller/messengerpage/reconciler.js';
import { watchForPages } from '../controller/messengerpage/setup.js';
import { Proofs } from '../controller/proofs.js';
import { StatusMemory } from '../controller/status-memory.js';
import { GraphClient } from '../graph/graph-client.js';
import type { ControllerName } from '../observability/controller-metrics.js';
import { Controller } from '../runtime/controller.js';
import type { DataCache, Reconciler } from '../runtime/ports.js';
import { WorkQueue } from '../runtime/work-queue.js';
import type { Cluster } from './cluster.js';
import type { Process } from './process.js';

export interface ControllerConfig extends PageOptions {
  readonly workers: number;
  readonly graphUrl: URL;
}

export interface ControllerPartDeps {
  readonly config: ControllerConfig;
  readonly process: Process;
  readonly cluster: Cluster;
  /** Whether a webhook of ours would answer Meta's verification now; undefined: it would. */
  readonly publicReady?: () => boolean;
}

/** Due drift checks are collected for so long, so that they fill batches. */
const COLLECT_MS = 5_000;

/**
 * What the leader does: reconciles apps and pages until the signal is aborted. Everything that it remembers is made anew, so
 * that a process that leads again judges by what it sees then.
 */
export async function runControllers(deps: ControllerPartDeps, signal: AbortSignal): Promise<void> {
  const { config, process } = deps;
  const { metrics, log, clock, redactor } = process;
  const graph = new GraphClient({ baseUrl: config.graphUrl, clock, redactor, observer: metrics.graph });
  const shared = sharedParts(deps);
  const loops = [appLoop(deps, shared, graph), pageLoop(deps, shared, graph)];
  metrics.controller.leading(true);
  log.info('reconciling', { controllers: loops.map(({ controller }) => controller.name), readOnly: config.readOnly });
  try {
    await Promise.all(loops.map(({ controller }) => controller.run(signal)));
  } finally {
    for (const { stopWatching } of loops) stopWatching();
    graph.close();
    metrics.controller.leading(false);
  }
}

interface Shared {
  readonly health: AppHealth;
  readonly proofs: Proofs;
  readonly statuses: StatusMemory<MessengerPage>;
  readonly appStatuses: StatusMemory<MessengerApp>;
  readonly secrets: Pick<DataCache, 'read' | 'retain'>;
}

function sharedParts({ process: { clock }, cluster }: ControllerPartDeps): Shared {
  const [statuses, appStatuses] = [new StatusMemory<MessengerPage>(), new StatusMemory<MessengerApp>()];
  return { health: new AppHealth(clock), proofs: new Proofs(clock), statuses, appStatuses, secrets: ownRetention(cluster.secrets) };
}

interface Loop {
  readonly controller: Controller;
  readonly stopWatching: () => void;
}

function appLoop(deps: ControllerPartDeps, shared: Shared, graph: GraphClient): Loop {
  const { cluster, config, process, publicReady } = deps;
  const { namespaces, pages, apps, events, fence } = cluster;
  const { health, secrets, appStatuses: statuses } = shared;
  const own = { namespaces, pages: pages.informer, apps: apps.informer, statuses, health };
  const reconciler = new MessengerAppReconciler({
    ...own,
    ...{ secrets, events, fence, graph, signs: graph, clock: process.clock, log: process.log },
    liveApps: apps.live,
    status: statuses.writer(apps.status),
    finalizers: apps.finalizers,
    memories: new AppMemories(),
    mutex: new KeyMutex(),
    options: config,
    ...(publicReady === undefined ? {} : { publicReady }),
  });
  const { queue, controller } = loopOf(deps, 'messengerapp', reconciler);
  return { controller, stopWatching: watchForApps({ ...own, secrets: cluster.secrets }, queue) };
}

function pageLoop(deps: ControllerPartDeps, shared: Shared, graph: GraphClient): Loop {
  const { cluster, config, process } = deps;
  const { clock, log } = process;
  const { namespaces, pages, apps } = cluster;
  const services = servicesOf(cluster);
  const own = { ...shared, clock, log, namespaces, pages: pages.informer, apps: apps.informer, livePages: pages.live };
  const claims = new ClaimArbiter({ ...own, status: pages.status, className: config.className });
  const reconciler = new MessengerPageReconciler({
    ...own,
    services,
    status: shared.statuses.writer(pages.status),
    finalizers: pages.finalizers,
    events: cluster.events,
    fence: cluster.fence,
    graph,
    signs: graph,
    claims,
    memories: new PageMemories(),
    mutex: new KeyMutex(),
    counters: process.metrics.controller,
    options: config,
  });
  const { queue, controller } = loopOf(deps, 'messengerpage', reconciler);
  const stopWatching = watchForPages({ ...own, services, secrets: cluster.secrets }, queue);
  return { controller, stopWatching };
}

function loopOf(
  { config, process }: ControllerPartDeps,
  name: ControllerName,
  reconciler: Reconciler,
): { readonly queue: WorkQueue; readonly controller: Controller } {
  const { clock, log, metrics } = process;
  const queue = new WorkQueue({ clock, collectBackgroundMs: COLLECT_MS, observer: metrics.queue.observer(name) });
  const controller = new Controller({
    name,
    reconciler,
    queue,
    workers: config.workers,
    clock,
    log,
    observe: metrics.controller.observer(name),
  });
  return { queue, controller };
}

function servicesOf({ services }: Cluster): NonNullable<Cluster['services']> {
  if (services === undefined) throw new Error('the controller needs the Services');
  return services;
}

/** The page index retains by the same owners' names: one must not release what the other needs. */
function ownRetention(secrets: DataCache): Pick<DataCache, 'read' | 'retain'> {
  return {
    read: (key, signal) => secrets.read(key, signal),
    retain: (owner, keys) => {
      secrets.retain(`controller ${owner}`, keys);
    },
  };
}
