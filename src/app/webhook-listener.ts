import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { APPS, PAGES } from '../api/kinds.js';
import type { PageDeliveryState } from '../core/ports/delivery.js';
import { createDelivery, type DeliveryMode } from '../delivery/create.js';
import type { DeliveryObserver } from '../delivery/observer.js';
import { PageIndex } from '../routing/page-index.js';
import { parseBackendAllow } from '../net/dial/address-guard.js';
import { BotClient } from '../net/http1/bot-client.js';
import { createDial } from '../net/dial/connector.js';
import { CachedResolver, createCaresSource } from '../net/dial/resolver.js';
import { parseServiceMap, type ServiceMap } from '../net/dial/service-map.js';
import { tracerOf } from '../observability/traces.js';
import type { WebhookObserver } from '../webhook/observer.js';
import { createWebhookServer } from '../webhook/server.js';
import type { Cluster } from '../runtime/cluster.js';
import { drainInTurn, explained, type Listener } from './listener.js';
import type { ProcessContext } from './context.js';
import { tlsFiles } from './tls-files.js';

export interface WebhookConfig {
  readonly className: string;
  readonly bindAddress: string;
  readonly webhookPort: number;
  readonly tlsCert: string | undefined;
  readonly tlsKey: string | undefined;
  readonly maxBodyBytes: number;
  readonly maxInFlight: number;
  readonly delivery: DeliveryMode;
  readonly giveUpMs: number;
  readonly dedupeWindowMs: number;
  readonly backendAllow: readonly string[];
  readonly clusterDomain: string;
  readonly serviceResolver: string | undefined;
}

export interface WebhookListenerDeps {
  readonly config: WebhookConfig;
  readonly context: ProcessContext;
  readonly cluster: Pick<Cluster, 'kind' | 'services' | 'namespaces' | 'secrets'>;
  readonly observe: { readonly webhook: WebhookObserver; readonly delivery: DeliveryObserver };
}

export interface WebhookListener extends Listener {
  /** How delivery to each page goes. */
  pageStates(): readonly PageDeliveryState[];
}

/**
 * The public edge and the delivery to bots.
 * @throws Error with a message for the user for a flag that cannot be honoured
 */
export function createWebhookListener({ config, context, cluster, observe }: WebhookListenerDeps): WebhookListener {
  const { clock, log, signal } = context;
  const index = new PageIndex({
    clock,
    className: config.className,
    pages: cluster.kind(PAGES).informer,
    apps: cluster.kind(APPS).informer,
    services: cluster.services,
    namespaces: cluster.namespaces,
    secrets: cluster.secrets,
  });
  const client = createBotClient(config, context);
  const { giveUpMs, dedupeWindowMs, maxBodyBytes, maxInFlight, webhookPort: port, bindAddress: host } = config;
  const delivery = createDelivery(config.delivery, {
    client,
    clock,
    log,
    observer: observe.delivery,
    limits: { giveUpMs, dedupeWindowMs, maxPosts: maxInFlight },
  });
  const tls = tlsFiles({ cert: config.tlsCert, key: config.tlsKey }, { clock, log, signal });
  const limits = { maxBodyBytes, maxInFlight, giveUpMs };
  const tracer = tracerOf();
  const given = { ...(tls === undefined ? {} : { tls: tls.pair }), ...(tracer === undefined ? {} : { tracer }) };
  const server = createWebhookServer({ lookup: index, delivery, limits, clock, log, observer: observe.webhook, ...given });
  return {
    name: 'webhook',
    ready: () => index.synced() && delivery.ready(),
    listen: async () => {
      await delivery.start();
      await explained({ port, host, flag: '--webhook-port' }, server.listen(port, host));
      tls?.follow((pair) => {
        server.setTls(pair);
      });
      return server.address.port;
    },
    drain: async (timeoutMs) => {
      await drainInTurn([server, delivery], timeoutMs, clock);
    },
    close: async () => {
      await server.close();
      index.close();
      await delivery.close();
    },
    pageStates: () => delivery.pageStates(),
  };
}

function createBotClient(config: WebhookConfig, { clock }: ProcessContext): BotClient {
  const allowed = parseBackendAllow(config.backendAllow);
  if (!allowed.ok) throw new Error(`--backend-allow: ${allowed.problems.join('; ')}`);
  const resolver = new CachedResolver({ source: createCaresSource(), clock });
  const { clusterDomain, serviceResolver } = config;
  return new BotClient({
    resolver,
    allow: allowed.allow,
    dial: createDial(),
    clusterDomain,
    serviceMap: serviceMapOf(serviceResolver),
    clock,
  });
}

/** The file may be YAML as well: JSON is a part of it. */
function serviceMapOf(file: string | undefined): ServiceMap {
  if (file === undefined) return new Map();
  try {
    return parseServiceMap(JSON.stringify(parse(readFileSync(file, 'utf8')) ?? {}));
  } catch (error) {
    throw new Error(`--service-resolver ${file}: ${error instanceof Error ? error.message : 'cannot be read'}`, { cause: error });
  }
}
