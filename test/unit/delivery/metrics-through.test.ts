import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../../src/kit/clock.js';
import { silentLogger } from '../../../src/kit/log.js';
import { DirectDelivery } from '../../../src/delivery/direct/direct-delivery.js';
import { BotClient } from '../../../src/net/http1/bot-client.js';
import { createDial } from '../../../src/net/dial/connector.js';
import { CachedResolver, createCaresSource } from '../../../src/net/dial/resolver.js';
import { parseServiceMap } from '../../../src/net/dial/service-map.js';
import { Metrics } from '../../../src/observability/metrics.js';
import { createWebhookServer, type WebhookServer } from '../../../src/webhook/server.js';
import { RecordingBot } from '../../support/bot-server.js';
import { ALLOW_NOTHING } from '../../support/backend-allow.js';
import { APP_ID, APP_SECRET, FakeLookup, PAGE_ID, PATH, aMessage, anApp, call, post } from '../webhook/fakes.js';

const DEAD_PAGE = '222222222222222';
const MINUTE = 60_000;

let bot: RecordingBot;
let metrics: Metrics;
let server: WebhookServer;
let lookup: FakeLookup;
let client: BotClient;

beforeEach(async () => {
  bot = await RecordingBot.start(APP_SECRET);
  metrics = new Metrics('x');
  lookup = new FakeLookup();
  lookup.apps.push(anApp());
  const target = (name: string) => ({ target: { kind: 'service', namespace: 'bots', name, port: 80, path: '/' } }) as const;
  lookup.addPage(PAGE_ID, target('well'));
  lookup.addPage(DEAD_PAGE, target('dead'));
  const [clock, log] = [systemClock, silentLogger];
  client = new BotClient({
    clock,
    clusterDomain: 'cluster.local',
    serviceMap: parseServiceMap(`{"bots/well:80":"127.0.0.1:${bot.port}"}`),
    // Nothing is mapped for the dead one: its name is asked for, and there is no DNS on this port.
    resolver: new CachedResolver({ source: createCaresSource(['127.0.0.1:9']), clock }),
    allow: ALLOW_NOTHING,
    dial: createDial(),
  });
  const delivery = new DirectDelivery({ client, clock, log, observer: metrics.delivery });
  server = createWebhookServer({ lookup, delivery, clock, log, observer: metrics.webhook });
  await server.listen(0, '127.0.0.1');
});

afterEach(async () => {
  await server.close();
  client.close();
  await bot.stop();
});

/** Every series with our prefix that is not 0. */
async function series(): Promise<ReadonlyMap<string, number>> {
  const lines = (await metrics.text()).split('\n').filter((line) => /^messenger_(webhook|delivery)_/.test(line));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
}

/** By how much each series rose while this was done; gauges and sums of times left out. */
async function rise(during: () => Promise<unknown>): Promise<Readonly<Record<string, number>>> {
  const before = await series();
  await during();
  const after = await series();
  const risen = [...after].map(([name, value]) => [name, value - (before.get(name) ?? 0)] as const);
  const counted = risen.filter(([name, value]) => value !== 0 && !/_(sum|bucket|bytes|bytes_total|in_flight_items)\b/.test(name));
  return Object.fromEntries(counted.map(([name, value]) => [name.replace('messenger_', '').replace(`app="${APP_ID}"`, 'app'), value]));
}

function body(item: string, { page = PAGE_ID, agoMs = 0 }: { readonly page?: string; readonly agoMs?: number } = {}): string {
  return `{"object":"page","entry":[{"id":"${page}","time":${Date.now() - agoMs},"messaging":[${item}]}]}`;
}

const RECEIVED = { webhook_received_total: 1 };
const VERIFIED = { ...RECEIVED, 'webhook_verified_total{app}': 1 };
const ROUTED = { ...VERIFIED, 'webhook_entries_total{app,result="routed"}': 1, 'webhook_items_total{app,channel="messaging"}': 1 };
const answered = (status: number) => ({
  [`webhook_answers_total{status="${status}"}`]: 1,
  [`webhook_answer_duration_seconds_count{status="${status}"}`]: 1,
});
const item = (result: string) => ({ [`delivery_items_total{app,channel="messaging",result="${result}"}`]: 1 });
const DELIVERED = { ...item('accepted'), delivery_duration_seconds_count: 1, delivery_event_age_seconds_count: 1 };

