import { eventually } from '../../support/eventually.js';
import { ROLES, type Role } from '../../support/operator.js';
import { converged } from './converged.js';
import type { FaultWorld } from './fault-world.js';
import type { Watcher } from './kinds.js';
import { movedBy, readMetrics, watchSeries, type Reading } from './process-metrics.js';
import type { Served } from './traffic.js';
import type { Writes } from './writes.js';

const ROUND_EVERY_MS = 500;
const MIN_ROUNDS = 3;
/** The longest back-off of a watch. */
const MOVED_WITHIN_MS = 35_000;
const SHOWN = 2;
const CONVERGED_WITHIN_MS = 60_000;
/**
 * A leader that could not renew its Lease for 10 s has to end, and the kubelet to start it again.
 */
const LEASE_MAY_BE_LOST_MS = 7_000;

/** One line of the table: a fault, and the watches that meet it. */
export interface FaultPart {
  readonly name: string;
  readonly watchers: readonly Watcher[];
  /** Events that have to be counted for each of them, in the processes. */
  readonly events: readonly string[];
  /** Further series that have to move. */
  readonly series?: readonly string[];
}

/** Something that goes wrong, for a time. */
export interface FaultCase {
  readonly parts: readonly FaultPart[];
  readonly duringMs: number;
  /** false: nothing can be written meanwhile. */
  readonly writes?: boolean;
  readonly withinMs?: number;
  /** Begins it. @returns what ends it */
  readonly begin: () => Promise<() => Promise<void> | void>;
}

/** What came of it, for one part. */
export interface FaultResult {
  readonly fault: string;
  readonly storesMs: number;
  readonly allMs: number;
  readonly served: Served;
  /** event → at how many of the watches it was counted */
  readonly moved: Readonly<Record<string, number>>;
  readonly watchers: number;
  /** Everything that is not as it must be, in words. */
  readonly problems: readonly string[];
}

/** Lets it happen while people write and Meta sends, heals it, and judges what is left. */
export async function runCase(faults: FaultWorld, writes: Writes, one: FaultCase): Promise<readonly FaultResult[]> {
  const { operator } = faults.world;
  await writes.round();
  await faults.traffic.take();
  const [before, pids, versions] = [await readMetrics(operator), pidsOf(faults), await knownVersions(faults)];
  const beganMs = performance.now();
  const heal = await one.begin();
  if (one.writes !== false) await keepWriting(writes, beganMs + one.duringMs);
  await heal();
  const awayMs = performance.now() - beganMs;
  const revived = await reviveAll(faults, one.writes === false);
  const healedMs = performance.now();
  const { storesMs, wrong } = await converged(faults, writes, one.withinMs ?? CONVERGED_WITHIN_MS);
  revived.push(...(await operator.revive()));
  const ended = ROLES.filter((role) => pids.get(role) !== operator.pid(role) || revived.includes(role));
  const after = await afterAllMoved(faults, before, one.parts, ended);
  const [served, allMs] = [await faults.traffic.take(), performance.now() - healedMs];
  const unfair = ended.filter((role) => role !== 'controller' || one.writes !== false || awayMs < LEASE_MAY_BE_LOST_MS);
  const common = [
    ...wrong,
    ...unfair.map((role) => `the ${role} was restarted`),
    ...changed(versions, await knownVersions(faults)),
    ...notServed(served),
  ];
  return one.parts.map((part) => {
    const problems = [...common, ...unmoved(part, before, after, ended)];
    return { fault: part.name, storesMs, allMs, served, moved: movedIn(part, before, after), watchers: part.watchers.length, problems };
  });
}

/** The whole table as text. */
export function tableOf(results: readonly FaultResult[]): string {
  const head = ['fault', 'converged in s', 'stores equal in s', 'POSTs', 'answered 200', 'metrics that moved (of watches)'];
  const rows = results.map(({ fault, allMs, storesMs, served, moved, watchers, problems }) => [
    fault,
    problems.length === 0 ? seconds(allMs) : `FAILED: ${problems.join('; ')}`,
    seconds(storesMs),
    String(served.posts),
    share(served),
    `${Object.entries(moved)
      .map(([event, count]) => `${event} ${count}`)
      .join(', ')} (${watchers})`,
  ]);
  const widths = head.map((title, column) => Math.max(...[head, ...rows].map((row) => (row[column] ?? title).length)));
  const line = (row: readonly string[]): string => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [head, widths.map((width) => '-'.repeat(width)), ...rows].map(line).join('\n');
}

const seconds = (ms: number): string => (Number.isFinite(ms) ? (ms / 1_000).toFixed(1) : 'never');

