import type { BotRequest, RecordingBot } from '../../support/bot-server.js';
import type { PageWorld } from '../../support/page-world.js';

const EVERY_MS = 100;
const MAX_UNDER_WAY = 50;

/** What became of the POSTs of a time. */
export interface Served {
  readonly posts: number;
  /** status → how many; 0: no answer. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Message ids that no bot got. */
  readonly lost: readonly string[];
}

interface Post {
  readonly mid: string;
  readonly status: number;
}

interface Item {
  readonly message?: { readonly mid?: string };
}

/** Meta, sending a message to one known page after the other all the time. */
export class Traffic {
  readonly #world: PageWorld;
  readonly #bots: readonly RecordingBot[];
  readonly #pageIds: readonly string[];
  readonly #arrived = new Set<string>();
  /** bot → how many of its requests have been looked at */
  readonly #read = new Map<RecordingBot, number>();
  readonly #underWay = new Set<Promise<void>>();
  readonly #timer: NodeJS.Timeout;
  #posts: Post[] = [];
  #count = 0;

  constructor(world: PageWorld, bots: readonly RecordingBot[], pageIds: readonly string[]) {
    this.#world = world;
    this.#bots = bots;
    this.#pageIds = pageIds;
    this.#timer = setInterval(() => {
      this.#send();
    }, EVERY_MS);
  }

  /** What was sent since the last call, once it is answered. */
  async take(): Promise<Served> {
    await Promise.all(this.#underWay);
    const posts = this.#posts;
    this.#posts = [];
    this.#collect();
    const statuses: Record<string, number> = {};
    for (const { status } of posts) statuses[status] = (statuses[status] ?? 0) + 1;
    return { posts: posts.length, statuses, lost: posts.map(({ mid }) => mid).filter((mid) => !this.#arrived.has(mid)) };
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#underWay);
  }

  #send(): void {
    if (this.#underWay.size >= MAX_UNDER_WAY) return;
    const mid = `m_known_${++this.#count}`;
    const pageId = this.#pageIds[this.#count % this.#pageIds.length] ?? '';
    const sending = this.#world
      .send(pageId, mid)
      .catch(() => undefined)
      .then((status) => {
        this.#posts.push({ mid, status: status ?? 0 });
        this.#underWay.delete(sending);
      });
    this.#underWay.add(sending);
  }

  #collect(): void {
    for (const bot of this.#bots) {
      const fresh = bot.received.slice(this.#read.get(bot) ?? 0).filter(({ signed }) => signed);
      for (const mid of fresh.flatMap(midsOf)) this.#arrived.add(mid);
      this.#read.set(bot, bot.received.length);
    }
  }
}

function midsOf({ body }: BotRequest): readonly string[] {
  const { entry } = JSON.parse(body) as { readonly entry: readonly { readonly messaging?: readonly Item[] }[] };
  return entry.flatMap(({ messaging = [] }) => messaging.map(({ message }) => message?.mid ?? ''));
}
