import { GraphClient } from '../graph/graph-client.js';
import type { Cluster } from '../runtime/cluster.js';
import { Leader, type LeaderObserver, type LeaderOptions } from './leader.js';
import type { Process } from './context.js';

export interface ControllerConfig extends LeaderOptions {
  readonly graphUrl: URL;
}

export interface ControllerPartDeps {
  readonly config: ControllerConfig;
  readonly process: Process;
  readonly cluster: Cluster;
  /** Whether a webhook of ours would answer Meta's verification now; undefined: it would. */
  readonly publicReady?: () => boolean;
}

/** What the leader does: reconciles apps and pages until the signal is aborted. */
export async function runControllers(deps: ControllerPartDeps, signal: AbortSignal): Promise<void> {
  const { config, process, cluster, publicReady } = deps;
  const { metrics, log, clock, redactor } = process;
  const graph = new GraphClient({ baseUrl: config.graphUrl, clock, redactor, observer: metrics.graph, fence: cluster.fence });
  const leader = new Leader({
    ...{ cluster, graph, signs: graph, observer: observerOf(process), clock, log, options: config },
    ...(publicReady === undefined ? {} : { publicReady }),
  });
  metrics.controller.leading(true);
  log.info('reconciling', { workers: config.workers, readOnly: config.readOnly });
  try {
    await leader.run(signal);
  } finally {
    graph.close();
    metrics.controller.leading(false);
  }
}

function observerOf({ metrics }: Process): LeaderObserver {
  return {
    queue: (name) => metrics.queue.observer(name),
    passes: (name) => metrics.controller.observer(name),
    counters: metrics.controller,
  };
}
