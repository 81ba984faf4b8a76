import type { Condition } from '../api/meta.js';
import { stalledLookMs } from '../core/domain/schedule.js';
import { findCondition } from '../runtime/conditions.js';

/** What an object that is not Ready waits for. `may_come`: for something that may still be created. */
export type Progress = 'done' | 'reconciling' | 'may_come' | 'stalled' | 'suspended';

/** What is remembered of it between two passes. Times of the monotonic clock. */
export interface ProgressMemory {
  /** Since when it has been waiting for something that does not exist yet. */
  missing: { readonly what: string; readonly sinceMs: number } | undefined;
  stall: { readonly what: string; readonly looks: number; readonly untilMs: number } | undefined;
}

/** GitOps applies in any order: what is missing is Reconciling for this long, then Stalled. */
export const MAY_COME_MS = 2 * 60_000;

export interface Pace {
  readonly stalled: boolean;
  /** When another look is due because of it; undefined: the usual check. */
  readonly wakeMs: number | undefined;
}

/** Whether it is Stalled by now, and when to look again: after 10, 20, 40 min … 6 h as long as it is `what` that is wrong. */
export function paceOf(progress: Progress, what: string, memory: ProgressMemory, nowMs: number): Pace {
  const leftMs = progress === 'may_come' ? waitingLeftMs(memory, what, nowMs) : undefined;
  if (leftMs === undefined) memory.missing = undefined;
  else if (leftMs > 0) return { stalled: false, wakeMs: leftMs };
  if (progress === 'stalled' || progress === 'may_come') return { stalled: true, wakeMs: stalledWake(memory, what, nowMs) };
  memory.stall = undefined;
  return { stalled: false, wakeMs: undefined };
}

/** Whether the status says already that the object is Stalled for this reason, with this spec. */
export function wasStalled(before: readonly Condition[] | undefined, reason: string, generation: number): boolean {
  const stalled = findCondition(before, 'Stalled');
  return stalled?.status === 'True' && stalled.reason === reason && stalled.observedGeneration === generation;
}

/** A process that begins anew goes on from what the status says: what has been waited for long enough is not waited for again. */
export function recallWaiting(memory: ProgressMemory, what: string, stalledBefore: boolean, nowMs: number): void {
  if (stalledBefore) memory.missing ??= { what, sinceMs: nowMs - MAY_COME_MS };
}

function waitingLeftMs(memory: ProgressMemory, what: string, nowMs: number): number {
  if (memory.missing?.what !== what) memory.missing = { what, sinceMs: nowMs };
  return memory.missing.sinceMs + MAY_COME_MS - nowMs;
}

function stalledWake(memory: ProgressMemory, what: string, nowMs: number): number {
  const known = memory.stall?.what === what ? memory.stall : undefined;
  if (known !== undefined && nowMs < known.untilMs) return known.untilMs - nowMs;
  const looks = known === undefined ? 0 : known.looks + 1;
  memory.stall = { what, looks, untilMs: nowMs + stalledLookMs(looks) };
  return stalledLookMs(looks);
}
