import type { Clock } from '../../kit/clock.js';
import type { Outcome } from '../bot/attempt.js';
import type { DeliveryLimits } from '../limits.js';
import { SeenTable, type SeenKey } from './seen-table.js';

/** What is remembered of one event from its first arrival until its outcome is final. */
export interface EventState {
  readonly kind: 'mine';
  /** {@link EventItem.dedupeKey} */
  readonly key: string;
  readonly seen: SeenKey;
  /**
   * Its age counts from here, on the wall clock: the earliest of when its key was first seen and
   * the times of its repeats. Meta may repeat an event with a later `entry.time`.
   */
  sinceMs: number;
  /** A request with it was really sent. */
  attempted: boolean;
  /** It was unavailable in an earlier POST, and this is Meta's retry. */
  isRetry: boolean;
  /** Until when Meta's retry is expected, once it was unavailable. */
  expiresMs: number;
  /** Called when the outcome is known. */
  waiting: ((outcome: Outcome) => void)[] | undefined;
}

export type Claim =
  /** New, or unavailable before: the caller delivers it and calls `settle`. */
  | EventState
  /** Its outcome is final. */
  | { readonly kind: 'done' }
  /**
   * Another POST is delivering it. `onOutcome` is called before anything else of its conversation
   * begins.
   */
  | { readonly kind: 'joined'; readonly join: (onOutcome: (outcome: Outcome) => void) => void };

/** Events that wait for Meta's retry; beyond, the oldest counts as new when it comes. */
const MAX_UNSETTLED = 100_000;

const DONE = { kind: 'done' } as const;

type Bounds = Pick<DeliveryLimits, 'dedupeWindowMs' | 'maxRemembered'>;

/**
 * Remembers events by their key, so that a retry finds the final outcome or joins the delivery that
 * is under way. An unavailable event is remembered too (when it was first seen, whether it was
 * attempted), but is delivered again.
 */
export class Dedupe {
  readonly #clock: Clock;
  readonly #bounds: Bounds;
  readonly #pending = new Map<string, EventState>();
  /** The one that failed first is in front. */
  readonly #unsettled = new Map<string, EventState>();
  readonly #done: SeenTable;

  constructor(clock: Clock, bounds: Bounds) {
    this.#clock = clock;
    this.#bounds = bounds;
    this.#done = new SeenTable(bounds.maxRemembered);
  }

  /** @param timeMs when Meta says that the event happened */
  claim(key: string, timeMs: number | undefined): Claim {
    const pending = this.#pending.get(key);
    if (pending !== undefined) {
      return { kind: 'joined', join: (onOutcome) => (pending.waiting ??= []).push(onOutcome) };
    }
    const now = this.#clock.monotonicMs();
    const seen = this.#done.key(key);
    if (this.#done.has(seen, now)) return DONE;
    const known = this.#unsettled.size === 0 ? undefined : this.#expected(key, now);
    const state = known ?? this.#newState(key, seen);
    state.sinceMs = Math.min(state.sinceMs, timeMs ?? Infinity);
    this.#pending.set(key, state);
    return state;
  }

  /** Called once for each claim, by the one that made it. */
  settle(state: EventState, outcome: Outcome): void {
    this.#pending.delete(state.key);
    const now = this.#clock.monotonicMs();
    const expiresMs = now + this.#bounds.dedupeWindowMs;
    const { waiting } = state;
    state.waiting = undefined;
    if (outcome === 'unavailable') {
      state.isRetry = true;
      state.expiresMs = expiresMs;
      this.#unsettled.set(state.key, state);
      this.#forgetOld(now);
    } else {
      this.#done.add(state.seen, expiresMs, now);
    }
    if (waiting !== undefined) for (const onOutcome of waiting) onOutcome(outcome);
  }

  #newState(key: string, seen: SeenKey): EventState {
    const sinceMs = this.#clock.nowMs();
    return { kind: 'mine', key, seen, sinceMs, attempted: false, isRetry: false, expiresMs: 0, waiting: undefined };
  }

  /** An unavailable event whose retry came in time. */
  #expected(key: string, now: number): EventState | undefined {
    const state = this.#unsettled.get(key);
    if (state === undefined) return undefined;
    this.#unsettled.delete(key);
    return state.expiresMs > now ? state : undefined;
  }

  /** Two for each that is added: the memory shrinks when the traffic does. */
  #forgetOld(now: number): void {
    let looked = 0;
    for (const [key, { expiresMs }] of this.#unsettled) {
      const mayStay = this.#unsettled.size <= MAX_UNSETTLED && expiresMs > now;
      if (mayStay || looked++ >= 2) return;
      this.#unsettled.delete(key);
    }
  }
}
