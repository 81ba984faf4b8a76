import type { DataCache } from '../runtime/ports.js';
import { ClaimedPages } from '../routing/page-directory.js';
import type { Authenticator, Authorizer, PagesApiObserver } from '../pages-api/ports.js';
import { createPagesApiServer } from '../pages-api/server.js';
import type { Cluster } from '../runtime/cluster.js';
import { inWords } from './listen.js';
import type { Part } from './listener.js';
import type { Process } from './context.js';
import { tlsFiles } from './tls-files.js';

export interface PagesApiConfig {
  readonly className: string;
  readonly bindAddress: string;
  readonly apiPort: number;
  readonly apiTlsCert: string | undefined;
  readonly apiTlsKey: string | undefined;
}

/** Who may call, and what: by reviews of the API server, or by the bots' keys. */
export interface ApiAccess {
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  /** undefined where callers have keys. */
  readonly audience: string | undefined;
  readonly authStaleMs: number;
  /** 0 where asking costs nothing. */
  readonly authFreshMs?: number;
}

export interface PagesApiPartDeps {
  readonly config: PagesApiConfig;
  readonly process: Process;
  readonly cluster: Pick<Cluster, 'pages' | 'apps' | 'namespaces' | 'secrets'> & { readonly configMaps: DataCache };
  readonly access: ApiAccess;
  readonly observe: PagesApiObserver;
}

/** The internal edge for bots. */
export function createPagesApiPart({ config, process, cluster, access, observe }: PagesApiPartDeps): Part {
  const { clock, log, signal } = process;
  const directory = new ClaimedPages({
    className: config.className,
    pages: cluster.pages.informer,
    apps: cluster.apps.informer,
    namespaces: cluster.namespaces,
    secrets: cluster.secrets,
    configMaps: cluster.configMaps,
    log,
  });
  const tls = tlsFiles({ cert: config.apiTlsCert, key: config.apiTlsKey }, { clock, log, signal });
  const server = createPagesApiServer({ directory, clock, log, observe, tls: tls?.pair, ...access });
  const { apiPort: port, bindAddress: host } = config;
  return {
    name: 'pages-api',
    ready: () => directory.synced(),
    listen: async () => {
      await inWords({ port, host, flag: '--api-port' }, server.listen(port, host));
      tls?.follow((pair) => {
        server.setTls(pair);
      });
      return server.address().port;
    },
    drain: (timeoutMs) => server.drain(timeoutMs),
    close: async () => {
      await server.close();
      directory.close();
    },
  };
}
