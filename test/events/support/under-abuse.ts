import { Agent } from 'node:http';
import { eventually } from '../../support/eventually.js';
import { MoodyBot } from './bad-bots.js';
import type { AbuseCounts, AbuseOptions } from './abuse.js';
import { APP_SECRET } from './edge.js';
import { Peer, pin, type Usage } from './edge-process.js';
import { bodyOf, entryOf, pageId } from './neighbours.js';
import { atRate, percentile } from './numbers.js';
import { send } from './send.js';

export interface CalmAndAbused {
  readonly calmP99: readonly number[];
  /**
   * While the same strangers are connected to a listener beside it that does nothing; only where it
   * was asked for.
   */
  readonly besideP99: readonly number[];
  readonly abusedP99: readonly number[];
  readonly notOk: number;
  readonly maxRssMb: number;
  /**
   * The longest turn of the listener's event loop in a round under abuse, and while the stranger
   * connected.
   */
  readonly maxLoopMs: number;
  readonly counts: AbuseCounts;
  /**
   * The fewest connections of the stranger that were open, looked at every half second of its
   * rounds.
   */
  readonly leastOpen: number;
}

export interface Rounds {
  readonly rounds: number;
  readonly seconds: number;
  readonly perSecond: number;
  /** Meta's POSTs go on for so long, unmeasured, once the stranger has connected. */
  readonly settleSeconds: number;
  /** Whether a round with the strangers at another listener belongs to each. */
  readonly beside: boolean;
}

type Abuse = Omit<AbuseOptions, 'port'>;

/**
 * Meta's POSTs to a listener in calm and under abuse, by turns; ms from the POST's beginning to its
 * answer.
 */
export async function underAbuse(abuse: Abuse, rounds: Rounds): Promise<CalmAndAbused> {
  const bot = await MoodyBot.start();
  const edge = new Peer('edge.ts', { pages: [[pageId(0), bot.port]] }, 0);
  const bystander = rounds.beside ? new Peer('bystander.ts', {}, 0) : undefined;
  pin(process.pid, 1);
  try {
    const [{ port }, beside] = await Promise.all([edge.next<{ port: number }>(), bystander?.next<{ port: number }>()]);
    return await new Trial(edge, port, abuse, rounds).run(beside?.port);
  } finally {
    await Promise.all([edge.stop(), bystander?.stop(), bot.stop()]);
  }
}

class Trial {
  readonly #edge: Peer;
  readonly #port: number;
  readonly #abuse: Abuse;
  readonly #rounds: Rounds;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 32 });
  #notOk = 0;
  #maxRssMb = 0;
  #maxLoopMs = 0;
  #counts: AbuseCounts = { open: 0, junkBytes: 0, answers: {} };
  #leastOpen = Infinity;
  #posts = 0;

  constructor(edge: Peer, port: number, abuse: Abuse, rounds: Rounds) {
    this.#edge = edge;
    this.#port = port;
    this.#abuse = abuse;
    this.#rounds = rounds;
  }

  async run(besidePort: number | undefined): Promise<CalmAndAbused> {
    const calmP99: number[] = [];
    const besideP99: number[] = [];
    const abusedP99: number[] = [];
    try {
      await this.#meta();
      for (let i = 0; i < this.#rounds.rounds; i++) {
        calmP99.push(await this.#meta());
        if (besidePort !== undefined) besideP99.push(await this.#withStranger(besidePort));
        await this.#usage();
        abusedP99.push(await this.#withStranger(this.#port));
      }
    } finally {
      this.#agent.destroy();
    }
    return {
      calmP99,
      besideP99,
      abusedP99,
      notOk: this.#notOk,
      maxRssMb: this.#maxRssMb,
      maxLoopMs: this.#maxLoopMs,
      counts: this.#counts,
      leastOpen: this.#leastOpen,
    };
  }

  async #withStranger(port: number): Promise<number> {
    const stranger = new Peer('abuse.ts', { ...this.#abuse, port }, 1);
    const counts = (): Promise<AbuseCounts> => stranger.ask('counts');
    await stranger.next();
    const { idle, slowHeaders, slowBodies, junk } = this.#abuse;
    const wanted = idle + slowHeaders + slowBodies + junk;
    await eventually(async () => (await counts()).open >= wanted, 60_000, 'the strangers to connect');
    await this.#meta(this.#rounds.settleSeconds);
    const watching = new AbortController();
    const watch = leastOf(async () => (await counts()).open, watching.signal);
    const p99 = await this.#meta();
    watching.abort();
    const least = await watch;
    if (port === this.#port) {
      this.#leastOpen = Math.min(this.#leastOpen, least);
      this.#counts = await counts();
      this.#maxLoopMs = Math.max(this.#maxLoopMs, (await this.#usage()).loopMaxMs);
    }
    await stranger.stop();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    return p99;
  }

  /** @returns the p99 of its POSTs, ms */
  async #meta(seconds = this.#rounds.seconds): Promise<number> {
    const took: number[] = [];
    await atRate(this.#rounds.perSecond, seconds, async () => {
      const began = performance.now();
      const body = bodyOf(entryOf(pageId(0), `m_${this.#posts++}`));
      const status = await send({ port: this.#port, secret: APP_SECRET, agent: this.#agent }, body);
      took.push(performance.now() - began);
      if (status !== 200) this.#notOk++;
    });
    return percentile(took, 99);
  }

  /** Of the listener since it was last asked. */
  async #usage(): Promise<Usage> {
    const usage = await this.#edge.ask<Usage>('usage');
    this.#maxRssMb = Math.max(this.#maxRssMb, usage.rssMb);
    return usage;
  }
}

/** The least that was seen, every half second until the signal. */
async function leastOf(look: () => Promise<number>, signal: AbortSignal): Promise<number> {
  let least = await look();
  while (!signal.aborted) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    least = Math.min(least, await look());
  }
  return least;
}
