// The webhook hop as it runs in production: listener, direct delivery, connections, metrics. Only the page index is a table.
import { pathToFileURL } from 'node:url';
import { Registry } from 'prom-client';

const { secret, botPort, pages, dist } = JSON.parse(process.argv[2]);
const load = (path) => import(pathToFileURL(`${dist}/${path}.js`).href);
const { systemClock } = await load('core/clock');
const { silentLogger } = await load('core/log');
const { Secret } = await load('core/secret');
const { DirectDelivery } = await load('delivery/direct');
const { ALLOW_NOTHING } = await load('net/address-guard');
const { BotClient } = await load('net/bot-client');
const { createDial } = await load('net/connector');
const { CachedResolver, createCaresSource } = await load('net/resolver');
const { createWebhookServer } = await load('webhook/server');
const { DeliveryMetrics } = await load('observability/delivery-metrics');
const { WebhookMetrics } = await load('observability/webhook-metrics');

const target = { kind: 'service', namespace: 'bots', name: 'bot', port: 5000, path: '/webhooks/messenger' };
const routes = new Map();
for (let i = 0; i < pages; i++) {
  const pageId = String(100_000_000_000_000 + i);
  routes.set(`1/${pageId}`, {
    kind: 'route',
    route: {
      owner: { namespace: 'bots', name: `page-${i}`, uid: `uid-${i}` },
      epoch: 1,
      appId: '1',
      pageId,
      target: { ...target },
      signingSecret: undefined,
      accepts: new Set(['messaging', 'standby', 'changes']),
      timeoutMs: 4_000,
      maxInFlight: 8,
      maxEventsPerRequest: 1,
      maxRequestBytes: 92_160,
    },
  });
}
const apps = [
  {
    owner: { namespace: 'bots', name: 'app' },
    appId: '1',
    path: '/webhooks/messenger',
    appSecrets: [new Secret('app-secret', secret)],
    verifyToken: undefined,
  },
];
const lookup = {
  synced: () => true,
  watchAgeMs: () => 0,
  appsOnPath: (path) => (path === '/webhooks/messenger' ? apps : []),
  route: (appId, pageId) => routes.get(`${appId}/${pageId}`) ?? { kind: 'unknown' },
};

const registry = new Registry();
const client = new BotClient({
  clock: systemClock,
  clusterDomain: 'cluster.local',
  serviceMap: new Map([['bots/bot:5000', { host: '127.0.0.1', port: botPort }]]),
  resolver: new CachedResolver({ source: createCaresSource(), clock: systemClock }),
  allow: ALLOW_NOTHING,
  dial: createDial(),
});
const delivery = new DirectDelivery({ client, clock: systemClock, log: silentLogger, observe: new DeliveryMetrics(registry) });
const server = createWebhookServer({ lookup, delivery, clock: systemClock, log: silentLogger, observe: new WebhookMetrics(registry) });
await server.listen(0, '127.0.0.1');
process.send({ port: server.address.port });
process.on('message', () => process.send({ cpu: process.cpuUsage(), handled: 0, rss: process.memoryUsage.rss() }));
