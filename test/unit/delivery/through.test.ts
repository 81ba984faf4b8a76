import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../../src/kit/clock.js';
import { silentLogger } from '../../../src/kit/log.js';
import type { PageRoute } from '../../../src/core/ports/page-lookup.js';
import { DirectDelivery } from '../../../src/delivery/direct/direct-delivery.js';
import { BotClient } from '../../../src/net/http1/bot-client.js';
import { createDial } from '../../../src/net/dial/connector.js';
import { CachedResolver, createCaresSource } from '../../../src/net/dial/resolver.js';
import { parseServiceMap } from '../../../src/net/dial/service-map.js';
import { createWebhookServer } from '../../../src/webhook/server.js';
import { silentDeliveryObserver, silentWebhookObserver } from '../../support/silent-observers.js';
import { ALLOW_NOTHING } from '../../support/backend-allow.js';
import { APP_SECRET, FakeLookup, anApp, post } from '../webhook/fakes.js';

interface Got {
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

class Bot {
  readonly got: Got[] = [];
  answer: (res: ServerResponse, got: Got) => void = (res) => res.end('ok');
  readonly server: Server;

  constructor() {
    this.server = createServer((req, res) => {
      const chunks: Buffer[] = [];
      req.on('data', (chunk: Buffer) => chunks.push(chunk));
      req.on('end', () => {
        const got = { headers: req.headers, body: Buffer.concat(chunks) };
        this.got.push(got);
        this.answer(res, got);
      });
    });
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }
}

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface World {
  readonly port: number;
  readonly bots: readonly Bot[];
  readonly lookup: FakeLookup;
}

/**
 * A real listener, real delivery, real connections, real bots; only the page index is a fake. Bot i
 * is `bots/bot-i:80`.
 */
async function aWorld(botCount: number): Promise<World> {
  const bots = Array.from({ length: botCount }, () => new Bot());
  for (const bot of bots) await new Promise<void>((resolve) => bot.server.listen(0, '127.0.0.1', resolve));
  const lookup = new FakeLookup();
  lookup.apps.push(anApp());
  const map = Object.fromEntries(bots.map((bot, i) => [`bots/bot-${i}:80`, `127.0.0.1:${bot.port}`]));
  const client = new BotClient({
    clock: systemClock,
    clusterDomain: 'cluster.local',
    serviceMap: parseServiceMap(JSON.stringify(map)),
    resolver: new CachedResolver({ source: createCaresSource(), clock: systemClock }),
    allow: ALLOW_NOTHING,
    dial: createDial(),
  });
  const delivery = new DirectDelivery({ client, clock: systemClock, log: silentLogger, observer: silentDeliveryObserver });
  const server = createWebhookServer({ lookup, delivery, clock: systemClock, log: silentLogger, observer: silentWebhookObserver });
  await server.listen(0, '127.0.0.1');
  closing.push(
    () => {
      client.close();
    },
    () => server.close(),
    ...bots.map((bot) => () => {
      bot.server.closeAllConnections();
      bot.server.close();
    }),
  );
  return { port: server.address.port, bots, lookup };
}

function leadsTo(lookup: FakeLookup, pageId: string, bot: number, set: Partial<PageRoute> = {}): void {
  lookup.addPage(pageId, { target: { kind: 'service', namespace: 'bots', name: `bot-${bot}`, port: 80, path: '/hook' }, ...set });
}

function message(page: string, user: string, mid: string, text: string): string {
  return `{"sender":{"id":"${user}"},"recipient":{"id":"${page}"},"timestamp":${Date.now()},"message":{"mid":"${mid}","text":"${text}"}}`;
}

function isSigned({ headers, body }: Got): boolean {
  return headers['x-hub-signature-256'] === `sha256=${createHmac('sha256', APP_SECRET).update(body).digest('hex')}`;
}

describe('from Meta to the bots', () => {
  it('brings all three channels of one entry in order per conversation, byte for byte', async () => {
    const { port, bots, lookup } = await aWorld(1);
    const page = '12345678901234567';
    leadsTo(lookup, page, 0);
    const odd = '\\u00e4\\ud83d\\ude22 https:\\/\\/x \\u003C\\u0040';
    const messaging = [message(page, '1', 'a', `1 ${odd}`), message(page, '2', 'b', '2'), message(page, '1', 'c', '3')];
    const standby = [
      `{"sender":{"id":98765432109876543210},"recipient":{"id":${page}},"new":[1.0,1e400,-0]}`,
      message(page, '1', 'd', '4'),
    ];
    const changes = ['{"field":"feed","value":{"post_id":12345678901234567890,"item":"post"}}', '{ "field" : "parking" }'];
    const body = `{"object":"page","entry":[{"id":${page},"time":${Date.now()},"messaging":[${messaging.join()}],"standby":[ ${standby.join(' , ')} ],"changes":[${changes.join()}],"extra":{"k":0.10}}]}`;

    expect((await post(port, body)).status).toBe(200);

    const got = bots[0]?.got ?? [];
    const items = [...messaging, ...standby, ...changes];
    expect(got).toHaveLength(items.length);
    expect(got.every(isSigned)).toBe(true);
    for (const item of items) expect(got.filter(({ body: bytes }) => bytes.indexOf(item) >= 0)).toHaveLength(1);
    const parsed = JSON.parse(body) as { entry: Record<string, unknown[]>[] };
    for (const [i, channel] of (['messaging', 'standby', 'changes'] as const).entries()) {
      const sent = parsed.entry[0]?.[channel] ?? [];
      const arrived = got
        .map(({ body: bytes }) => (JSON.parse(bytes.toString()) as typeof parsed).entry[0]?.[channel]?.[0])
        .filter((item) => item !== undefined);
      expect([i, new Set(arrived.map((item) => JSON.stringify(item)))]).toEqual([i, new Set(sent.map((item) => JSON.stringify(item)))]);
    }
    const ofUser1 = got.map(({ body: bytes }) => bytes.toString()).filter((text) => text.includes('"sender":{"id":"1"}'));
    expect(ofUser1.map((text) => /"mid":"(.)"/.exec(text)?.[1])).toEqual(['a', 'c', 'd']);
  });

  it('brings 1,000 entries of 50 pages to their bots, each exactly once and none to another’s', async () => {
    const { port, bots, lookup } = await aWorld(3);
    const pageOf = (i: number): string => `1000000000000${String(i % 50).padStart(4, '0')}`;
    for (let i = 0; i < 50; i++) leadsTo(lookup, pageOf(i), i % 3);
    const entries = Array.from({ length: 1_000 }, (_, i) => {
      const page = pageOf(i);
      return `{"id":"${page}","time":${Date.now()},"messaging":[${message(page, String(i), `m${i}`, `t${i}`)}]}`;
    });

    expect((await post(port, `{"object":"page","entry":[${entries.join()}]}`)).status).toBe(200);

    for (const [b, bot] of bots.entries()) {
      const expected = entries.filter((_, i) => (i % 50) % 3 === b).map((entry) => `{"object":"page","entry":[${entry}]}`);
      expect(bot.got.map(({ body }) => body.toString()).sort()).toEqual(expected.sort());
      expect(bot.got.every(isSigned)).toBe(true);
    }
  });

  it('answers 503 while a bot is down and 200 once it took the event', async () => {
    const { port, bots, lookup } = await aWorld(1);
    leadsTo(lookup, '1', 0);
    const [bot] = bots;
    if (bot === undefined) throw new Error('no bot');
    const body = `{"object":"page","entry":[{"id":"1","time":${Date.now()},"messaging":[${message('1', '2', 'm', 'x')}]}]}`;
    bot.answer = (res) => res.writeHead(500).end();

    expect((await post(port, body)).status).toBe(503);
    bot.answer = (res) => res.end();
    expect((await post(port, body)).status).toBe(200);
    expect((await post(port, body)).status).toBe(200);
    expect(bot.got).toHaveLength(2);
  });

  it('does not let a hanging bot hold up its neighbour', async () => {
    const { port, bots, lookup } = await aWorld(2);
    leadsTo(lookup, '1', 0, { timeoutMs: 1_000 });
    leadsTo(lookup, '2', 1);
    if (bots[0] !== undefined) bots[0].answer = () => undefined;
    const to = (page: string, mid: string): string =>
      `{"object":"page","entry":[{"id":"${page}","time":${Date.now()},"messaging":[${message(page, mid, mid, 'x')}]}]}`;

    const hanging = Promise.all(Array.from({ length: 20 }, (_, i) => post(port, to('1', `h${i}`))));
    const start = performance.now();
    const quick = await Promise.all(Array.from({ length: 20 }, (_, i) => post(port, to('2', `q${i}`))));
    const tookMs = performance.now() - start;

    expect(quick.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(tookMs).toBeLessThan(900);
    expect((await hanging).map(({ status }) => status)).toEqual(Array(20).fill(503));
  });
});
