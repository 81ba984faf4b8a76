import type { Clock } from '../../src/kit/clock.js';
import { ClusterUnavailableError } from '../../src/core/domain/errors.js';
import type { Random } from './random.js';
import type { VirtualClock } from './virtual-clock.js';

export interface Call<T> {
  readonly name: string;
  /** What it does at the other end, once it has arrived; throws what the answer is to be. */
  readonly effect: () => T;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs: number;
  /** What the network does to it, if anything. */
  readonly fault?: 'refused' | 'answer_lost' | undefined;
  readonly lost: () => Error;
  /** Told how it ended for the caller. */
  readonly settled?: (outcome: 'answered' | 'failed') => void;
}

/** The longest way there, and back. */
export const MAX_WAY_MS = 1_500;

/**
 * What carries one process: its clock, its way to the others, and its end. After a crash nothing of
 * it goes on, though its promises still hang about: every timer and every answer passes through
 * here.
 */
export class Host {
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly #world: VirtualClock;
  #alive = true;
  #pausedUntilMs = -Infinity;
  /** What came while it stood still. */
  readonly #waiting: (() => void)[] = [];
  /** When it last went on after a pause, and how long that was. */
  resumed: { readonly atMs: number; readonly pausedMs: number } | undefined;
  /** Calls until it crashes, and whether the last one still has its effect. */
  crashAfter: { calls: number; readonly applied: boolean } | undefined;
  /**
   * Asked at every call whether this is its last one, and whether that still has its effect; for
   * those who crash it on purpose.
   */
  fate: () => 'before' | 'applied' | undefined = () => undefined;
  /** No request reaches the API server. */
  partitioned = false;
  slow = false;
  #onCrash: () => void = () => undefined;

  constructor(name: string, world: VirtualClock, random: Random) {
    this.name = name;
    this.#world = world;
    this.random = random;
    const bootMs = random.between(0, 1_000_000);
    const skewMs = random.between(-500, 500);
    this.clock = {
      nowMs: () => world.nowMs() + skewMs,
      monotonicMs: () => world.monotonicMs() + bootMs,
      setTimer: (ms, fn) =>
        world.setTimer(ms, () => {
          this.#resume(fn);
        }),
    };
  }

  get alive(): boolean {
    return this.#alive;
  }

  onCrash(handler: () => void): void {
    this.#onCrash = handler;
  }

  crash(): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.#onCrash();
  }

  /** Everything stands still, as under SIGSTOP; answers that come meanwhile wait. */
  pause(ms: number): void {
    const nowMs = this.#world.monotonicMs();
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, nowMs + ms);
    this.resumed = { atMs: this.#pausedUntilMs, pausedMs: this.#pausedUntilMs - nowMs };
  }

  /**
   * How long it stood still just now; 0 if it is a while ago, or never was. What it does may be
   * that much late.
   */
  pauseBefore(): number {
    if (this.resumed === undefined || this.#world.monotonicMs() - this.resumed.atMs > 2 * MAX_WAY_MS) return 0;
    return this.resumed.pausedMs;
  }

  /** One request and its answer. Never settles once the process is gone. */
  call<T>(call: Call<T>): Promise<T> {
    const { signal } = call;
    if (!this.#alive) return new Promise(() => undefined);
    if (signal?.aborted === true) return Promise.reject(reasonOf(signal));
    const crash = this.fate() ?? this.#crashNow();
    if (crash === 'before') {
      this.crash();
      return new Promise(() => undefined);
    }
    return new Promise((resolve, reject) => {
      const exchange = new Exchange(call, this.clock, { resolve, reject });
      this.#world.setTimer(this.#wayMs(), () => {
        exchange.arrive();
        if (crash === 'applied') this.crash();
        else
          this.clock.setTimer(this.#wayMs(), () => {
            exchange.answer();
          });
      });
    });
  }

  /** The end that this call is, if it is one. */
  #crashNow(): 'before' | 'applied' | undefined {
    if (this.crashAfter === undefined) return undefined;
    this.crashAfter.calls -= 1;
    if (this.crashAfter.calls > 0) return undefined;
    const { applied } = this.crashAfter;
    this.crashAfter = undefined;
    return applied ? 'applied' : 'before';
  }

  #wayMs(): number {
    if (this.slow) return this.random.between(1, this.random.chance(0.2) ? MAX_WAY_MS : 300);
    return this.random.between(1, 20);
  }

  #resume(fn: () => void): void {
    if (!this.#alive) return;
    if (this.#pausedUntilMs <= this.#world.monotonicMs()) {
      fn();
      return;
    }
    this.#waiting.push(fn);
    if (this.#waiting.length === 1) this.#wakeUp();
  }

  /** What waited goes on in the order in which it would have happened. */
  #wakeUp(): void {
    this.#world.setTimer(this.#pausedUntilMs - this.#world.monotonicMs(), () => {
      if (this.#pausedUntilMs > this.#world.monotonicMs()) {
        this.#wakeUp();
        return;
      }
      for (const fn of this.#waiting.splice(0))
        this.#world.setTimer(0, () => {
          this.#resume(fn);
        });
    });
  }
}

interface Settle<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

/** One request under way: its effect happens whether or not anybody still waits for it. */
class Exchange<T> {
  readonly #call: Call<T>;
  readonly #settle: Settle<T>;
  readonly #stopWaiting: () => void;
  #outcome: { readonly value: T } | { readonly error: Error } | undefined;
  #settled = false;

  constructor(call: Call<T>, clock: Clock, settle: Settle<T>) {
    this.#call = call;
    this.#settle = settle;
    const onAbort = (): void => {
      this.#fail(reasonOf(call.signal));
    };
    const cancelTimeout =
      call.timeoutMs === Infinity
        ? () => undefined
        : clock.setTimer(call.timeoutMs, () => {
            this.#fail(call.lost());
          });
    call.signal?.addEventListener('abort', onAbort, { once: true });
    this.#stopWaiting = () => {
      cancelTimeout();
      call.signal?.removeEventListener('abort', onAbort);
    };
  }

  arrive(): void {
    const { effect, fault } = this.#call;
    if (fault === 'refused') return;
    try {
      this.#outcome = { value: effect() };
    } catch (error) {
      this.#outcome = { error: error as Error };
    }
  }

  answer(): void {
    if (this.#call.fault !== undefined || this.#outcome === undefined) this.#fail(this.#call.lost());
    else if ('error' in this.#outcome) this.#fail(this.#outcome.error);
    else this.#end('answered', this.#outcome.value);
  }

  #fail(error: Error): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#stopWaiting();
    this.#call.settled?.('failed');
    this.#settle.reject(error);
  }

  #end(outcome: 'answered', value: T): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#stopWaiting();
    this.#call.settled?.(outcome);
    this.#settle.resolve(value);
  }
}

function reasonOf(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : new Error('aborted');
}

/** What a request that got no answer is to its caller. */
export function noAnswer(): Error {
  return new ClusterUnavailableError('no answer');
}
