import type { ConfigOf } from '../config/flag-table.js';
import type { ProcessIo } from './io.js';
import { openKubeCluster } from './open-kube-cluster.js';
import { operate } from './run-process.js';
import { openProcess } from './context.js';
import { createWebhookPart } from './webhook-part.js';

/** Receives from Meta and delivers to the bots of a cluster. Resolves after a clean stop. */
export async function runWebhook(config: ConfigOf<'webhook'>, io: ProcessIo): Promise<void> {
  const process = openProcess(config, io);
  const { cluster } = openKubeCluster('webhook', { ...config, secretNamespaces: config.webhookSecretNamespaces }, process);
  const webhook = createWebhookPart({ config, process, cluster, observe: process.metrics });
  await operate({
    config,
    process,
    cluster,
    roles: ['webhook'],
    parts: [webhook],
    work: undefined,
    metrics: process.metrics,
    debug: { pages: () => webhook.pageStates() },
  });
}
