import type { Clock } from '../../../src/kit/clock.js';
import { eventually } from '../../support/eventually.js';
import { flush } from '../../support/fake-clock.js';

interface Timer {
  readonly atMs: number;
  readonly afterMs: number;
  readonly fn: () => void;
}

/**
 * A clock for real sockets: it jumps to the next timer, but only while nothing is on its way.
 * Something is, as long as a timer of `attemptMs` is pending: that is the time limit of Meta's
 * attempts.
 */
export class VirtualClock implements Clock {
  #nowMs = Date.parse('2026-11-23T00:00:00Z');
  readonly #startMs = this.#nowMs;
  readonly #attemptMs: number;
  readonly #timers = new Set<Timer>();

  constructor(attemptMs: number) {
    this.#attemptMs = attemptMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs - this.#startMs;
  }

  setTimer(ms: number, fn: () => void): () => void {
    const timer = { atMs: this.#nowMs + Math.max(0, ms), afterMs: ms, fn };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  /** Lets so much time pass. */
  async pass(ms: number): Promise<void> {
    const end = this.#nowMs + ms;
    for (;;) {
      await this.#settle();
      const next = this.#next(end);
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.fn();
    }
    this.#nowMs = end;
  }

  async #settle(): Promise<void> {
    await flush();
    const isOnItsWay = (): boolean => [...this.#timers].some(({ afterMs }) => afterMs === this.#attemptMs);
    if (isOnItsWay()) await eventually(() => !isOnItsWay(), 10_000, 'every attempt being answered');
    await flush();
  }

  #next(endMs: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) if (timer.atMs <= endMs && (first === undefined || timer.atMs < first.atMs)) first = timer;
    return first;
  }
}