describe('what a POST moves', () => {
  it('received, verified, routed and delivered, with the time it took; and a duplicate', async () => {
    const sent = body(aMessage('m1'));

    expect(await rise(() => post(server.address.port, sent))).toEqual({ ...ROUTED, ...DELIVERED, ...answered(200) });
    expect(await rise(() => post(server.address.port, sent))).toEqual({ ...ROUTED, ...item('duplicate'), ...answered(200) });
  });

  it('the latency since its own time and since its receipt', async () => {
    bot.answer = () => ({ status: 200 });
    await post(server.address.port, body(aMessage('m1'), { agoMs: MINUTE }));

    const after = await series();
    expect(after.get('messenger_delivery_event_age_seconds_sum')).toBeGreaterThan(59);
    expect(after.get('messenger_delivery_event_age_seconds_sum')).toBeLessThan(120);
    expect(after.get('messenger_delivery_duration_seconds_sum')).toBeGreaterThan(0);
    expect(after.get('messenger_delivery_duration_seconds_sum')).toBeLessThan(30);
    expect(after.get('messenger_webhook_answer_duration_seconds_sum{status="200"}')).toBeGreaterThan(0);
  });

  it('refused, by why', async () => {
    const { port } = server.address;
    const refused = (why: string) => ({ [`webhook_refused_total{reason="${why}"}`]: 1 });

    expect(await rise(() => call(port, { body: '{}' }))).toEqual({ ...RECEIVED, ...refused('no_signature') });
    expect(await rise(() => post(port, body(aMessage('m1')), 'not-the-secret'))).toEqual({ ...RECEIVED, ...refused('bad_signature') });
    expect(await rise(() => call(port, { path: '/nowhere', body: '{}' }))).toEqual(refused('no_app'));
    expect(await rise(() => call(port, { method: 'PUT' }))).toEqual(refused('method'));
    expect(await rise(() => call(port, { method: 'GET', path: `${PATH}?hub.mode=subscribe` }))).toEqual({
      'webhook_handshakes_total{result="malformed"}': 1,
    });
    lookup.isSynced = false;
    expect(await rise(() => post(port, body(aMessage('m1'))))).toEqual(refused('not_synced'));
  });

  it('ignored, and entries that are for nobody', async () => {
    const { port } = server.address;

    expect(await rise(() => post(port, '{"object":"instagram","entry":[]}'))).toEqual({
      ...VERIFIED,
      ...answered(200),
      'webhook_ignored_total{app,reason="instagram"}': 1,
    });
    expect(await rise(() => post(port, body(aMessage('m1'), { page: '999' })))).toEqual({
      ...VERIFIED,
      ...answered(200),
      'webhook_entries_total{app,result="unknown_page"}': 1,
    });
  });

  it('retried, refused by the bot and given up, with its alert', async () => {
    const { port } = server.address;
    const sent = body(aMessage('m1'));
    bot.answer = () => ({ status: 500 });
    const unavailable = { 'delivery_unavailable_total{app,reason="status"}': 1 };

    expect(await rise(() => post(port, sent))).toEqual({ ...ROUTED, ...item('unavailable'), ...unavailable, ...answered(503) });
    expect(await rise(() => post(port, body(aMessage('m2'), { agoMs: 30 * MINUTE })))).toEqual({
      ...{ ...ROUTED, ...item('dropped'), ...unavailable, ...answered(200) },
      'delivery_alerts_total{kind="dropped"}': 1,
    });
    bot.answer = () => ({ status: 400 });
    expect(await rise(() => post(port, sent))).toEqual({
      ...{ ...ROUTED, ...item('unavailable'), ...answered(503) },
      'delivery_unavailable_total{app,reason="refusals_not_trusted"}': 1,
      'delivery_alerts_total{kind="refuses_everything"}': 1,
      'delivery_retried_total{app}': 1,
    });
    bot.answer = () => ({ status: 200 });
    expect(await rise(() => post(port, sent))).toEqual({ ...ROUTED, ...DELIVERED, ...answered(200), 'delivery_retried_total{app}': 1 });
    bot.answer = () => ({ status: 400 });
    expect(await rise(() => post(port, body(aMessage('m3'))))).toEqual({ ...ROUTED, ...item('refused'), ...answered(200) });
  });

  it('open circuits', async () => {
    const down = (n: number): Promise<unknown> => post(server.address.port, body(aMessage(`d${n}`), { page: DEAD_PAGE }));
    for (let i = 0; i < 5; i++) await down(i);

    expect((await series()).get('messenger_delivery_open_circuits')).toBe(1);
    expect(await rise(() => down(5))).toEqual({
      ...{ ...ROUTED, ...item('unavailable'), ...answered(503) },
      'delivery_unavailable_total{app,reason="circuit_open"}': 1,
    });
  });

  it('never a series of a page', async () => {
    await post(server.address.port, body(aMessage('m1')));
    await post(server.address.port, body(aMessage('m1'), { page: '999888777666' }));

    const text = await metrics.text();
    expect(text).not.toContain(PAGE_ID);
    expect(text).not.toContain('999888777666');
    expect(text).toContain(APP_ID);
  });
});
