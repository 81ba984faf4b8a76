import { FakeClock } from '../../support/fake-clock.js';

interface Timer {
  readonly atMs: number;
  readonly order: number;
  fn: (() => void) | undefined;
}

/**
 * A clock for weeks of thousands of pages: timers in a heap, and time that stands still while real
 * sockets are at work. `idle` resolves when nothing is under way that needs no time.
 */
export class VirtualClock extends FakeClock {
  readonly #idle: () => Promise<void>;
  readonly #startMs: number;
  readonly #heap: Timer[] = [];
  #nowMs: number;
  #order = 0;

  constructor(idle: () => Promise<void>, startMs = Date.parse('2026-11-23T00:00:00Z')) {
    super(startMs);
    this.#idle = idle;
    this.#startMs = startMs;
    this.#nowMs = startMs;
  }

  override nowMs(): number {
    return this.#nowMs;
  }

  override monotonicMs(): number {
    return this.#nowMs - this.#startMs;
  }

  override setTimer(ms: number, fn: () => void): () => void {
    const timer: Timer = { atMs: this.#nowMs + Math.max(0, ms), order: ++this.#order, fn };
    push(this.#heap, timer);
    return () => {
      timer.fn = undefined;
    };
  }

  override get pendingTimers(): number {
    return this.#heap.filter(({ fn }) => fn !== undefined).length;
  }

  /**
   * All timers of one moment fire together, then everything comes to rest before the next moment.
   */
  override async advance(ms: number): Promise<void> {
    const end = this.#nowMs + ms;
    await this.#idle();
    for (let moment = this.#next(end); moment !== undefined; moment = this.#next(end)) {
      this.#nowMs = Math.max(this.#nowMs, moment);
      for (let due = this.#next(this.#nowMs); due !== undefined; due = this.#next(this.#nowMs)) {
        const { fn } = pop(this.#heap) ?? {};
        fn?.();
      }
      await this.#idle();
    }
    this.#nowMs = end;
  }

  /** When the next timer that still counts is due, if that is not after `end`. */
  #next(end: number): number | undefined {
    while (this.#heap[0] !== undefined && this.#heap[0].fn === undefined) pop(this.#heap);
    const first = this.#heap[0];
    return first !== undefined && first.atMs <= end ? first.atMs : undefined;
  }
}

function before(a: Timer, b: Timer): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

function push(heap: Timer[], timer: Timer): void {
  let at = heap.length;
  heap.push(timer);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent];
    if (above === undefined || !before(timer, above)) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = timer;
}

function pop(heap: Timer[]): Timer | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined || heap.length === 0) return first;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    const [left, right] = [heap[child], heap[child + 1]];
    if (left === undefined) break;
    if (right !== undefined && before(right, left)) child += 1;
    const smaller = heap[child];
    if (smaller === undefined || !before(smaller, last)) break;
    heap[at] = smaller;
    at = child;
  }
  heap[at] = last;
  return first;
}
