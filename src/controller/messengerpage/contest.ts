/**
 * Changes that others made to our row at Graph, and what we do about it. Times of the monotonic
 * clock.
 */
export interface Contest {
  /** When others changed a row that was right, over the last half hour. */
  readonly changesMs: readonly number[];
  /** How often we have stopped already. */
  readonly stops: number;
  /** Until when we leave the row alone. */
  readonly untilMs: number | undefined;
}

export const NO_CONTEST: Contest = { changesMs: [], stops: 0, untilMs: undefined };

const WINDOW_MS = 30 * 60_000;
const MAX_CHANGES = 5;
const FIRST_STOP_MS = 3_600_000;
const LAST_STOP_MS = 6 * 3_600_000;

/**
 * Someone changed the row again. At the fifth time in half an hour we stop: for 1 h, then 2, 4, 6.
 */
export function afterForeignChange(contest: Contest, nowMs: number): Contest {
  const calm = contest.untilMs !== undefined && nowMs - contest.untilMs > LAST_STOP_MS;
  const stops = calm ? 0 : contest.stops;
  const changesMs = [...contest.changesMs.filter((at) => nowMs - at < WINDOW_MS), nowMs];
  if (changesMs.length < MAX_CHANGES) return { changesMs, stops, untilMs: calm ? undefined : contest.untilMs };
  return { changesMs: [], stops: stops + 1, untilMs: nowMs + Math.min(LAST_STOP_MS, FIRST_STOP_MS * 2 ** Math.min(stops, 10)) };
}

export function isStopped({ untilMs }: Contest, nowMs: number): boolean {
  return untilMs !== undefined && nowMs < untilMs;
}

/**
 * Our row vanished: Meta removes it when deliveries fail. It is always restored, but not every time
 * at once.
 */
export interface Removals {
  readonly count: number;
  /** When it was restored last. */
  readonly lastMs: number;
}

const FIRST_WAIT_MS = 60_000;
const LAST_WAIT_MS = 10 * 60_000;
const FORGET_REMOVALS_MS = 3_600_000;

/** How long to wait before the row is restored: nothing the first time, then 1 min, 2, 4 … 10. */
export function restoreInMs(removals: Removals | undefined, nowMs: number): number {
  if (removals === undefined || nowMs - removals.lastMs > FORGET_REMOVALS_MS) return 0;
  const wait = Math.min(LAST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(removals.count - 1, 10));
  return Math.max(0, removals.lastMs + wait - nowMs);
}

export function afterRestore(removals: Removals | undefined, nowMs: number): Removals {
  const calm = removals === undefined || nowMs - removals.lastMs > FORGET_REMOVALS_MS;
  return { count: calm ? 1 : removals.count + 1, lastMs: nowMs };
}
