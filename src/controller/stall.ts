import type { Condition } from '../api/meta.js';
import { stalledLookMs } from '../core/domain/schedule.js';
import { findCondition } from '../runtime/conditions.js';
import type { KubeEvent } from '../runtime/ports.js';

/** Where an object stands. `may_come`: it waits for something that may still be created. */
export type ObjectState = 'done' | 'reconciling' | 'may_come' | 'stalled' | 'suspended';

/** What is remembered between two passes. Times of the monotonic clock. */
export interface StallMemory {
  /** Since when it has been waiting for something that does not exist yet. */
  missing: { readonly what: string; readonly sinceMs: number } | undefined;
  stall: { readonly what: string; readonly looks: number; readonly untilMs: number } | undefined;
}

/** GitOps applies in any order: what is missing is Reconciling for this long, then Stalled. */
export const MAY_COME_MS = 2 * 60_000;

export interface Stall {
  readonly stalled: boolean;
  /** When the next pass is due because of it; undefined: at the usual check. */
  readonly wakeMs: number | undefined;
}

/**
 * Whether the object is Stalled by now, and when to look again: after 10, 20, 40 min … 6 h while
 * `what` is wrong.
 */
export function stallOf(state: ObjectState, what: string, memory: StallMemory, nowMs: number): Stall {
  const leftMs = state === 'may_come' ? waitingLeftMs(memory, what, nowMs) : undefined;
  if (leftMs === undefined) memory.missing = undefined;
  else if (leftMs > 0) return { stalled: false, wakeMs: leftMs };
  if (state === 'stalled' || state === 'may_come') return { stalled: true, wakeMs: stalledWake(memory, what, nowMs) };
  memory.stall = undefined;
  return { stalled: false, wakeMs: undefined };
}

/** Whether the status already says that the object is Stalled for this reason, with this spec. */
export function wasStalled(before: readonly Condition[] | undefined, reason: string, generation: number): boolean {
  const stalled = findCondition(before, 'Stalled');
  return stalled?.status === 'True' && stalled.reason === reason && stalled.observedGeneration === generation;
}

/**
 * After a restart the status tells what was already Stalled: such an object does not wait for
 * another two minutes.
 */
export function recallWaiting(memory: StallMemory, what: string, stalledBefore: boolean, nowMs: number): void {
  if (stalledBefore) memory.missing ??= { what, sinceMs: nowMs - MAY_COME_MS };
}

/**
 * The Events for a change of the summary: that the object stalled, or why it stalls now, or that it
 * recovered.
 */
export function stallEvents(before: readonly Condition[] | undefined, after: readonly Condition[] | undefined): readonly KubeEvent[] {
  const was = findCondition(before, 'Stalled');
  const is = findCondition(after, 'Stalled');
  if (is !== undefined && was?.reason !== is.reason) {
    return [{ type: 'Warning', reason: is.reason, action: 'Reconcile', note: is.message.slice(0, 1_000) }];
  }
  const ready = findCondition(after, 'Ready');
  if (was === undefined || ready?.status !== 'True') return [];
  return [{ type: 'Normal', reason: 'Recovered', action: 'Reconcile', note: `${was.reason} is over: ${ready.message}` }];
}

function waitingLeftMs(memory: StallMemory, what: string, nowMs: number): number {
  if (memory.missing?.what !== what) memory.missing = { what, sinceMs: nowMs };
  return memory.missing.sinceMs + MAY_COME_MS - nowMs;
}

function stalledWake(memory: StallMemory, what: string, nowMs: number): number {
  const known = memory.stall?.what === what ? memory.stall : undefined;
  if (known !== undefined && nowMs < known.untilMs) return known.untilMs - nowMs;
  const looks = known === undefined ? 0 : known.looks + 1;
  memory.stall = { what, looks, untilMs: nowMs + stalledLookMs(looks) };
  return stalledLookMs(looks);
}
