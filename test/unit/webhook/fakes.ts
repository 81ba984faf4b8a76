import { createHmac } from 'node:crypto';
import { request } from 'node:http';
import { bodyOf } from '../../../src/core/domain/event.js';
import type { Delivery, PostVerdict, RoutedPost } from '../../../src/core/ports/delivery.js';
import { silentLogger, type Logger } from '../../../src/kit/log.js';
import type { PageLookup, PageRoute, RouteAnswer, WebhookApp } from '../../../src/core/ports/page-lookup.js';
import { systemClock, type Clock } from '../../../src/kit/clock.js';
import { Secret } from '../../../src/core/secrets/secret.js';
import type { WebhookLimits } from '../../../src/webhook/limits.js';
import type { EntryResult, Handshake, Ignored, Refusal, WebhookObserver } from '../../../src/webhook/observer.js';
import type { TlsPair } from '../../../src/kit/tls-pair.js';
import { createWebhookServer, type WebhookServer } from '../../../src/webhook/server.js';

export const APP_ID = '1517776481860111';
export const APP_SECRET = 'app-secret-of-the-first-app';
export const VERIFY_TOKEN = 'verify-token-of-the-first-app';
export const PATH = '/webhooks/messenger';
export const PAGE_ID = '1234567890';

export function aRoute(set: Partial<PageRoute> = {}): PageRoute {
  const { appId = APP_ID, pageId = PAGE_ID } = set;
  return {
    key: `${appId}/${pageId}`,
    owner: { namespace: 'bots', name: 'clinic-a', uid: 'uid-a' },
    epoch: 1,
    appId: APP_ID,
    pageId: PAGE_ID,
    target: { kind: 'service', namespace: 'bots', name: 'clinic-bot', port: 5000, path: '/webhooks/messenger' },
    signingSecret: undefined,
    accepts: undefined,
    timeoutMs: 4_000,
    maxInFlight: 8,
    maxEventsPerRequest: 1,
    maxRequestBytes: 92_160,
    ...set,
  };
}

export function anApp(set: { appId?: string; secrets?: readonly string[]; verifyToken?: string | null; path?: string } = {}): WebhookApp {
  const { appId = APP_ID, secrets = [APP_SECRET], verifyToken = VERIFY_TOKEN, path = PATH } = set;
  return {
    owner: { namespace: 'bots', name: `app-${appId}` },
    appId,
    path,
    decided: true,
    appSecrets: secrets.map((value) => new Secret('app-secret', value)),
    verifyToken: verifyToken === null ? undefined : new Secret('verify-token', verifyToken),
  };
}

/** What the page index knows, to be set by a test. */
export class FakeLookup implements PageLookup {
  isSynced = true;
  ageMs = 0;
  unlistedMs: number | undefined;
  readonly apps: WebhookApp[] = [];
  readonly answers = new Map<string, RouteAnswer>();

  synced(): boolean {
    return this.isSynced;
  }

  unlistedForMs(): number | undefined {
    return this.unlistedMs;
  }

  watchAgeMs(): number {
    return this.ageMs;
  }

  appsOnPath(path: string): readonly WebhookApp[] {
    return this.apps.filter((app) => app.path === path);
  }

  route(appId: string, pageId: string): RouteAnswer {
    return this.answers.get(`${appId}/${pageId}`) ?? { kind: 'unknown' };
  }

  addPage(pageId: string, set: Partial<PageRoute> = {}): void {
    const route = aRoute({ pageId, ...set });
    this.answers.set(`${route.appId}/${pageId}`, { kind: 'route', route });
  }
}

/** Keeps what it was given; answers with `verdict`, or when the test says so. */
export class FakeDelivery implements Pick<Delivery, 'deliver' | 'drain'> {
  readonly posts: RoutedPost[] = [];
  verdict: PostVerdict = 'done';
  hold: Promise<void> | undefined;

  deliver(post: RoutedPost, decided: (verdict: PostVerdict) => void): void {
    this.posts.push(post);
    void Promise.resolve(this.hold).then(() => {
      decided(this.verdict);
    });
  }

