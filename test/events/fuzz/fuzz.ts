import { createHmac } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { systemClock } from '../../../src/kit/clock.js';
import type { Delivery } from '../../../src/core/ports/delivery.js';
import { silentLogger } from '../../../src/kit/log.js';
import type { Channel } from '../../../src/core/domain/event.js';
import type { PageRoute } from '../../../src/core/ports/page-lookup.js';
import type { BotRequest } from '../../../src/net/http1/bot-client.js';
import type { BotAnswer } from '../../../src/net/http1/bot-connection.js';
import { DirectDelivery } from '../../../src/delivery/direct/direct-delivery.js';
import { createWebhookServer } from '../../../src/webhook/server.js';
import { silentDeliveryObserver } from '../../support/silent-observers.js';
import { anApp, CountingObserver, FakeLookup } from '../../unit/webhook/fakes.js';
import { APP_SECRET } from '../support/edge.js';
import { reading, type Item } from './expected.js';
import { mutated } from './mutate.js';
import { Random } from './random.js';
import { signedRequest, spoiltRequest, type FuzzRequest } from './requests.js';
import { aPost, KNOWN_PAGES } from './shapes.js';
import { Wire } from './wire.js';

export interface FuzzOptions {
  readonly bodies: number;
  readonly seed: number;
}

export interface FuzzResult {
  readonly bodies: number;
  readonly verified: number;
  /** Signed bodies that have at least one item for a known page. */
  readonly delivering: number;
  readonly items: number;
  /**
   * Answers that were neither a 200 for a good request nor one of the refusals for a bad one; items
   * not the same in and out.
   */
  readonly wrong: readonly string[];
  /** Heap in use after a collection, at a fifth of the way and at the end. */
  readonly heapMb: readonly [number, number];
  readonly seconds: number;
}

/** Only bodies that must not be read name it; its bot must never hear of anything. */
const TRAP_PAGE = '104500000000666';
const LISTENERS = 4;
const MAX_WRONG = 20;
const ROUTES: Readonly<Record<string, Partial<PageRoute>>> = {
  [KNOWN_PAGES[0]]: {},
  [KNOWN_PAGES[1]]: { maxEventsPerRequest: 0, maxRequestBytes: 2_000 },
  [KNOWN_PAGES[2]]: { maxEventsPerRequest: 3, accepts: new Set<Channel>(['messaging', 'changes']) },
  [TRAP_PAGE]: {},
};

/**
 * A listener whose bots write down what they get, and the one client that talks to it: what arrives
 * belongs to what was sent last.
 */
class Lane {
  readonly #got: BotRequest[] = [];
  readonly observed = new CountingObserver();
  readonly #server;
  #wire: Wire | undefined;
  totals = { verified: 0, ignored: 0, entries: 0, delivering: 0, items: 0 };

  constructor() {
    const lookup = new FakeLookup();
    lookup.apps.push(anApp());
    for (const [page, set] of Object.entries(ROUTES)) lookup.addPage(page, set);
    const client = {
      send: (request: BotRequest, done: (answer: BotAnswer) => void) => {
        this.#got.push(request);
        done({ kind: 'answer', status: 200 });
      },
      close: () => undefined,
    };
    // A new one each time: what one body says must not be a duplicate of what another one said.
    const common = { client, clock: systemClock, log: silentLogger, observer: silentDeliveryObserver, limits: { maxRemembered: 256 } };
    const delivery: Pick<Delivery, 'deliver'> = {
      deliver: (post, decided) => {
        new DirectDelivery(common).deliver(post, decided);
      },
    };
    this.#server = createWebhookServer({ lookup, delivery, clock: systemClock, log: silentLogger, observer: this.observed });
  }

  async start(): Promise<void> {
    await this.#server.listen(0, '127.0.0.1');
    this.#wire = new Wire(this.#server.address.port);
  }

  async stop(): Promise<void> {
    this.#wire?.close();
    await this.#server.close();
  }

  /** @returns what is wrong, or undefined */
  async try(body: Buffer, request: FuzzRequest): Promise<string | undefined> {
    this.#got.length = 0;
    const answer = await this.#wire?.ask(request.pieces, request.end);
    if (!request.verifies) {
      if (answer === undefined || !request.refusals.includes(answer))
        return `answered ${answer ?? 'nothing'} instead of ${request.refusals.join(' or ')}`;
      return this.#got.length === 0 ? undefined : 'a bot got something of a body that does not verify';
    }
    return answer === 200 ? this.#judge(body) : `answered ${answer ?? 'nothing'} to a signed body`;
  }

  /**
   * The totals of the observer must be those of the bodies that verified: nothing else was looked
   * into.
   */
  unread(): string | undefined {
    const { counts } = this.observed;
    const sum = (prefix: string): number =>
      Object.entries(counts).reduce((all, [name, count]) => all + (name.startsWith(prefix) ? count : 0), 0);
    const seen = { verified: sum('verified:'), ignored: sum('ignored:'), entries: sum('entry:') };
    const { verified, ignored, entries } = this.totals;
    const same = seen.verified === verified && seen.ignored === ignored && seen.entries === entries;
    return same ? undefined : `looked into ${JSON.stringify(seen)} instead of ${JSON.stringify({ verified, ignored, entries })}`;
  }

