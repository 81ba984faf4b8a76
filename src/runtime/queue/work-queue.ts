import type { Clock } from '../../kit/clock.js';
import { keyText, type NamespacedName } from '../../core/domain/object-key.js';
import type { QueueClass, QueueObserver } from '../observer.js';
import type { Enqueue } from '../ports.js';
import { backoffMs } from './backoff.js';
import { QueueLanes, soonerClass } from './queue-lanes.js';

export interface WorkQueueOptions<K> {
  readonly clock: Clock;
  /** Keys with the same group are never worked on at the same time, besides each key alone. */
  readonly groupOf?: (key: K) => string | undefined;
  /** After the first failure (1 s) and at most (7 min). */
  readonly backoff?: { readonly baseMs: number; readonly maxMs: number };
  /**
   * Delayed background keys become due together, at multiples of this time, so that they fill
   * batches.
   */
  readonly collectBackgroundMs?: number;
  /** Keys known at once, whatever their state (100,000). */
  readonly maxKeys?: number;
  readonly observer?: QueueObserver;
  readonly random?: () => number;
}

interface Pending {
  readonly cls: QueueClass;
  readonly dueMs: number;
  /** Set while its time has not come. */
  readonly cancelTimer: (() => void) | undefined;
}

interface Entry<K> {
  readonly key: K;
  readonly text: string;
  pending: Pending | undefined;
  /** Set while a worker has the key. */
  working: { readonly sinceMs: number; readonly group: string | undefined } | undefined;
}

type Waiter<K> = (key: K | undefined) => void;

const DEFAULT_BACKOFF = { baseMs: 1_000, maxMs: 7 * 60_000 };

/**
 * Keys to be worked on. A key is in it at most once and with one worker at most; added again while
 * it is worked on, it comes back afterwards. Of two adds the earlier time and the sooner class win.
 */
export class WorkQueue<K extends string | NamespacedName = NamespacedName> implements Enqueue<K> {
  readonly #options: WorkQueueOptions<K>;
  readonly #clock: Clock;
  readonly #observer: QueueObserver;
  readonly #entries = new Map<string, Entry<K>>();
  readonly #failures = new Map<string, number>();
  readonly #lanes = new QueueLanes();
  /** group → entries that are ready but whose group is being worked on */
  readonly #heldBack = new Map<string, Set<Entry<K>>>();
  readonly #busyGroups = new Set<string>();
  readonly #waiters = new Set<Waiter<K>>();
  #stopped = false;

  constructor(options: WorkQueueOptions<K>) {
    this.#options = options;
    this.#clock = options.clock;
    this.#observer = options.observer ?? {};
  }

  /** Keys that are ready. */
  get depth(): number {
    return this.#lanes.size;
  }

  /** All keys: waiting for their time, ready, and being worked on. */
  get size(): number {
    return this.#entries.size;
  }

  add(key: K, cls: QueueClass = 'change'): void {
    this.#put(key, this.#clock.monotonicMs(), cls);
  }

