import type { Clock } from '../../kit/clock.js';
import type { DeliveryLimits } from '../limits.js';
import { SeenTable, type SeenKey } from './seen-table.js';

/** What an attempt at an item came to. All but `unavailable` are final. */
export type Outcome = 'accepted' | 'refused' | 'dropped' | 'unavailable';

/** One event, from when it comes until what became of it is final. */
export interface Remembered {
  readonly kind: 'mine';
  readonly key: string;
  readonly seen: SeenKey;
  /** Wall clock: stands in for `entry.time` where Meta gave none. */
  readonly firstSeenMs: number;
  /** Some request really tried to deliver it. */
  attempted: boolean;
  /** An earlier POST had it. */
  again: boolean;
  /** Once it came to nothing and is expected again. */
  expiresMs: number;
  /** Told when the outcome is there. */
  waiting: ((outcome: Outcome) => void)[] | undefined;
}

export type Claim =
  /** Nobody is on it: the caller delivers it and calls `settle`. */
  | Remembered
  | { readonly kind: 'done' }
  /** Somebody is on it. `told` is called when the outcome is there, before anything else of its conversation begins. */
  | { readonly kind: 'joined'; readonly join: (told: (outcome: Outcome) => void) => void };

/** Events that wait for Meta's retry; beyond, the oldest counts as new when it comes. */
const MAX_UNSETTLED = 100_000;

const DONE = { kind: 'done' } as const;

type Bounds = Pick<DeliveryLimits, 'dedupeWindowMs' | 'maxRemembered'>;

/**
 * Remembers events by their key, so that a retry finds what was decided or joins what is under way. An event that came to
 * nothing is remembered too (when it was first seen, whether it was tried), but is delivered again.
 */
export class Dedupe {
  readonly #clock: Clock;
  readonly #bounds: Bounds;
  readonly #pending = new Map<string, Remembered>();
  /** The one that failed first is in front. */
  readonly #unsettled = new Map<string, Remembered>();
  readonly #done: SeenTable;

  constructor(clock: Clock, bounds: Bounds) {
    this.#clock = clock;
    this.#bounds = bounds;
    this.#done = new SeenTable(bounds.maxRemembered);
  }

  claim(key: string): Claim {
    const pending = this.#pending.get(key);
    if (pending !== undefined) {
      return { kind: 'joined', join: (told) => (pending.waiting ??= []).push(told) };
    }
    const now = this.#clock.monotonicMs();
    const seen = this.#done.key(key);
    if (this.#done.has(seen, now)) return DONE;
    const event = this.#unsettled.size === 0 ? undefined : this.#expected(key, now);
    const mine = event ?? this.#newcomer(key, seen);
    this.#pending.set(key, mine);
    return mine;
  }

  /** By whoever had claimed it, once. */
  settle(event: Remembered, outcome: Outcome): void {
    this.#pending.delete(event.key);
    const now = this.#clock.monotonicMs();
    const expiresMs = now + this.#bounds.dedupeWindowMs;
    const { waiting } = event;
    event.waiting = undefined;
    if (outcome === 'unavailable') {
      event.again = true;
      event.expiresMs = expiresMs;
      this.#unsettled.set(event.key, event);
      this.#forgetOld(now);
    } else {
      this.#done.add(event.seen, expiresMs, now);
    }
    if (waiting !== undefined) for (const told of waiting) told(outcome);
  }

  #newcomer(key: string, seen: SeenKey): Remembered {
    const firstSeenMs = this.#clock.nowMs();
    return { kind: 'mine', key, seen, firstSeenMs, attempted: false, again: false, expiresMs: 0, waiting: undefined };
  }

  /** An event that came to nothing, and has come again in time. */
  #expected(key: string, now: number): Remembered | undefined {
    const event = this.#unsettled.get(key);
    if (event === undefined) return undefined;
    this.#unsettled.delete(key);
    return event.expiresMs > now ? event : undefined;
  }

  /** Two for each that comes: the memory shrinks when the traffic does. */
  #forgetOld(now: number): void {
    let looked = 0;
    for (const [key, { expiresMs }] of this.#unsettled) {
      const mayStay = this.#unsettled.size <= MAX_UNSETTLED && expiresMs > now;
      if (mayStay || looked++ >= 2) return;
      this.#unsettled.delete(key);
    }
  }
}
