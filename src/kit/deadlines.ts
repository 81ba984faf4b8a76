import type { Clock } from './clock.js';

/** Something that has to end in time. */
export interface Expiring {
  /** Of the monotonic clock. */
  readonly deadlineMs: number;
  /** For `Deadlines` alone; -1 where it is not waited for. */
  slot: number;
  /** Its time is up. Must not throw. */
  expire(): void;
}

/** So often at most is everything looked through; an end may come so much late. */
const LOOK_EVERY_MS = 5;

/**
 * Deadlines of what nearly always ends before: one timer for all of them, and a place in a list for
 * each. A timer of its own for each request costs thirty times that.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #open: Expiring[] = [];
  /** When the timer fires. */
  #lookMs = Infinity;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#open.length;
  }

  add(one: Expiring): void {
    one.slot = this.#open.push(one) - 1;
    if (one.deadlineMs < this.#lookMs) this.#lookAt(one.deadlineMs);
  }

  /** It has ended, or is not waited for at all. */
  remove(one: Expiring): void {
    const { slot } = one;
    if (slot < 0) return;
    const last = this.#open.pop();
    if (last !== undefined && last !== one) {
      this.#open[slot] = last;
      last.slot = slot;
    }
    one.slot = -1;
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#lookMs = Infinity;
  }

  #lookAt(ms: number): void {
    this.#cancel?.();
    this.#lookMs = ms;
    this.#cancel = this.#clock.setTimer(ms - this.#clock.monotonicMs(), this.#look);
  }

  readonly #look = (): void => {
    this.stop();
    const now = this.#clock.monotonicMs();
    const due = this.#open.filter(({ deadlineMs }) => deadlineMs <= now);
    for (const one of due) {
      // What one of them does when it ends may have ended another.
      if (one.slot < 0) continue;
      this.remove(one);
      one.expire();
    }
    let nextMs = Infinity;
    for (const { deadlineMs } of this.#open) nextMs = Math.min(nextMs, deadlineMs);
    if (nextMs < this.#lookMs) this.#lookAt(Math.max(nextMs, now + LOOK_EVERY_MS));
  };
}
