import { PAGES } from '../api/kinds.js';
import type { ConfigOf } from '../config/flag-table.js';
import { INDEXES } from '../controller/indexes.js';
import { createBotKeyAccess } from '../pages-api/bot-keys.js';
import { FolderCluster } from '../folder/folder-cluster.js';
import { botKeysOf } from './bot-keys.js';
import { openContext, type ProcessContext, type ProcessIo } from './context.js';
import { runControllers } from './controller.js';
import { runProcess } from './run-process.js';
import { type ApiAccess, createPagesApiListener } from './pages-api-listener.js';
import { createWebhookListener } from './webhook-listener.js';

/** All three roles in one process, from a folder of manifests. Resolves after a clean stop. */
export async function runStandalone(config: ConfigOf<'standalone'>, io: ProcessIo): Promise<void> {
  const context = openContext(config, io);
  const { manifests = '.' } = config;
  const cluster = new FolderCluster({ config: { ...config, manifests }, clock: context.clock, log: context.log, indexes: INDEXES });
  const webhook = createWebhookListener({
    config,
    context,
    cluster,
    observe: context.metrics,
  });
  const access = botAccess(cluster, context);
  const pagesApi = createPagesApiListener({ config, context, cluster, access, observe: context.metrics.pagesApi });
  await runProcess({
    config,
    context,
    cluster,
    roles: ['controller', 'webhook', 'pages-api'],
    listeners: [webhook, pagesApi],
    work: (signal) => runControllers({ config, context, cluster, publicReady: () => webhook.ready() }, signal),
    metrics: context.metrics,
    debug: { pages: () => webhook.pageStates() },
    reportAdminPort: (port) => {
      cluster.noteAdminUrl(port === undefined ? undefined : adminUrl(config.bindAddress, port));
    },
  });
}

/** From the same machine. */
function adminUrl(bindAddress: string, port: number): string {
  if (bindAddress === '::' || bindAddress === '0.0.0.0') return `http://127.0.0.1:${port}`;
  return `http://${bindAddress.includes(':') ? `[${bindAddress}]` : bindAddress}:${port}`;
}

/** Bots authenticate with a key from the manifests: there are no ServiceAccounts here. */
function botAccess(cluster: FolderCluster, context: ProcessContext): ApiAccess {
  const keys = botKeysOf(cluster.secretObjects, context.learn);
  const labelsOf = (page: { readonly namespace: string; readonly name: string }): Readonly<Record<string, string>> | undefined => {
    const found = cluster.kind(PAGES).informer.get(page);
    return found === undefined ? undefined : (found.metadata.labels ?? {});
  };
  return { ...createBotKeyAccess({ keys, labelsOf }), audience: undefined, authStaleMs: 0, authFreshMs: 0 };
}
