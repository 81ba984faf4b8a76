import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  AlwaysOffSampler,
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base';
import { SpanKind, SpanStatusCode, type TracerProvider } from '@opentelemetry/api';
import { afterEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../../src/kit/clock.js';
import { silentLogger } from '../../../src/kit/log.js';
import { DirectDelivery } from '../../../src/delivery/direct/direct-delivery.js';
import { BotClient } from '../../../src/net/http1/bot-client.js';
import { createDial } from '../../../src/net/dial/connector.js';
import { CachedResolver, createCaresSource } from '../../../src/net/dial/resolver.js';
import { parseServiceMap } from '../../../src/net/dial/service-map.js';
import { tracerOf } from '../../../src/observability/traces.js';
import { createWebhookServer } from '../../../src/webhook/server.js';
import { silentDeliveryObserver, silentWebhookObserver } from '../../support/silent-observers.js';
import { ALLOW_NOTHING } from '../../support/backend-allow.js';
import { aBody, aMessage, anApp, APP_ID, FakeLookup, PAGE_ID, post } from '../webhook/fakes.js';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface World {
  readonly port: number;
  readonly spans: () => ReadableSpan[];
  /** What the bot got, and what it answers. */
  readonly bot: { readonly traceparents: string[]; status: number };
}

/** The webhook before a bot, with an SDK as a user would load one. */
async function aWorld(): Promise<World> {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const bot: { traceparents: string[]; status: number } = { traceparents: [], status: 200 };
  const botServer = createServer((req, res) => {
    bot.traceparents.push(String(req.headers['traceparent']));
    req.resume().on('end', () => res.writeHead(bot.status).end());
  });
  await new Promise<void>((resolve) => botServer.listen(0, '127.0.0.1', resolve));
  const lookup = new FakeLookup();
  lookup.apps.push(anApp());
  lookup.addPage(PAGE_ID);
  const port = (botServer.address() as AddressInfo).port;
  const client = new BotClient({
    clock: systemClock,
    clusterDomain: 'cluster.local',
    serviceMap: parseServiceMap(JSON.stringify({ 'bots/clinic-bot:5000': `127.0.0.1:${port}` })),
    resolver: new CachedResolver({ source: createCaresSource(), clock: systemClock }),
    allow: ALLOW_NOTHING,
    dial: createDial(),
  });
  const deps = { clock: systemClock, log: silentLogger };
  const delivery = new DirectDelivery({ ...deps, client, observer: silentDeliveryObserver });
  const tracer = tracerOf(provider);
  if (tracer === undefined) throw new Error('the SDK was not seen');
  const server = createWebhookServer({ ...deps, lookup, delivery, observer: silentWebhookObserver, tracer });
  await server.listen(0, '127.0.0.1');
  closing.push(
    () => provider.shutdown(),
    () => botServer.close(),
    () => {
      client.close();
    },
    () => server.close(),
  );
  return { port: server.address.port, bot, spans: () => exporter.getFinishedSpans() };
}

describe('traces', () => {
  it('makes none, and costs nothing, where no SDK is loaded', () => {
    expect(tracerOf()).toBeUndefined();
  });

  it('tells no SDK of the probe by which it was seen', () => {
    const exporter = new InMemorySpanExporter();
    const provider: TracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });

    expect(tracerOf(provider)).toBeDefined();
    expect(exporter.getFinishedSpans()).toEqual([]);
  });

  it('leads from the POST through the request to the bot into the bot', async () => {
    const { port, bot, spans } = await aWorld();

    const { status } = await post(port, aBody(aMessage('m1'), aMessage('m2')));

    expect(status).toBe(200);
    const [received] = spans().filter(({ kind }) => kind === SpanKind.SERVER);
    const sent = spans().filter(({ kind }) => kind === SpanKind.CLIENT);
    expect(received?.attributes).toEqual({
      'http.request.method': 'POST',
      'http.response.status_code': 200,
      'messenger.app_id': APP_ID,
    });
    expect(received?.parentSpanContext).toBeUndefined();
    expect(sent.map(({ parentSpanContext }) => parentSpanContext?.spanId)).toEqual(sent.map(() => received?.spanContext().spanId));
    expect(sent[0]?.attributes).toMatchObject({
      'messenger.page': 'bots/clinic-a',
      'messenger.page_id': PAGE_ID,
      'messenger.items': 1,
      'messenger.outcome': 'accepted',
    });
    const wanted = sent.map((span) => `00-${span.spanContext().traceId}-${span.spanContext().spanId}-01`);
    expect(bot.traceparents.length).toBe(2);
    expect([...bot.traceparents].sort()).toEqual(wanted.sort());
  });

  it('marks as failed what a bot did not take, and the POST that has to come again', async () => {
    const { port, bot, spans } = await aWorld();
    bot.status = 500;

    const body = aBody(aMessage('m1')).replace(/"time":\d+/, `"time":${Date.now()}`);
    expect((await post(port, body)).status).toBe(503);

    const told = spans().map(({ kind, status, attributes }) => [kind, status.code, attributes['messenger.outcome']]);
    expect(told).toEqual([
      [SpanKind.CLIENT, SpanStatusCode.ERROR, 'status'],
      [SpanKind.SERVER, SpanStatusCode.ERROR, undefined],
    ]);
  });

  it('shows a sampler’s no to the bot as well', () => {
    const provider = new BasicTracerProvider({ sampler: new AlwaysOffSampler() });

    expect(tracerOf(provider)?.post(APP_ID).traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  });
});
