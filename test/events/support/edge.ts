import { type Clock, systemClock } from '../../../src/kit/clock.js';
import { silentLogger } from '../../../src/kit/log.js';
import type { PageRoute } from '../../../src/core/ports/page-lookup.js';
import { DirectDelivery } from '../../../src/delivery/direct/direct-delivery.js';
import type { DeliveryLimits } from '../../../src/delivery/limits.js';
import { BotClient } from '../../../src/net/http1/bot-client.js';
import { createDial } from '../../../src/net/dial/connector.js';
import { CachedResolver, createCaresSource } from '../../../src/net/dial/resolver.js';
import type { MappedAddress } from '../../../src/net/dial/service-map.js';
import type { WebhookLimits } from '../../../src/webhook/limits.js';
import { createWebhookServer, type WebhookServer } from '../../../src/webhook/server.js';
import { CountingObserver as DeliveryCounts } from '../../unit/delivery/fakes.js';
import { anApp, CountingObserver as WebhookCounts, FakeLookup } from '../../unit/webhook/fakes.js';
import { ALLOW_NOTHING } from '../../support/backend-allow.js';

export { APP_ID, APP_SECRET } from '../../unit/webhook/fakes.js';

export interface EdgeOptions {
  readonly clock?: Clock;
  /** Page → port of its bot. */
  readonly pages: ReadonlyMap<string, number>;
  readonly route?: (pageId: string) => Partial<PageRoute>;
  readonly webhook?: Partial<WebhookLimits>;
  readonly delivery?: Partial<DeliveryLimits>;
}

export interface Edge {
  readonly port: number;
  readonly server: WebhookServer;
  readonly delivery: DirectDelivery;
  readonly counts: { readonly webhook: WebhookCounts; readonly delivery: DeliveryCounts };
  stop(): Promise<void>;
}

/**
 * A real listener, real delivery and real connections in this process; only the page index is a
 * table.
 */
export async function startEdge({
  clock = systemClock,
  pages,
  route = () => ({}),
  webhook = {},
  delivery: limits = {},
}: EdgeOptions): Promise<Edge> {
  const lookup = new FakeLookup();
  lookup.apps.push(anApp());
  const serviceMap = new Map<string, MappedAddress>();
  for (const [pageId, port] of pages) {
    serviceMap.set(`bots/bot-${port}:80`, { host: '127.0.0.1', port });
    lookup.addPage(pageId, {
      target: { kind: 'service', namespace: 'bots', name: `bot-${port}`, port: 80, path: '/bot' },
      ...route(pageId),
    });
  }
  const counts = { webhook: new WebhookCounts(), delivery: new DeliveryCounts() };
  const resolver = new CachedResolver({ source: createCaresSource(), clock });
  const client = new BotClient({ clock, clusterDomain: 'cluster.local', serviceMap, resolver, allow: ALLOW_NOTHING, dial: createDial() });
  // As the process does it: --max-in-flight is one value for both.
  const maxPosts = webhook.maxInFlight === undefined ? {} : { maxPosts: webhook.maxInFlight };
  const delivery = new DirectDelivery({ client, clock, log: silentLogger, observer: counts.delivery, limits: { ...maxPosts, ...limits } });
  const server = createWebhookServer({ lookup, delivery, clock, log: silentLogger, observer: counts.webhook, limits: webhook });
  await server.listen(0, '127.0.0.1');
  const stop = async (): Promise<void> => {
    await server.close();
    client.close();
  };
  return { port: server.address.port, server, delivery, counts, stop };
}
