import type { ConfigOf } from '../config/flag-table.js';
import { openKubeCluster } from './open-kube-cluster.js';
import { runProcess } from './run-process.js';
import { openContext, type ProcessIo } from './context.js';
import { createWebhookListener } from './webhook-listener.js';

/** Receives from Meta and delivers to the bots of a cluster. Resolves after a clean stop. */
export async function runWebhook(config: ConfigOf<'webhook'>, io: ProcessIo): Promise<void> {
  const context = openContext(config, io);
  const { cluster } = openKubeCluster('webhook', { ...config, secretNamespaces: config.webhookSecretNamespaces }, context);
  const webhook = createWebhookListener({ config, context, cluster, observe: context.metrics });
  await runProcess({
    config,
    context,
    cluster,
    roles: ['webhook'],
    listeners: [webhook],
    work: undefined,
    metrics: context.metrics,
    debug: { pages: () => webhook.pageStates() },
  });
}
