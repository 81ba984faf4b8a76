import { createHash } from 'node:crypto';

/**
 * When an object is first checked after a start, in milliseconds: spread evenly over the interval
 * and always the same for one uid.
 */
export function firstDriftCheckMs(uid: string, intervalMs: number): number {
  return createHash('sha256').update(uid).digest().readUInt32BE(0) % Math.max(1, intervalMs);
}

/** When it is checked again: the interval ±10 %, so that checks do not drift together. */
export function nextDriftCheckMs(intervalMs: number, random: () => number = Math.random): number {
  return Math.round(intervalMs * (0.9 + 0.2 * random()));
}

/**
 * The same for what must never come more often than the interval says: the interval and up to 10 %
 * more.
 */
export function lateCheckMs(intervalMs: number, random: () => number = Math.random): number {
  return Math.round(intervalMs * (1 + 0.1 * random()));
}
