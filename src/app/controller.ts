import type { ConfigOf } from '../config/flag-table.js';
import { runControllers } from './controller-part.js';
import type { ProcessIo } from './io.js';
import { openKubeCluster } from './open-kube-cluster.js';
import { operate } from './run-process.js';
import { openProcess } from './context.js';

/** Nothing is served, so there is nothing to drain. */
const DRAIN_TIMEOUT_MS = 0;

/** Reconciles the objects of a cluster while this process leads. Resolves after a clean stop. */
export async function runController(config: ConfigOf<'controller'>, io: ProcessIo): Promise<void> {
  const process = openProcess(config, io);
  const { cluster } = openKubeCluster('controller', config, process, config);
  await operate({
    config: { ...config, drainTimeoutMs: DRAIN_TIMEOUT_MS },
    process,
    cluster,
    roles: ['controller'],
    parts: [],
    work: (signal) => runControllers({ config, process, cluster }, signal),
    metrics: process.metrics,
    debug: {},
  });
}
