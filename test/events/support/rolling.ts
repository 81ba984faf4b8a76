import { Fleet } from './fleet.js';
import type { Verdict } from './verdict.js';

export interface RollingOptions {
  readonly seconds: number;
  readonly perSecond: number;
}

export interface RollingResult extends Verdict {
  readonly restarts: number;
  /** Lines of a replica that warn or tell of an error. */
  readonly complaints: readonly string[];
}

/**
 * Two replicas, one after the other restarted as by a rolling update, over and over, under steady
 * load.
 */
export async function rollingRestart({ seconds, perSecond }: RollingOptions): Promise<RollingResult> {
  const fleet = await Fleet.start({ replicas: 2, bots: 2, pages: 8 });
  try {
    const end = performance.now() + seconds * 1_000;
    fleet.beginTraffic({ events: 1, connections: 24, perSecond });
    let restarts = 0;
    for (; performance.now() < end; restarts++) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      await fleet.restartReplica(restarts % 2);
    }
    const verdict = await fleet.endTraffic(20_000);
    return { ...verdict, restarts, complaints: [...(await fleet.logged('"level":"warn"')), ...(await fleet.logged('"level":"error"'))] };
  } finally {
    await fleet.stop();
  }
}
