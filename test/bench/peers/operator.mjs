// The webhook hop as it runs in production: listener, page index, direct delivery, connections, metrics. Only the
// Kubernetes API is missing: the stores hold what a watch would have put there.
import { pathToFileURL } from 'node:url';
import { Registry } from 'prom-client';

const { secret, botPort, pages, dist } = JSON.parse(process.argv[2]);
const load = (path) => import(pathToFileURL(`${dist}/${path}.js`).href);
const { systemClock: clock } = await load('kit/clock');
const { silentLogger } = await load('kit/log');
const { createDelivery } = await load('delivery/create');
const { PageIndex } = await load('routing/page-index');
const { BotClient } = await load('net/http1/bot-client');
const { createDial } = await load('net/dial/connector');
const { CachedResolver, createCaresSource } = await load('net/dial/resolver');
const { Store } = await load('runtime/store');
const { createWebhookServer } = await load('webhook/server');
const { DeliveryMetrics } = await load('observability/delivery-metrics');
const { WebhookMetrics } = await load('observability/webhook-metrics');

const BIRTH = '2026-01-01T00:00:00Z';
const app = {
  metadata: { namespace: 'bots', name: 'main', uid: 'uid-main', creationTimestamp: BIRTH },
  spec: { appId: '1', appSecretRef: { name: 'app' }, verifyTokenRef: { name: 'app' } },
  status: { conditions: [{ type: 'Accepted', status: 'True', reason: 'Accepted', message: '', lastTransitionTime: BIRTH }] },
};
const service = { metadata: { namespace: 'bots', name: 'bot', uid: 'uid-bot' }, spec: { type: 'ClusterIP', ports: [{ port: 5000 }] } };
const page = (_, i) => {
  const pageId = String(100_000_000_000_000 + i);
  return {
    metadata: { namespace: 'bots', name: `page-${i}`, uid: `uid-${i}` },
    spec: {
      pageId,
      appRef: { name: 'main' },
      accessTokenSecretRef: { name: `page-${i}` },
      backend: { service: { name: 'bot', port: 5000, path: '/webhooks/messenger' } },
    },
    status: { claim: { appId: '1', pageId, state: 'Held', epoch: 1 } },
  };
};
const stored = (objects) => {
  const store = new Store({ clock });
  store.replace(objects);
  return store;
};
const bytes = new Map(Object.entries({ appSecret: secret, verifyToken: 'verify-me' }).map(([key, text]) => [key, Buffer.from(text)]));
const appSecret = { kind: 'present', uid: 'app', resourceVersion: '1', type: 'Opaque', labels: {}, data: bytes, goneSinceMs: undefined };
const secrets = {
  hasSynced: () => true,
  ageMs: () => 0,
  peek: ({ name }) => (name === 'app' ? appSecret : { kind: 'absent' }),
  read: (key) => Promise.resolve(secrets.peek(key)),
  retain: () => undefined,
  subscribe: () => () => undefined,
};

const lookup = new PageIndex({
  clock,
  className: '',
  pages: stored(Array.from({ length: pages }, page)),
  apps: stored([app]),
  services: stored([service]),
  namespaces: stored([{ metadata: { name: 'bots' } }]),
  secrets,
});
const registry = new Registry();
const client = new BotClient({
  clock,
  clusterDomain: 'cluster.local',
  serviceMap: new Map([['bots/bot:5000', { host: '127.0.0.1', port: botPort }]]),
  resolver: new CachedResolver({ source: createCaresSource(), clock }),
  allow: { allows: () => false },
  dial: createDial(),
});
const delivery = createDelivery('direct', { client, clock, log: silentLogger, observer: new DeliveryMetrics(registry) });
const server = createWebhookServer({ lookup, delivery, clock, log: silentLogger, observer: new WebhookMetrics(registry) });
await server.listen(0, '127.0.0.1');
console.log(`port ${server.address.port}`);
process.on('SIGTERM', () => process.exit(0));
