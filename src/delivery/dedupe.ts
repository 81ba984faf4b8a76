import type { Clock } from '../core/clock.js';

import type { DeliveryLimits } from './limits.js';
import { SeenTable, type SeenKey } from './seen-table.js';

/** What an attempt at an item came to. All but `unavailable` are final. */
export type Outcome = 'accepted' | 'refused' | 'given_up' | 'unavailable';

/** One event, as long as it is remembered. */
export interface Remembered {
  /** Wall clock: stands in for `entry.time` where Meta gave none. */
  readonly firstSeenMs: number;
  /** Some request really tried to deliver it. */
  attempted: boolean;
}

interface Pending {
  readonly seen: SeenKey;
  readonly event: Remembered;
  waiting: ((outcome: Outcome) => void)[] | undefined;
}

/** An event that came to nothing and is expected again. */
interface Unsettled {
  readonly event: Remembered;
  readonly expiresMs: number;
}

export type Claim =
  /** Nobody is on it: the caller delivers it and calls `settle`. `again`: an earlier POST had it. */
  | { readonly kind: 'mine'; readonly event: Remembered; readonly again: boolean }
  | { readonly kind: 'done' }
  /** Somebody is on it. `told` is called when the outcome is there, before anything else of its conversation begins. */
  | { readonly kind: 'joined'; readonly join: (told: (outcome: Outcome) => void) => void };

/** Events that wait for Meta's retry; beyond, the oldest counts as new when it comes. */
const MAX_UNSETTLED = 100_000;

type Bounds = Pick<DeliveryLimits, 'dedupeWindowMs' | 'maxRemembered'>;

/**
 * Remembers events by their key, so that a retry finds what was decided or joins what is under way. An event that came to
 * nothing is remembered too (when it was first seen, whether it was tried), but is delivered again.
 */
export class Dedupe {
  readonly #clock: Clock;
  readonly #bounds: Bounds;
  readonly #pending = new Map<string, Pending>();
  /** The one that failed first is in front. */
  readonly #unsettled = new Map<string, Unsettled>();
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
    if (this.#done.has(seen, now)) return { kind: 'done' };
    const before = this.#unsettled.size === 0 ? undefined : this.#unsettled.get(key);
    if (before !== undefined) this.#unsettled.delete(key);
    const known = before !== undefined && before.expiresMs > now ? before.event : undefined;
    const event = known ?? { firstSeenMs: this.#clock.nowMs(), attempted: false };
    this.#pending.set(key, { seen, event, waiting: undefined });
    return { kind: 'mine', event, again: known !== undefined };
  }

  settle(key: string, outcome: Outcome): void {
    const pending = this.#pending.get(key);
    if (pending === undefined) return;
    this.#pending.delete(key);
    const now = this.#clock.monotonicMs();
    const expiresMs = now + this.#bounds.dedupeWindowMs;
    if (outcome === 'unavailable') {
      this.#unsettled.set(key, { event: pending.event, expiresMs });
      this.#forgetOld(now);
    } else {
      this.#done.add(pending.seen, expiresMs, now);
    }
    if (pending.waiting !== undefined) for (const told of pending.waiting) told(outcome);
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
