import { APPS, PAGES } from '../api/kinds.js';
import { ClaimedPages } from '../routing/page-directory.js';
import type { PagesApiObserver } from '../pages-api/observer.js';
import type { Authenticator, Authorizer } from '../pages-api/ports.js';
import type { IssuerKeys } from '../pages-api/issuer-keys.js';
import { createPagesApiServer } from '../pages-api/server.js';
import type { Cluster } from '../runtime/cluster.js';
import { explained, type Listener } from './listener.js';
import type { ProcessContext } from './context.js';
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
  /** Where it is there, tokens that the cluster did not sign are refused without a review. */
  readonly issuer?: IssuerKeys;
  /** 0 where asking costs nothing. */
  readonly authFreshMs?: number;
}

export interface PagesApiListenerDeps {
  readonly config: PagesApiConfig;
  readonly context: ProcessContext;
  readonly cluster: Pick<Cluster, 'kind' | 'namespaces' | 'secrets' | 'configMaps'>;
  readonly access: ApiAccess;
  readonly observe: PagesApiObserver;
}

/** The internal edge for bots. @throws Error for a cluster whose ConfigMaps are not watched */
export function createPagesApiListener({ config, context, cluster, access, observe }: PagesApiListenerDeps): Listener {
  const { clock, log, signal } = context;
  const { namespaces, secrets, configMaps } = cluster;
  if (configMaps === undefined) throw new Error('the Pages API needs the ConfigMaps');
  const directory = new ClaimedPages({
    className: config.className,
    pages: cluster.kind(PAGES).informer,
    apps: cluster.kind(APPS).informer,
    ...{ namespaces, secrets, configMaps, log },
  });
  const tls = tlsFiles({ cert: config.apiTlsCert, key: config.apiTlsKey }, { clock, log, signal });
  const server = createPagesApiServer({ directory, clock, log, observe, tls: tls?.pair, ...access });
  const { apiPort: port, bindAddress: host } = config;
  return {
    name: 'pages-api',
    ready: () => directory.synced(),
    listen: async () => {
      await explained({ port, host, flag: '--api-port' }, server.listen(port, host));
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