  #judge(body: Buffer): string | undefined {
    const expected = reading(body.toString('latin1'));
    const wanted = expected.items.filter(({ page, channel }) => accepts(page, channel));
    this.totals.verified++;
    this.totals.ignored += expected.looked ? 0 : 1;
    this.totals.entries += expected.entries;
    this.totals.items += wanted.length;
    this.totals.delivering += wanted.length > 0 ? 1 : 0;
    const got: Item[] = [];
    for (const one of this.#got) {
      const problem = badRequest(one);
      if (problem !== undefined) return problem;
      got.push(...reading(one.body.toString('latin1')).items);
    }
    return difference(wanted, got);
  }
}

function accepts(page: string, channel: string): boolean {
  const route = ROUTES[page];
  if (route === undefined) return false;
  return channel === 'none' || route.accepts === undefined || route.accepts.has(channel);
}

function headersOf({ headers }: BotRequest): Map<string, string> {
  const lines = headers.split('\r\n').filter((line) => line !== '');
  return new Map(lines.map((line) => line.split(': ') as [string, string]));
}

function badRequest(request: BotRequest): string | undefined {
  const headers = headersOf(request);
  const sha256 = `sha256=${createHmac('sha256', APP_SECRET).update(request.body).digest('hex')}`;
  if (headers.get('x-hub-signature-256') !== sha256) return 'a bot got a wrong signature';
  const { entries, items } = reading(request.body.toString('latin1'));
  if (entries !== 1) return `a bot got ${entries} entries in a request`;
  const page = headers.get('x-messenger-page-id') ?? '';
  if (items.some((item) => item.page !== page)) return `a bot got an item of another page than ${page}`;
  return items.length > mostItems(page) ? `a bot got ${items.length} items in a request` : undefined;
}

function mostItems(page: string): number {
  const most = ROUTES[page]?.maxEventsPerRequest ?? 1;
  return most === 0 ? Infinity : most;
}

/** So much around an item is always copied; more may be left out (ADR 0015). */
const COPIED_BYTES = 512;

/** The same items, each as often; those of one conversation in the same order. */
function difference(wanted: readonly Item[], got: readonly Item[]): string | undefined {
  if (wanted.length !== got.length) return `${wanted.length} items went in, ${got.length} came out`;
  const left = byConversation(wanted);
  const right = byConversation(got);
  for (const [conversation, items] of left) {
    const others = right.get(conversation) ?? [];
    if (items.length === others.length && items.every((item, i) => isCopyOf(others[i], item))) continue;
    return `conversation ${conversation}:\nin:  ${textOf(items)}\nout: ${textOf(others)}`;
  }
  return undefined;
}

function byConversation(items: readonly Item[]): Map<string, Item[]> {
  const map = new Map<string, Item[]>();
  for (const item of items) {
    const key = `${item.page} ${item.conversation}`;
    map.set(key, [...(map.get(key) ?? []), item]);
  }
  return map;
}

function isCopyOf(copy: Item | undefined, { channel, own, around }: Item): boolean {
  if (copy?.channel !== channel || copy.own !== own) return false;
  return copy.around === around || around.length > COPIED_BYTES;
}

function textOf(items: readonly Item[]): string {
  return items.map(({ channel, own, around }) => `\n${channel} ${own} ${around}`).join('');
}

/** Sends bodies until all were sent or too much is wrong. The same seed sends the same. */
export async function fuzz({ bodies, seed }: FuzzOptions): Promise<FuzzResult> {
  const began = performance.now();
  const lanes = Array.from({ length: LISTENERS }, () => new Lane());
  for (const lane of lanes) await lane.start();
  const wrong: string[] = [];
  let next = 0;
  let early = 0;
  const work = async (lane: Lane): Promise<void> => {
    for (let n = next++; n < bodies && wrong.length < MAX_WRONG; n = next++) {
      if (n === Math.floor(bodies / 5)) early = heapMb();
      const { body, request } = caseOf(seed, n);
      const problem = await lane.try(body, request).catch((error: unknown) => String(error));
      if (problem !== undefined) wrong.push(`seed ${seed} body ${n}: ${problem.slice(0, 2_000)}`);
    }
  };
  await Promise.all(lanes.map(work));
  for (const lane of lanes) {
    const problem = wrong.length === 0 ? lane.unread() : undefined;
    if (problem !== undefined) wrong.push(problem);
    await lane.stop();
  }
  const sum = (of: (totals: Lane['totals']) => number): number => lanes.reduce((all, { totals }) => all + of(totals), 0);
  return {
    bodies: Math.min(next, bodies),
    verified: sum(({ verified }) => verified),
    delivering: sum(({ delivering }) => delivering),
    items: sum(({ items }) => items),
    wrong,
    heapMb: [early, heapMb()],
    seconds: (performance.now() - began) / 1_000,
  };
}

/** Body number `n` of a seed, alone: what has gone wrong once can be tried again. */
export function caseOf(seed: number, n: number): { readonly body: Buffer; readonly request: FuzzRequest } {
  const random = new Random(seed + Math.imul(n, 0x9e3779b1));
  const signed = n % 2 === 0;
  const post = aPost(random, signed ? KNOWN_PAGES : [TRAP_PAGE]);
  const body = Buffer.from(random.chance(60) ? mutated(post, random) : post, 'latin1');
  return { body, request: signed ? signedRequest(body, random) : spoiltRequest(body, random) };
}

function heapMb(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return Math.round(process.memoryUsage().heapUsed / 1e5) / 10;
}
