import type { Clock } from '../../kit/clock.js';
import type { WebhookLimits } from '../limits.js';

type Bounds = Pick<WebhookLimits, 'largeBytesPerSecond' | 'largeBurstBytes'>;

const CHECK_EVERY_MS = 10;
/** What a body that goes on brings at least, before it can be stopped again. */
const ONE_READ_BYTES = 64 * 1_024;

/**
 * The pace of large bodies that no signature has vouched for, all together. Hashing them is the one costly thing that a
 * stranger can make us do; without a bound 8 MiB of junk after another leave no time for Meta's small bodies. A burst is
 * free, and what turns out to be signed is given back, so that Meta's large bodies do not wait.
 */
export class Throttle {
  readonly #clock: Clock;
  readonly #bounds: Bounds;
  /** In the order in which they wait: each goes on for one read, then waits behind the others. */
  readonly #waiting = new Set<() => void>();
  #free: number;
  #atMs: number;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, bounds: Bounds) {
    this.#clock = clock;
    this.#bounds = bounds;
    this.#free = bounds.largeBurstBytes;
    this.#atMs = clock.monotonicMs();
  }

  /** Counts bytes that have come. False: the body has to pause until `goOn` is called. */
  take(bytes: number, goOn: () => void): boolean {
    this.#refill();
    this.#free -= bytes;
    if (this.#free >= 0) return true;
    this.#waiting.add(goOn);
    this.#cancel ??= this.#clock.setTimer(CHECK_EVERY_MS, this.#check);
    return false;
  }

  /** So many of the bytes that were counted were no stranger's: their signature has verified. */
  giveBack(bytes: number): void {
    this.#free = Math.min(this.#bounds.largeBurstBytes, this.#free + bytes);
  }

  /** The body has ended. */
  forget(goOn: () => void): void {
    if (this.#waiting.size > 0) this.#waiting.delete(goOn);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  readonly #check = (): void => {
    this.#cancel = undefined;
    this.#refill();
    let promised = 0;
    for (const goOn of this.#waiting) {
      if (promised >= this.#free) break;
      promised += ONE_READ_BYTES;
      this.#waiting.delete(goOn);
      goOn();
    }
    if (this.#waiting.size > 0) this.#cancel ??= this.#clock.setTimer(CHECK_EVERY_MS, this.#check);
  };

  #refill(): void {
    const now = this.#clock.monotonicMs();
    const { largeBytesPerSecond, largeBurstBytes } = this.#bounds;
    this.#free = Math.min(largeBurstBytes, this.#free + ((now - this.#atMs) * largeBytesPerSecond) / 1_000);
    this.#atMs = now;
  }
}
