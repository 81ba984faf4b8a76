import type { Delivery, PostVerdict, RoutedPost, UnavailableWhy } from '../../../src/core/ports/delivery.js';
import { silentLogger, type Logger } from '../../../src/kit/log.js';
import type { Channel } from '../../../src/core/domain/event.js';
import type { PageRoute } from '../../../src/core/ports/page-lookup.js';
import { Secret } from '../../../src/core/secrets/secret.js';
import type { BotClient, BotRequest } from '../../../src/net/http1/bot-client.js';
import type { BotAnswer } from '../../../src/net/http1/bot-connection.js';
import { DirectDelivery } from '../../../src/delivery/direct/direct-delivery.js';
import type { DeliveryLimits } from '../../../src/delivery/limits.js';
import type { Alert, DeliveryObserver, ItemResult } from '../../../src/delivery/observer.js';
import { scan } from '../../../src/webhook/payload/scan.js';
import { Splitter } from '../../../src/webhook/payload/split.js';
import { FakeClock } from '../../support/fake-clock.js';
import { PAGE_ID, aRoute } from '../webhook/fakes.js';

export interface Sent {
  readonly atMs: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly request: BotRequest;
}

/** The bots, as one: `answer` is what they say, now or later. */
export class FakeBots implements Pick<BotClient, 'send' | 'close'> {
  readonly sent: Sent[] = [];
  running = 0;
  isClosed = false;
  mostRunning = 0;
  answer: (sent: Sent) => number | BotAnswer | Promise<number | BotAnswer> = () => 200;
  readonly #clock: FakeClock;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  send(request: BotRequest, done: (answer: BotAnswer) => void): void {
    const lines = request.headers.split('\r\n').filter((line) => line !== '');
    const headers = Object.fromEntries(lines.map((line) => line.split(': ') as [string, string]));
    const sent = { atMs: this.#clock.monotonicMs(), headers, body: request.body.toString(), request };
    this.sent.push(sent);
    this.running++;
    this.mostRunning = Math.max(this.mostRunning, this.running);
    void Promise.resolve(this.answer(sent)).then((answer) => {
      this.running--;
      done(typeof answer === 'number' ? { kind: 'answer', status: answer } : answer);
    });
  }

  close(): void {
    this.isClosed = true;
  }

  /** Answers after so long on the fake clock. */
  after<T>(ms: number, value: T): Promise<T> {
    return new Promise((resolve) => {
      this.#clock.setTimer(ms, () => {
        resolve(value);
      });
    });
  }

  /** The texts of the messages, in the order in which the bots got them. */
  get texts(): string[] {
    return this.sent.flatMap(({ body }) => [...body.matchAll(/"text":"([^"]*)"/g)].map(([, text]) => text ?? ''));
  }
}

export const TIMEOUT: BotAnswer = { kind: 'none', why: 'timeout' };

export class CountingObserver implements DeliveryObserver {
  readonly counts: Record<string, number> = {};
  open = 0;
  items = 0;

  item(_appId: string, channel: Channel, result: ItemResult): void {
    this.#count(`${channel}:${result}`);
  }

  unavailable(_appId: string, why: UnavailableWhy): void {
    this.#count(`why:${why}`);
  }

  retried(): void {
    this.#count('retried');
  }

  latency(): void {
    this.#count('latency');
  }

  openCircuits(count: number): void {
    this.open = count;
  }

  inFlight(items: number): void {
    this.items = items;
  }

  alert(kind: Alert): void {
    this.#count(`alert:${kind}`);
  }

  #count(name: string): void {
    this.counts[name] = (this.counts[name] ?? 0) + 1;
  }
}

export interface Rig {
  readonly clock: FakeClock;
  readonly bots: FakeBots;
  readonly observed: CountingObserver;
  readonly delivery: DirectDelivery;
  /** Delivers a body, all of whose entries go to one page. */
  readonly deliver: (body: string, set?: Partial<PageRoute>) => Promise<PostVerdict>;
  /** So that its refusals are believed. */
  readonly warmUp: () => Promise<void>;
}

export function aRig(set: { limits?: Partial<DeliveryLimits>; log?: Logger } = {}): Rig {
  const clock = new FakeClock();
  const bots = new FakeBots(clock);
  const observed = new CountingObserver();
  const delivery = new DirectDelivery({ client: bots, clock, log: set.log ?? silentLogger, observer: observed, limits: set.limits ?? {} });
  const deliver = (body: string, route?: Partial<PageRoute>): Promise<PostVerdict> => verdictOf(delivery, routed(body, clock, route));
  const warmUp = async (): Promise<void> => {
    const answer = bots.answer;
    bots.answer = () => 200;
    await deliver(bodyAt(clock, aText('warm-up', 'warm-up')));
    bots.answer = answer;
    bots.sent.length = 0;
  };
  return { clock, bots, observed, delivery, deliver, warmUp };
}

export function verdictOf(delivery: Delivery, post: RoutedPost): Promise<PostVerdict> {
  return new Promise((resolve) => {
    delivery.deliver(post, resolve);
  });
}

const APP_SECRET = new Secret('app-secret', 'the-app-secret');

/** A POST as the webhook hands it on. */
export function routed(body: string, clock: FakeClock, set: Partial<PageRoute> = {}): RoutedPost {
  const bytes = Buffer.from(body);
  const result = scan(bytes);
  if (!result.ok) throw new Error(result.why);
  const splitter = new Splitter(bytes, result.post);
  const entries = (result.post.entries ?? []).flatMap((scanned) => {
    const route = aRoute({ ...set, pageId: scanned.id ?? '' });
    const entry = splitter.entry(scanned, route);
    return entry === undefined ? [] : [{ route, entry }];
  });
  return { appId: aRoute().appId, verifiedBy: APP_SECRET, entries, receivedMs: clock.monotonicMs(), traceparent: '00-aa-bb-00' };
}

export function aText(mid: string, text: string, sender = '42', page = PAGE_ID): string {
  return `{"sender":{"id":"${sender}"},"recipient":{"id":"${page}"},"message":{"mid":"${mid}","text":"${text}"}}`;
}

export function bodyAt(clock: FakeClock, ...items: string[]): string {
  return `{"object":"page","entry":[{"id":"${PAGE_ID}","time":${clock.nowMs()},"messaging":[${items.join(',')}]}]}`;
}
