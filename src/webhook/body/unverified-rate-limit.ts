import type { Clock } from '../../kit/clock.js';
import type { WebhookLimits } from '../limits.js';

type Bounds = Pick<WebhookLimits, 'largeBytesPerSecond' | 'largeBurstBytes'>;

const CHECK_EVERY_MS = 10;
/** The least that a resumed body brings before it can be paused again. */
const ONE_READ_BYTES = 64 * 1_024;

/**
 * One rate limit for all large bodies whose signature is not verified yet. Hashing them is the one
 * costly thing that a stranger can make us do: without a limit, one 8 MiB body after another leaves
 * no time for Meta's small bodies. A burst is free, and bytes that turn out to be signed are given
 * back, so Meta's own large bodies do not wait.
 */
export class UnverifiedRateLimit {
  readonly #clock: Clock;
  readonly #bounds: Bounds;
  /** First in, first out: each resumes for one read, then queues again. */
  readonly #paused = new Set<() => void>();
  #freeBytes: number;
  #refilledMs: number;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, bounds: Bounds) {
    this.#clock = clock;
    this.#bounds = bounds;
    this.#freeBytes = bounds.largeBurstBytes;
    this.#refilledMs = clock.monotonicMs();
  }

  /** Counts bytes that have arrived. False: the body has to pause until `resume` is called. */
  take(bytes: number, resume: () => void): boolean {
    this.#refill();
    this.#freeBytes -= bytes;
    if (this.#freeBytes >= 0) return true;
    this.#paused.add(resume);
    this.#cancel ??= this.#clock.setTimer(CHECK_EVERY_MS, this.#check);
    return false;
  }

  /** Returns bytes whose signature has verified. */
  giveBack(bytes: number): void {
    this.#freeBytes = Math.min(this.#bounds.largeBurstBytes, this.#freeBytes + bytes);
  }

  /** The body has ended: `resume` will not be called. */
  delete(resume: () => void): void {
    if (this.#paused.size > 0) this.#paused.delete(resume);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  readonly #check = (): void => {
    this.#cancel = undefined;
    this.#refill();
    let promisedBytes = 0;
    for (const resume of this.#paused) {
      if (promisedBytes >= this.#freeBytes) break;
      promisedBytes += ONE_READ_BYTES;
      this.#paused.delete(resume);
      resume();
    }
    if (this.#paused.size > 0) this.#cancel ??= this.#clock.setTimer(CHECK_EVERY_MS, this.#check);
  };

  #refill(): void {
    const now = this.#clock.monotonicMs();
    const { largeBytesPerSecond, largeBurstBytes } = this.#bounds;
    this.#freeBytes = Math.min(largeBurstBytes, this.#freeBytes + ((now - this.#refilledMs) * largeBytesPerSecond) / 1_000);
    this.#refilledMs = now;
  }
}
