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
  readonly abusedP99: readonly number[];
  readonly notOk: number;
  readonly maxRssMb: number;
  /** The longest turn of the listener's event loop in a round under abuse, and while the stranger connected. */
  readonly maxLoopMs: number;
  readonly counts: AbuseCounts;
  /** The fewest connections of the stranger that were open, looked at every half second of its rounds. */
  readonly leastOpen: number;
}

/** Meta's POSTs to a listener in calm and under abuse, by turns; ms from the POST's beginning to its answer. */
export async function underAbuse(
  abuse: Omit<AbuseOptions, 'port'>,
  {
    rounds,
    seconds,
    perSecond,
    settleMs,
  }: { readonly rounds: number; readonly seconds: number; readonly perSecond: number; readonly settleMs: number },
): Promise<CalmAndAbused> {
  const bot = await MoodyBot.start();
  const edge = new Peer('edge.ts', { pages: [[pageId(0), bot.port]] }, 0);
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  pin(process.pid, 1);
  const calmP99: number[] = [];
  const abusedP99: number[] = [];
  let notOk = 0;
  let maxRssMb = 0;
  let maxLoopMs = 0;
  let counts: AbuseCounts = { open: 0, junkBytes: 0, answers: {} };
  let leastOpen = Infinity;
  const round = async (name: string, port: number): Promise<number> => {
    const took: number[] = [];
    await atRate(perSecond, seconds, async (n) => {
      const began = performance.now();
      const status = await send({ port, secret: APP_SECRET, agent }, bodyOf(entryOf(pageId(0), `${name}_${n}`)));
      took.push(performance.now() - began);
      if (status !== 200) notOk++;
    });
    const usage = await edge.ask<Usage>('usage');
    maxRssMb = Math.max(maxRssMb, usage.rssMb);
    if (name.startsWith('abused')) maxLoopMs = Math.max(maxLoopMs, usage.loopMaxMs);
    return percentile(took, 99);
  };
  try {
    const { port } = await edge.next<{ port: number }>();
    await round('warm', port);
    for (let i = 0; i < rounds; i++) {
      calmP99.push(await round(`calm${i}`, port));
      const stranger = new Peer('abuse.ts', { ...abuse, port }, 1);
      await stranger.next();
      const wanted = abuse.idle + abuse.slowHeaders + abuse.slowBodies + abuse.junk;
      await eventually(async () => (await stranger.ask<AbuseCounts>('counts')).open >= wanted, 60_000, 'the strangers to connect');
      await new Promise((resolve) => setTimeout(resolve, settleMs));
      const watching = new AbortController();
      const watch = leastOf(async () => (await stranger.ask<AbuseCounts>('counts')).open, watching.signal);
      abusedP99.push(await round(`abused${i}`, port));
      watching.abort();
      leastOpen = Math.min(leastOpen, await watch);
      counts = await stranger.ask<AbuseCounts>('counts');
      await stranger.stop();
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
    return { calmP99, abusedP99, notOk, maxRssMb, maxLoopMs, counts, leastOpen };
  } finally {
    agent.destroy();
    await edge.stop();
    await bot.stop();
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
