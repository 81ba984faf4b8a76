import type { Clock } from '../core/clock.js';

import type { DeliveryLimits } from './limits.js';

/** What an attempt at an item came to. All but `unavailable` are final. */
export type Outcome = 'accepted' | 'refused' | 'given_up' | 'unavailable';

/** One event, as long as it is remembered. */
export interface Remembered {
  /** Wall clock: stands in for `entry.time` where Meta gave none. */
  readonly firstSeenMs: number;
  /** Some request really tried to deliver it. */
  attempted: boolean;
}

interface Settled {
  readonly event: Remembered;
  readonly outcome: Outcome;
  readonly expiresMs: number;
}

interface Pending {
  readonly event: Remembered;
  readonly waiting: ((outcome: Outcome) => void)[];
}

export type Claim =
  /** Nobody is on it: the caller delivers it and calls `settle`. `again`: an earlier POST had it. */
  | { readonly kind: 'mine'; readonly event: Remembered; readonly again: boolean }
  | { readonly kind: 'done' }
  /** Somebody is on it. */
  | { readonly kind: 'joined'; readonly outcome: Promise<Outcome> };

type Bounds = Pick<DeliveryLimits, 'dedupeWindowMs' | 'maxRemembered'>;

/**
 * Remembers events by their key, so that a retry finds what was decided or joins what is under way. An event that came to
 * nothing is remembered too (when it was first seen, whether it was tried), but is delivered again.
 */
export class Dedupe {
  readonly #clock: Clock;
  readonly #bounds: Bounds;
  readonly #pending = new Map<string, Pending>();
  /** The one settled first is in front. */
  readonly #settled = new Map<string, Settled>();

  constructor(clock: Clock, bounds: Bounds) {
    this.#clock = clock;
    this.#bounds = bounds;
  }

  /** Events remembered, those under way included. */
  get size(): number {
    return this.#pending.size + this.#settled.size;
  }

  claim(key: string): Claim {
    const pending = this.#pending.get(key);
    if (pending !== undefined) {
      const outcome = new Promise<Outcome>((resolve) => pending.waiting.push(resolve));
      return { kind: 'joined', outcome };
    }
    const settled = this.#settled.get(key);
    const known = settled !== undefined && settled.expiresMs > this.#clock.monotonicMs() ? settled : undefined;
    if (known !== undefined && known.outcome !== 'unavailable') return { kind: 'done' };
    const event = known?.event ?? { firstSeenMs: this.#clock.nowMs(), attempted: false };
    this.#settled.delete(key);
    this.#pending.set(key, { event, waiting: [] });
    return { kind: 'mine', event, again: known !== undefined };
  }

  settle(key: string, outcome: Outcome): void {
    const pending = this.#pending.get(key);
    if (pending === undefined) return;
    this.#pending.delete(key);
    const now = this.#clock.monotonicMs();
    this.#settled.set(key, { event: pending.event, outcome, expiresMs: now + this.#bounds.dedupeWindowMs });
    for (const wake of pending.waiting) wake(outcome);
    this.#forgetOld(now);
  }

  /** Two for each that comes: the memory shrinks when the traffic does. */
  #forgetOld(now: number): void {
    let looked = 0;
    for (const [key, { expiresMs }] of this.#settled) {
      const mayStay = this.#settled.size <= this.#bounds.maxRemembered && expiresMs > now;
      if (mayStay || looked++ >= 2) return;
      this.#settled.delete(key);
    }
  }
}
