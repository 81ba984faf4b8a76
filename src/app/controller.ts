import type { ConfigOf } from '../config/flag-table.js';
import type { SecretAccess } from '../core/ports/secret-access.js';
import { GraphClient } from '../graph/graph-client.js';
import { KubeSecretAccess } from '../k8s/secret-access.js';
import type { Cluster } from '../runtime/cluster.js';
import { openContext, type ProcessContext, type ProcessIo } from './context.js';
import { Leader, type LeaderOptions } from './leader.js';
import type { LeaderObserver } from './observer.js';
import { openKubeCluster } from './open-kube-cluster.js';
import { runProcess } from './run-process.js';

/** Nothing is served, so there is nothing to drain. */
const DRAIN_TIMEOUT_MS = 0;

/** Reconciles the objects of a cluster while this process leads. Resolves after a clean stop. */
export async function runController(config: ConfigOf<'controller'>, io: ProcessIo): Promise<void> {
  const context = openContext(config, io);
  const { cluster, client } = openKubeCluster('controller', config, context, config);
  const { webhookServiceAccount: webhook, pagesApiServiceAccount } = config;
  const accounts = { webhook, 'pages-api': pagesApiServiceAccount };
  const secretAccess = new KubeSecretAccess({ client, clock: context.clock, log: context.log, accounts });
  await runProcess({
    config: { ...config, drainTimeoutMs: DRAIN_TIMEOUT_MS },
    context,
    cluster,
    roles: ['controller'],
    listeners: [],
    work: (signal) => runControllers({ config, context, cluster, secretAccess }, signal),
    metrics: context.metrics,
    debug: {},
  });
}

export interface ControllersConfig extends LeaderOptions {
  readonly graphUrl: URL;
}

export interface RunControllersDeps {
  readonly config: ControllersConfig;
  readonly context: ProcessContext;
  readonly cluster: Cluster;
  /** What the other roles may read; undefined: everything. */
  readonly secretAccess?: SecretAccess;
  /** Whether a webhook of ours would answer Meta's verification now; undefined: it would. */
  readonly publicReady?: () => boolean;
}

/**
 * The leader's work, here and in standalone: reconciles apps and pages until the signal is aborted.
 */
export async function runControllers(deps: RunControllersDeps, signal: AbortSignal): Promise<void> {
  const { config, context, cluster, publicReady, secretAccess } = deps;
  const { metrics, log, clock, redactor } = context;
  const graph = new GraphClient({ baseUrl: config.graphUrl, clock, redactor, observer: metrics.graph, fence: cluster.fence });
  const leader = new Leader({
    ...{ cluster, graph, signs: graph, observer: observerOf(context), clock, log, options: config },
    ...(publicReady === undefined ? {} : { publicReady }),
    ...(secretAccess === undefined ? {} : { secretAccess }),
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

function observerOf({ metrics }: ProcessContext): LeaderObserver {
  return {
    queue: (name) => metrics.queue.observer(name),
    passes: (name) => metrics.controller.observer(name),
    counters: metrics.controller,
  };
}
