import type { Clock } from '../../src/kit/clock.js';

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly fn: () => void;
  cancelled: boolean;
}

/**
 * Time that passes only while it is run, timer by timer, in the order of their times; what an
 * earlier one set off ends first.
 */
export class VirtualClock implements Clock {
  readonly #startMs = Date.parse('2026-11-23T00:00:00Z');
  readonly #heap: Timer[] = [];
  #elapsedMs = 0;
  #order = 0;

  nowMs(): number {
    return this.#startMs + this.#elapsedMs;
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  setTimer(ms: number, fn: () => void): () => void {
    const timer: Timer = { atMs: this.#elapsedMs + Math.max(0, ms), order: this.#order++, fn, cancelled: false };
    this.#push(timer);
    return () => {
      timer.cancelled = true;
    };
  }

  /** Runs `ms` of virtual time, or until `stop` says so. */
  async run(ms: number, stop: () => boolean = () => false): Promise<void> {
    const end = this.#elapsedMs + ms;
    await settle();
    for (let next = this.#heap[0]; next !== undefined && next.atMs <= end; next = this.#heap[0]) {
      this.#pop();
      if (next.cancelled) continue;
      this.#elapsedMs = next.atMs;
      next.fn();
      await settle();
      if (stop()) return;
    }
    this.#elapsedMs = end;
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const up = (at - 1) >> 1;
      if (!before(timer, heap[up])) break;
      heap[at] = heap[up] ?? timer;
      at = up;
    }
    heap[at] = timer;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const right = left + 1;
      const least = before(heap[right], heap[left]) ? right : left;
      const child = heap[least];
      if (child === undefined || !before(child, last)) break;
      heap[at] = child;
      at = least;
    }
    heap[at] = last;
  }
}

function before(a: Timer | undefined, b: Timer | undefined): boolean {
  if (a === undefined) return false;
  return b === undefined || a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** Every continuation that is ready runs before the next turn of the event loop begins. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