  addAfter(key: K, ms: number, cls: QueueClass = 'retry'): void {
    const dueMs = this.#clock.monotonicMs() + Math.max(0, ms);
    const step = cls === 'background' && ms > 0 ? (this.#options.collectBackgroundMs ?? 0) : 0;
    this.#put(key, step > 0 ? Math.ceil(dueMs / step) * step : dueMs, cls);
  }

  /**
   * Adds a key that failed, after its own exponential back-off, or half of `atMostMs` to all of it
   * where that is less.
   */
  addRateLimited(key: K, atMostMs = Infinity): void {
    const text = textOf(key);
    const failures = (this.#failures.get(text) ?? 0) + 1;
    this.#failures.set(text, failures);
    this.#observer.retried?.();
    const { random = Math.random, backoff = DEFAULT_BACKOFF } = this.#options;
    this.addAfter(key, Math.min(atMostMs * (0.5 + 0.5 * random()), backoffMs(failures, { ...backoff, random })));
  }

  /** The next failure of the key counts as the first. Does not take it out of the queue. */
  forget(key: K): void {
    this.#failures.delete(textOf(key));
  }

  /** Failures since the key was last forgotten. */
  failures(key: K): number {
    return this.#failures.get(textOf(key)) ?? 0;
  }

  /**
   * Waits for a key and hands it over; `done` must follow. undefined: the queue or the signal has
   * ended.
   */
  next(signal?: AbortSignal): Promise<K | undefined> {
    if (this.#stopped || signal?.aborted === true) return Promise.resolve(undefined);
    const ready = this.#take();
    if (ready !== undefined) return Promise.resolve(ready);
    return new Promise((resolve) => {
      const waiter: Waiter<K> = (key) => {
        this.#waiters.delete(waiter);
        signal?.removeEventListener('abort', onAbort);
        resolve(key);
      };
      const onAbort = (): void => {
        waiter(undefined);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiters.add(waiter);
    });
  }

  /** The worker has finished with the key; if it was added meanwhile, it is ready again. */
  done(key: K): void {
    const entry = this.#entries.get(textOf(key));
    if (entry?.working === undefined) return;
    const { sinceMs, group } = entry.working;
    entry.working = undefined;
    this.#observer.worked?.(this.#clock.monotonicMs() - sinceMs);
    if (group !== undefined) this.#freeGroup(group);
    if (entry.pending === undefined) this.#entries.delete(entry.text);
    else if (entry.pending.cancelTimer === undefined) this.#makeReady(entry, entry.pending);
    this.#serve();
  }

  /**
   * Ends every wait with undefined and takes nothing more. Keys that are worked on may still be
   * `done`.
   */
  shutDown(): void {
    this.#stopped = true;
    for (const entry of this.#entries.values()) entry.pending?.cancelTimer?.();
    this.#entries.clear();
    this.#lanes.clear();
    this.#heldBack.clear();
    for (const waiter of [...this.#waiters]) waiter(undefined);
    this.#observer.depth?.(0);
  }

  #put(key: K, dueMs: number, cls: QueueClass): void {
    const entry = this.#stopped ? undefined : this.#entry(key);
    if (entry === undefined) return;
    this.#observer.added?.(cls);
    const before = entry.pending ?? { dueMs, cls };
    const wanted = { dueMs: Math.min(dueMs, before.dueMs), cls: soonerClass(cls, before.cls) };
    if (entry.pending !== undefined) {
      if (before.dueMs === wanted.dueMs && before.cls === wanted.cls) return;
      this.#withdraw(entry, entry.pending);
    }
    this.#schedule(entry, wanted.dueMs, wanted.cls);
    this.#serve();
  }

  #entry(key: K): Entry<K> | undefined {
    const text = textOf(key);
    const known = this.#entries.get(text);
    if (known !== undefined) return known;
    if (this.#entries.size >= (this.#options.maxKeys ?? 100_000)) {
      this.#observer.dropped?.();
      return undefined;
    }
    const entry: Entry<K> = { key, text, pending: undefined, working: undefined };
    this.#entries.set(text, entry);
    return entry;
  }

  #withdraw(entry: Entry<K>, { cancelTimer, cls }: Pending): void {
    cancelTimer?.();
    this.#lanes.remove(entry.text, cls);
    for (const held of this.#heldBack.values()) held.delete(entry);
    entry.pending = undefined;
  }

  #schedule(entry: Entry<K>, dueMs: number, cls: QueueClass): void {
    const inMs = dueMs - this.#clock.monotonicMs();
    if (inMs <= 0) {
      entry.pending = { cls, dueMs, cancelTimer: undefined };
      if (entry.working === undefined) this.#makeReady(entry, entry.pending);
      return;
    }
    const cancelTimer = this.#clock.setTimer(inMs, () => {
      this.#schedule(entry, Math.min(dueMs, this.#clock.monotonicMs()), cls);
      this.#serve();
    });
    entry.pending = { cls, dueMs, cancelTimer };
  }

  #makeReady(entry: Entry<K>, { cls, dueMs }: Pending): void {
    this.#lanes.push(entry.text, cls, dueMs);
    this.#observer.depth?.(this.#lanes.size);
  }

  #serve(): void {
    for (const waiter of this.#waiters) {
      const key = this.#take();
      if (key === undefined) return;
      waiter(key);
    }
  }

  #take(): K | undefined {
    for (;;) {
      const text = this.#lanes.shift(this.#clock.monotonicMs());
      const entry = text === undefined ? undefined : this.#entries.get(text);
      if (entry?.pending === undefined) return undefined;
      const group = this.#options.groupOf?.(entry.key);
      if (group === undefined || !this.#busyGroups.has(group)) return this.#handOver(entry, entry.pending, group);
      this.#holdBack(entry, group);
    }
  }

  #handOver(entry: Entry<K>, pending: Pending, group: string | undefined): K {
    const nowMs = this.#clock.monotonicMs();
    entry.pending = undefined;
    entry.working = { sinceMs: nowMs, group };
    if (group !== undefined) this.#busyGroups.add(group);
    this.#observer.depth?.(this.#lanes.size);
    this.#observer.waited?.(nowMs - pending.dueMs);
    return entry.key;
  }

  #holdBack(entry: Entry<K>, group: string): void {
    let held = this.#heldBack.get(group);
    if (held === undefined) this.#heldBack.set(group, (held = new Set()));
    held.add(entry);
  }

  #freeGroup(group: string): void {
    this.#busyGroups.delete(group);
    const held = this.#heldBack.get(group);
    this.#heldBack.delete(group);
    for (const entry of held ?? []) if (entry.pending !== undefined) this.#makeReady(entry, entry.pending);
  }
}

function textOf(key: string | NamespacedName): string {
  return typeof key === 'string' ? key : keyText(key);
}
