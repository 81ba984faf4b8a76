import { Fleet, type Traffic } from './fleet.js';
import type { Verdict } from './verdict.js';

export interface KillsOptions {
  /** kill -9 of a replica, and as many of a bot. */
  readonly kills: number;
  readonly traffic: Traffic;
  readonly deadlineMs: number;
}

export interface KillsResult extends Verdict {
  readonly kills: { readonly replicas: number; readonly bots: number };
  readonly givenUp: readonly string[];
}

/** Three replicas and three bots, killed one after the other while events flow. */
export async function killsUnderLoad({ kills, traffic, deadlineMs }: KillsOptions): Promise<KillsResult> {
  const fleet = await Fleet.start({ replicas: 3, bots: 3, pages: 12 });
  try {
    fleet.beginTraffic(traffic);
    const killed = { replicas: 0, bots: 0 };
    for (let i = 0; i < kills; i++) {
      await pause(400);
      if (!fleet.sending) throw new Error('the sender ended before the killing did');
      // Both at the same time every third time.
      const bot = i % 3 === 2 ? fleet.crashBot(i % fleet.counts.bots, 300) : undefined;
      await fleet.crashReplica(i % fleet.counts.replicas);
      killed.replicas++;
      await (bot ?? fleet.crashBot(i % fleet.counts.bots, 100 + (i % 5) * 200));
      killed.bots++;
    }
    const verdict = await fleet.endTraffic(deadlineMs);
    return { ...verdict, kills: killed, givenUp: await fleet.logged('dropped an event') };
  } finally {
    await fleet.stop();
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
