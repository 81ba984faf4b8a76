import type { Bug } from './bugs.js';
import { runHistory, type Outcome } from './history.js';

type Happened = Outcome['happened'];

export interface Batch {
  /** `SIMULATION_SEED=…: what was violated`, ready to be run again. */
  readonly failures: readonly string[];
  readonly happened: Happened;
}

/**
 * Nobody looks at the stacks of the errors that histories are full of: collecting them is an eighth
 * of the time.
 */
async function withoutStacks<T>(work: () => Promise<T>): Promise<T> {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return await work();
  } finally {
    Error.stackTraceLimit = before;
  }
}

/** Runs the histories of these seeds, one after the other. */
export function runBatch(first: number, count: number): Promise<Batch> {
  return withoutStacks(() => runSeeds(first, count));
}

async function runSeeds(first: number, count: number): Promise<Batch> {
  const failures: string[] = [];
  const sum = { graphWrites: 0, unsubscribes: 0, appWrites: 0, takeovers: 0, leftSubscribed: 0, leaders: 0, overlaps: 0, routed: 0 };
  for (let seed = first; seed < first + count; seed++) {
    const { violations, happened } = await runHistory({ seed });
    if (violations.length > 0) failures.push(`SIMULATION_SEED=${seed}: ${violations.join('; ')}`);
    for (const key of Object.keys(sum) as (keyof Happened)[]) sum[key] += happened[key];
  }
  return { failures, happened: sum };
}

/**
 * The seed of the first history in which the bug breaks one of these properties; undefined: none of
 * so many.
 */
export function findBug(bug: Bug, properties: readonly string[], histories: number): Promise<number | undefined> {
  return withoutStacks(() => seedOf(bug, properties, histories));
}

async function seedOf(bug: Bug, properties: readonly string[], histories: number): Promise<number | undefined> {
  for (let seed = 1; seed <= histories; seed++) {
    const { violations } = await runHistory({ seed, bug });
    if (violations.some((one) => properties.some((property) => one.startsWith(`${property}:`)))) return seed;
  }
  return undefined;
}