export function share({ posts, statuses, lost }: Served): string {
  const good = (statuses['200'] ?? 0) - lost.length;
  return posts === 0 ? 'none sent' : `${((100 * good) / posts).toFixed(good === posts ? 0 : 2)} %`;
}

async function keepWriting(writes: Writes, untilMs: number): Promise<void> {
  for (let rounds = 0; rounds < MIN_ROUNDS || performance.now() < untilMs; rounds++) {
    const nextMs = performance.now() + ROUND_EVERY_MS;
    await writes.round();
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, nextMs - performance.now())));
  }
}

function pidsOf({ world }: FaultWorld): ReadonlyMap<Role, number | undefined> {
  return new Map(ROLES.map((role) => [role, world.operator.pid(role)]));
}

/** As the kubelet does; a leader whose Lease is running out ends within seconds. */
async function reviveAll({ world }: FaultWorld, wasAway: boolean): Promise<Role[]> {
  if (!wasAway) return [];
  const began = performance.now();
  await eventually(() => performance.now() - began > 2_500 || !world.operator.running('controller'));
  return [...(await world.operator.revive())];
}

/**
 * Each page as it is, but for its Page's name: that is learned at leisure, with the page's first
 * check.
 */
async function knownVersions(faults: FaultWorld): Promise<ReadonlyMap<string, string>> {
  const known = new Set(faults.known.map(({ place }) => place.name));
  const pages = (await faults.pages()).filter(({ metadata }) => known.has(metadata.name));
  return new Map(
    pages.map(({ metadata: { name, generation, finalizers }, spec, status }) => [
      name,
      JSON.stringify([generation, finalizers, spec, { ...status, pageName: undefined }]),
    ]),
  );
}

function changed(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): readonly string[] {
  const names = [...before.keys()].filter((name) => before.get(name) !== after.get(name));
  return names.length === 0 ? [] : [`${names.length} pages that nobody touched were written (${names.slice(0, 3).join(', ')})`];
}

function notServed({ posts, statuses, lost }: Served): readonly string[] {
  const wrong = posts - (statuses['200'] ?? 0);
  return [
    ...(posts === 0 ? ['nothing was sent'] : []),
    ...(wrong === 0 ? [] : [`${wrong} of ${posts} POSTs were not answered 200: ${JSON.stringify(statuses)}`]),
    ...(lost.length === 0 ? [] : [`${lost.length} messages reached no bot (${lost.slice(0, 3).join(', ')})`]),
  ];
}

/**
 * The processes are other ones than the mirrors, and may still wait for their next attempt when
 * those have converged.
 * @returns the counters once all that have to move have, or at the deadline
 */
async function afterAllMoved(faults: FaultWorld, before: Reading, parts: readonly FaultPart[], ended: readonly Role[]): Promise<Reading> {
  const endMs = performance.now() + MOVED_WITHIN_MS;
  for (;;) {
    const after = await readMetrics(faults.world.operator);
    if (performance.now() > endMs || parts.every((part) => unmoved(part, before, after, ended).length === 0)) return after;
    await new Promise((resolve) => setTimeout(resolve, ROUND_EVERY_MS));
  }
}

/** A process that was started again counts from zero and is left out. */
function unmoved({ watchers, events, series = [] }: FaultPart, before: Reading, after: Reading, ended: readonly Role[]): readonly string[] {
  const wanted = watchers
    .filter(({ role }) => !ended.includes(role))
    .flatMap(({ role, kind }) => events.map((event) => watchSeries(role, kind, event)));
  const still = [...wanted, ...series].filter((one) => movedBy(before, after, one) <= 0);
  return still.length === 0 ? [] : [`${still.length} series did not move (${still.slice(0, SHOWN).join(', ')})`];
}

/** Things that happen to watches all the time are left out, if nothing else is told. */
function movedIn({ watchers, events, series = [] }: FaultPart, before: Reading, after: Reading): Readonly<Record<string, number>> {
  const telling = ['list', 'list_failed', 'reset', 'watch_failed', 'bad_line', 'error_event', 'silent', 'expired', 'forbidden'];
  const counts = [...new Set([...telling, ...events])].map((event) => {
    const count = watchers.filter(({ role, kind }) => movedBy(before, after, watchSeries(role, kind, event)) > 0).length;
    return [event, count] as const;
  });
  const more = series.map((one) => [one.replace(/^.*messenger_/, ''), movedBy(before, after, one)] as const);
  return Object.fromEntries([...counts.filter(([, count]) => count > 0), ...more]);
}
