import { makeControllers, type Controllers } from '../controller/controllers.js';
import type { PageOptions } from '../controller/messengerpage/ports.js';
import { GraphClient } from '../graph/graph-client.js';
import type { ControllerName } from '../observability/controller-metrics.js';
import { Controller } from '../runtime/controller.js';
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
 * What the leader does: reconciles apps and pages until the signal is aborted. Everything that it remembers is made anew, so
 * that a process that leads again judges by what it sees then.
 */
export async function runControllers(deps: ControllerPartDeps, signal: AbortSignal): Promise<void> {
  const { config, process } = deps;
  const { metrics, log, clock, redactor } = process;
  const graph = new GraphClient({ baseUrl: config.graphUrl, clock, redactor, observer: metrics.graph });
  const controllers = controllersOf(deps, graph);
  const pages = loopOf(deps, 'messengerpage', { reconciler: controllers.pages, groupOf: (key) => controllers.claimGroupOf(key) });
  const apps = loopOf(deps, 'messengerapp', { reconciler: controllers.apps });
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

function controllersOf({ cluster, config, process, publicReady }: ControllerPartDeps, graph: GraphClient): Controllers {
  const { pages, apps, services, namespaces, events, fence } = cluster;
  if (services === undefined) throw new Error('the controller needs the Services');
  return makeControllers({
    ...{ pages, apps, services, namespaces, events, fence, graph, signs: graph },
    secrets: ownRetention(cluster.secrets),
    counters: process.metrics.controller,
    clock: process.clock,
    log: process.log,
    options: config,
    ...(publicReady === undefined ? {} : { publicReady }),
  });
}

interface Work {
  readonly reconciler: Reconciler;
  readonly groupOf?: NonNullable<WorkQueueOptions<NamespacedName>['groupOf']>;
}

function loopOf(
  { config, process }: ControllerPartDeps,
  name: ControllerName,
  { reconciler, ...grouped }: Work,
): { readonly queue: WorkQueue; readonly controller: Controller } {
  const { clock, log, metrics } = process;
  const queue = new WorkQueue({ clock, collectBackgroundMs: COLLECT_MS, observer: metrics.queue.observer(name), ...grouped });
  const observe = metrics.controller.observer(name);
  return { queue, controller: new Controller({ name, reconciler, queue, workers: config.workers, clock, log, observe }) };
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
