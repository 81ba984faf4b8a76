import type { ConfigOf } from '../config/flag-table.js';
import { APP_INDEXES, PAGE_INDEXES } from '../controller/indexes.js';
import { createBotKeyAccess } from '../pages-api/bot-keys.js';
import { type FolderCluster, openFolderCluster } from '../folder/folder-cluster.js';
import { botKeysOf } from './bot-keys.js';
import { runControllers } from './controller-part.js';
import type { ProcessIo } from './io.js';
import { operate } from './run-process.js';
import { type ApiAccess, createPagesApiPart } from './pages-api-part.js';
import { openProcess, type Process } from './context.js';
import { createWebhookPart } from './webhook-part.js';

/** All three roles in one process, from a folder of manifests. Resolves after a clean stop. */
export async function runStandalone(config: ConfigOf<'standalone'>, io: ProcessIo): Promise<void> {
  const process = openProcess(config, io);
  const { manifests = '.' } = config;
  const cluster = openFolderCluster({ ...config, manifests }, process, { pages: PAGE_INDEXES, apps: APP_INDEXES });
  const webhook = createWebhookPart({
    config,
    process,
    cluster,
    observe: process.metrics,
  });
  const access = botAccess(cluster, process);
  const pagesApi = createPagesApiPart({ config, process, cluster, access, observe: process.metrics.pagesApi });
  await operate({
    config,
    process,
    cluster,
    roles: ['controller', 'webhook', 'pages-api'],
    parts: [webhook, pagesApi],
    work: (signal) => runControllers({ config, process, cluster, publicReady: () => webhook.ready() }, signal),
    metrics: process.metrics,
    debug: { pages: () => webhook.pageStates() },
    tellAdminPort: (port) => {
      cluster.tellAdminUrl(port === undefined ? undefined : adminUrl(config.bindAddress, port));
    },
  });
}

/** From the same machine. */
function adminUrl(bindAddress: string, port: number): string {
  if (bindAddress === '::' || bindAddress === '0.0.0.0') return `http://127.0.0.1:${port}`;
  return `http://${bindAddress.includes(':') ? `[${bindAddress}]` : bindAddress}:${port}`;
}

/** Bots authenticate with a key from the manifests: there are no ServiceAccounts here. */
function botAccess(cluster: FolderCluster, process: Process): ApiAccess {
  const keys = botKeysOf(cluster.secretObjects, process.learn);
  const labelsOf = (page: { readonly namespace: string; readonly name: string }): Readonly<Record<string, string>> | undefined => {
    const found = cluster.pages.informer.get(page);
    return found === undefined ? undefined : (found.metadata.labels ?? {});
  };
  return { ...createBotKeyAccess({ keys, labelsOf }), audience: undefined, authStaleMs: 0, authFreshMs: 0 };
}
