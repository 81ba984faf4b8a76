import { Registry } from 'prom-client';
import { describe, expect, it } from '@jest/globals';
import type { DeliveryObserver } from '../../../src/delivery/observer.js';
import type { GraphObserver } from '../../../src/graph/observer.js';
import { ControllerMetrics } from '../../../src/observability/controller-metrics.js';
import * as delivery from '../../../src/observability/delivery-metrics.js';
import * as graph from '../../../src/observability/graph-metrics.js';
import { KubeMetrics } from '../../../src/observability/kube-metrics.js';
import { CONCERNS, Metrics } from '../../../src/observability/metrics.js';
import * as pagesApi from '../../../src/observability/pages-api-metrics.js';
import { QueueMetrics } from '../../../src/observability/queue-metrics.js';
import * as reflector from '../../../src/observability/reflector-metrics.js';
import * as webhook from '../../../src/observability/webhook-metrics.js';
import type { PagesApiObserver } from '../../../src/pages-api/observer.js';
import type { QueueObserver } from '../../../src/runtime/observer.js';
import type { WebhookObserver } from '../../../src/webhook/observer.js';

/** The metrics' text, a series a line. */
async function series(registry: Registry): Promise<readonly string[]> {
  return (await registry.metrics()).split('\n');
}

describe('each concern', () => {
  it('is what its part tells to, and counts it', async () => {
    const registry = new Registry();
    const webhookObserver: WebhookObserver = new webhook.WebhookMetrics(registry);
    const deliveryObserver: DeliveryObserver = new delivery.DeliveryMetrics(registry);
    const graphObserver: GraphObserver = new graph.GraphMetrics(registry);
    const apiObserver: PagesApiObserver = new pagesApi.PagesApiMetrics(registry);
    const queueObserver: QueueObserver = new QueueMetrics(registry).observer('messengerpage');
    const controllers = new ControllerMetrics(registry);
    const watches = new reflector.ReflectorMetrics(registry);
    const kube = new KubeMetrics(registry);

    webhookObserver.received();
    webhookObserver.verified('77', 120);
    webhookObserver.entry('77', 'unknown_page');
    webhookObserver.answered('77', 503, 4_000);
    deliveryObserver.item('77', 'standby', 'accepted');
    deliveryObserver.latency('77', 250, undefined);
    deliveryObserver.inFlight(3, 900);
    graphObserver.call('subscribe', 'wait', 0.2);
    apiObserver.request('token', 200, 0.01);
    apiObserver.request('token', 418, 0.01);
    queueObserver.waited?.(1_500);
    queueObserver.added?.('change');
    controllers.observer('messengerpage')('terminal', 1);
    controllers.leading(true);
    controllers.leftSubscribed();
    controllers.event('dropped');
    watches.observer('secrets')('silent');
    watches.followReferences('secrets', { beyondBound: 3 });
    watches.follow('secrets', { size: 7, refusedScopes: 2, ageMs: () => Infinity });
    kube.observe('GET', 404, 0.1);
    kube.observe('GET', 0, 15);
    kube.observe('BREW', 200, 1);

    expect(await series(registry)).toEqual(
      expect.arrayContaining([
        'messenger_webhook_verified_bytes_total 120',
        'messenger_webhook_received_total 1',
        'messenger_webhook_verified_total{app="77"} 1',
        'messenger_webhook_entries_total{app="77",result="unknown_page"} 1',
        'messenger_webhook_entries_total{app="77",result="routed"} 0',
        'messenger_webhook_answer_duration_seconds_sum{status="503"} 4',
        'messenger_delivery_items_total{app="77",channel="standby",result="accepted"} 1',
        'messenger_delivery_items_total{app="77",channel="changes",result="refused"} 0',
        'messenger_delivery_items_total{app="other",channel="standby",result="accepted"} 0',
        'messenger_delivery_duration_seconds_sum 0.25',
        'messenger_delivery_event_age_seconds_count 0',
        'messenger_delivery_in_flight_bytes 900',
        'messenger_graph_calls_total{operation="subscribe",result="wait"} 1',
        'messenger_pages_api_requests_total{route="token",status="200"} 1',
        'messenger_pages_api_requests_total{route="token",status="500"} 1',
        'messenger_queue_wait_seconds_sum{queue="messengerpage"} 1.5',
        'messenger_queue_adds_total{queue="messengerpage",class="change"} 1',
        'messenger_reconcile_total{controller="messengerpage",result="terminal"} 1',
        'messenger_leader 1',
        'messenger_left_subscribed_total 1',
        'messenger_kube_events_total{result="dropped"} 1',
        'messenger_watch_events_total{resource="secrets",event="silent"} 1',
        'messenger_watch_age_seconds{resource="secrets"} -1',
        'messenger_references_beyond_bound{resource="secrets"} 3',
        'messenger_watch_refused_scopes{resource="secrets"} 2',
        'messenger_cache_objects{resource="secrets"} 7',
        'messenger_kube_requests_total{method="GET",status="4xx"} 1',
        'messenger_kube_requests_total{method="GET",status="none"} 1',
      ]),
    );
  });

  it('has its series at 0 before anything happened, and our prefix', async () => {
    for (const Concern of CONCERNS) {
      const registry = new Registry();
      new Concern(registry);
      for (const metric of await registry.getMetricsAsJSON()) {
        expect(metric.name).toMatch(/^messenger_[a-z_]+$/);
        if (metric.type.toString() === 'counter') {
          expect(metric.name).toMatch(/_total$/);
          expect(metric.values.length).toBeGreaterThan(0);
        }
        expect(metric.values.length).toBeLessThan(500);
        for (const { value } of metric.values) expect(value).toBe(0);
      }
    }
  });
});

describe('Metrics', () => {
  it('shows the concerns of this process only, and the process itself', async () => {
    const metrics = new Metrics('1.2.3');
    metrics.webhook.handshake('verified');
    expect(metrics.webhook).toBe(metrics.webhook);
    metrics.process.logged('error');
    const text = await metrics.text();
    expect(text).toContain('messenger_webhook_handshakes_total{result="verified"} 1');
    expect(text).toContain('messenger_build_info{version="1.2.3"} 1');
    expect(text).toContain('messenger_log_lines_total{level="error"} 1');
    expect(text).toContain('messenger_process_resident_memory_bytes');
    expect(text).not.toContain('messenger_graph_');
    expect(metrics.contentType).toContain('text/plain');
  });
});