  async drain(): Promise<void> {
    await this.hold;
  }

  /** Every body that the bots would get, one an item. */
  get bodies(): string[] {
    return this.posts.flatMap(({ entries }) => entries.flatMap(({ entry }) => entry.items.map((item) => bodyOf(entry, [item]).toString())));
  }
}

export class CountingObserver implements WebhookObserver {
  readonly counts: Record<string, number> = {};

  handshake(result: Handshake): void {
    this.#count(`handshake:${result}`);
  }

  received(): void {
    this.#count('received');
  }

  refused(why: Refusal): void {
    this.#count(`refused:${why}`);
  }

  verified(appId: string): void {
    this.#count(`verified:${appId}`);
  }

  ignored(_appId: string, why: Ignored): void {
    this.#count(`ignored:${why}`);
  }

  entry(_appId: string, result: EntryResult): void {
    this.#count(`entry:${result}`);
  }

  items(_appId: string, channel: string, count: number): void {
    this.#count(`items:${channel}`, count);
  }

  answered(_appId: string, status: 200 | 503): void {
    this.#count(`answered:${status}`);
  }

  #count(name: string, by = 1): void {
    this.counts[name] = (this.counts[name] ?? 0) + by;
  }
}

export interface Edge {
  readonly server: WebhookServer;
  readonly lookup: FakeLookup;
  readonly delivery: FakeDelivery;
  readonly observed: CountingObserver;
  readonly port: number;
}

/** A listener on a free port with one app and one page, unless `lookup` says otherwise. */
export async function startEdge(
  set: { limits?: Partial<WebhookLimits>; clock?: Clock; lookup?: FakeLookup; tls?: TlsPair; log?: Logger } = {},
): Promise<Edge> {
  const lookup = set.lookup ?? new FakeLookup();
  if (set.lookup === undefined) {
    lookup.apps.push(anApp());
    lookup.addPage(PAGE_ID);
  }
  const delivery = new FakeDelivery();
  const observed = new CountingObserver();
  const server = createWebhookServer({
    lookup,
    delivery,
    clock: set.clock ?? systemClock,
    log: set.log ?? silentLogger,
    observer: observed,
    ...(set.limits === undefined ? {} : { limits: set.limits }),
    ...(set.tls === undefined ? {} : { tls: set.tls }),
  });
  await server.listen(0, '127.0.0.1');
  return { server, lookup, delivery, observed, port: server.address.port };
}

export function sign(body: string | Buffer, secret = APP_SECRET): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

export interface Call {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer | readonly Buffer[];
}

/** One request on a connection of its own. A list of pieces is sent chunked. */
export function call(port: number, { method = 'POST', path = PATH, headers = {}, body }: Call): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const req = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk: Buffer) => chunks.push(chunk));
      res.on('end', () => {
        resolve({ status: res.statusCode ?? 0, headers: res.headers, text: Buffer.concat(chunks).toString() });
      });
      res.on('error', reject);
    });
    req.on('error', reject);
    if (Array.isArray(body)) for (const piece of body as readonly Buffer[]) req.write(piece);
    if (typeof body === 'string' || Buffer.isBuffer(body)) req.end(body);
    else req.end();
  });
}

/** A correctly signed POST. */
export function post(port: number, body: string | Buffer, secret = APP_SECRET): Promise<Answer> {
  return call(port, { headers: { 'Content-Type': 'application/json', 'X-Hub-Signature-256': sign(body, secret) }, body });
}

/** A message without a time of its own: how old it is, its entry says. */
export function aMessage(mid: string, text = 'hello', sender = '24680', page = PAGE_ID): string {
  return `{"sender":{"id":"${sender}"},"recipient":{"id":"${page}"},"message":{"mid":"${mid}","text":"${text}"}}`;
}

export function aBody(...items: string[]): string {
  return `{"object":"page","entry":[{"id":"${PAGE_ID}","time":1763856000123,"messaging":[${items.join(',')}]}]}`;
}
