import type { Clock } from '../../src/kit/clock.js';

interface Timer {
  readonly atMs: number;
  readonly fn: () => void;
}

/**
 * A clock that moves only on `advance`. Timers fire in the order of their time while it is moved.
 */
export class FakeClock implements Clock {
  #nowMs: number;
  #jumpedMs = 0;
  readonly #startMs: number;
  readonly #timers = new Set<Timer>();

  constructor(startMs = Date.parse('2026-11-23T00:00:00Z')) {
    this.#startMs = startMs;
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs + this.#jumpedMs;
  }

  /** The wall clock is set anew; no time has passed. */
  jump(ms: number): void {
    this.#jumpedMs += ms;
  }

  monotonicMs(): number {
    return this.#nowMs - this.#startMs;
  }

  setTimer(ms: number, fn: () => void): () => void {
    const timer = { atMs: this.#nowMs + Math.max(0, ms), fn };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Moves the time on and fires what is due; between two timers it lets promises run. */
  async advance(ms: number): Promise<void> {
    const end = this.#nowMs + ms;
    await flush();
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.fn();
      await flush();
    }
    this.#nowMs = end;
    await flush();
  }

  #next(end: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) if (timer.atMs <= end && (first === undefined || timer.atMs < first.atMs)) first = timer;
    return first;
  }
}

/** Lets everything run that is ready to run. */
export async function flush(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}
