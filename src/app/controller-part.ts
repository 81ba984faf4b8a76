import { makeControllers, type Controllers } from '../controller/controllers.js';
import type { PageOptions } from '../controller/messengerpage/ports.js';
import { GraphClient } from '../graph/graph-client.js';
import type { ControllerName } from '../observability/controller-metrics.js';
import type { AppGraph, PageGraph } from '../core/graph.js';
import { Controller } from '../runtime/controller.js';
import { Limiter } from '../runtime/limiter.js';
import type { DataCache, Reconciler } from '../runtime/ports.js';
import { WorkQueue, type WorkQueueOptions } from '../runtime/work-queue.js';
import type { NamespacedName } from '../core/object-key.js';
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
 * Passes under way at once, those that wait for Graph counted in: three full batches, so that a start with thousands of pages
 * costs as few requests as it can. How many are at work besides is `--workers`.
 */
const PASSES = 150;
/** A page that Graph fails for is tried again less and less often: no more than twice as often a day as one at rest is checked. */
const PAGE_BACKOFF = { baseMs: 1_000, maxMs: 20 * 60_000 };

/**
 * What the leader does: reconciles apps and pages until the signal is aborted. Everything that it remembers is made anew, so
 * that a process that leads again judges by what it sees then.
 */
export async function runControllers(deps: ControllerPartDeps, signal: AbortSignal): Promise<void> {
  const { config, process } = deps;
  const { metrics, log, clock, redactor } = process;
  const graph = new GraphClient({ baseUrl: config.graphUrl, clock, redactor, observer: metrics.graph });
  const places = new Limiter(config.workers);
  const controllers = controllersOf(deps, graph, places);
  const pages = loopOf(deps, 'messengerpage', {
    reconciler: within(places, controllers.pages),
    passes: Math.max(PASSES, config.workers),
    queue: { groupOf: (key) => controllers.claimGroupOf(key), backoff: PAGE_BACKOFF },
  });
  const apps = loopOf(deps, 'messengerapp', { reconciler: within(places, controllers.apps), passes: config.workers, queue: {} });
  const stopWatching = [controllers.watchApps(apps.queue), controllers.watchPages(pages.queue)];
  metrics.controller.leading(true);
  log.info('reconciling', { workers: config.workers, readOnly: config.readOnly });
  try {
    await Promise.all([apps.controller.run(signal), pages.controller.run(signal)]);
  } finally {
    for (const stop of stopWatching) stop();
    graph.close();
    metrics.controller.leading(false);
  }
}

function controllersOf({ cluster, config, process, publicReady }: ControllerPartDeps, graph: GraphClient, places: Limiter): Controllers {
  const { pages, apps, services, namespaces, events, fence } = cluster;
  if (services === undefined) throw new Error('the controller needs the Services');
  return makeControllers({
    ...{ pages, apps, services, namespaces, events, fence, graph: lendingGraph(graph, places), signs: graph },
    secrets: ownRetention(cluster.secrets),
    counters: process.metrics.controller,
    clock: process.clock,
    log: process.log,
    options: config,
    ...(publicReady === undefined ? {} : { publicReady }),
  });
}

/** A pass is at work only while it has a place; one that waits for Graph lends its place to another. */
function within(places: Limiter, reconciler: Reconciler): Reconciler {
  return { reconcile: (key, signal) => places.run(() => reconciler.reconcile(key, signal), signal) };
}

function lendingGraph(graph: GraphClient, places: Limiter): PageGraph & AppGraph {
  return {
    inspectToken: (...call) => places.lend(() => graph.inspectToken(...call)),
    pageInfo: (...call) => places.lend(() => graph.pageInfo(...call)),
    observe: (...call) => places.lend(() => graph.observe(...call)),
    subscribe: (...call) => places.lend(() => graph.subscribe(...call)),
    unsubscribe: (...call) => places.lend(() => graph.unsubscribe(...call)),
    subscriptions: (...call) => places.lend(() => graph.subscriptions(...call)),
    subscribeApp: (...call) => places.lend(() => graph.subscribeApp(...call)),
  };
}

interface Work {
  readonly reconciler: Reconciler;
  readonly passes: number;
  readonly queue: Pick<WorkQueueOptions<NamespacedName>, 'groupOf' | 'backoff'>;
}

function loopOf(
  { process }: ControllerPartDeps,
  name: ControllerName,
  { reconciler, passes, queue: own }: Work,
): { readonly queue: WorkQueue; readonly controller: Controller } {
  const { clock, log, metrics } = process;
  const queue = new WorkQueue({ clock, collectBackgroundMs: COLLECT_MS, observer: metrics.queue.observer(name), ...own });
  const observe = metrics.controller.observer(name);
  return { queue, controller: new Controller({ name, reconciler, queue, workers: passes, clock, log, observe }) };
}

/** The page index retains by the same owners' names: one must not release what the other needs. */
function ownRetention(secrets: DataCache): DataCache {
  return {
    hasSynced: () => secrets.hasSynced(),
    ageMs: () => secrets.ageMs(),
    peek: (key) => secrets.peek(key),
    read: (key, signal) => secrets.read(key, signal),
    retain: (owner, keys) => {
      secrets.retain(`controller ${owner}`, keys);
    },
    subscribe: (handler) => secrets.subscribe(handler),
  };
}
