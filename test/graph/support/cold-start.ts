import { GraphWorld, MINUTE_MS } from './world.js';

export interface ColdStart {
  readonly world: GraphWorld;
  /** HTTP requests until the last page was Ready. */
  readonly requests: number;
  /** Calls of Graph's edges, singly or in batches. */
  readonly calls: number;
  /** The most requests that are documented for it: docs/graph-budget.md. */
  readonly allowed: number;
  readonly virtualSeconds: number;
}

/**
 * Starts the leader with so many pages, some of which Graph does not list our app on, and waits
 * until all are Ready. `ageMs`: how long ago their objects were created.
 */
export async function coldStart(pages: number, unsubscribed: number, options: { readonly ageMs?: number } = {}): Promise<ColdStart> {
  const world = await GraphWorld.make();
  for (let i = 0; i < pages; i++) world.addPage({ subscribed: i >= unsubscribed, ...options });
  world.start();
  await world.until(() => world.summary()['True'] === pages, 2 * MINUTE_MS);
  const allowed = Math.floor(1.05 * ((2 * pages) / 50 + (2 * unsubscribed) / 50));
  const virtualSeconds = world.clock.monotonicMs() / 1_000;
  return { world, requests: world.requests().length, calls: world.calls().length, allowed, virtualSeconds };
}

/** Tells a measured number where a person running the tests sees it. */
export function tell(text: string): void {
  process.stderr.write(`    measured: ${text}\n`);
}
