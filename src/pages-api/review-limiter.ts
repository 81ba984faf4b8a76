import type { Clock } from '../kit/clock.js';

/** No review was to be had in time. Says nothing about the caller. */
export class ReviewUnavailableError extends Error {
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'ReviewUnavailableError';
  }
}

export interface ReviewLimits {
  /** Reviews under way at once. */
  readonly concurrency: number;
  readonly perSecond: number;
  /** Reviews that may begin at once after a pause. */
  readonly burst: number;
  /** Reviews that may wait for their turn. */
  readonly waiting: number;
  /** From the wish to the answer, waiting included. */
  readonly timeoutMs: number;
}

export const REVIEW_LIMITS: ReviewLimits = { concurrency: 16, perSecond: 100, burst: 200, waiting: 512, timeoutMs: 3_000 };

interface Job {
  start(): void;
}

/** Spares the API server: reviews begin in order, bounded in number, rate and time. */
export class ReviewLimiter {
  readonly #clock: Clock;
  readonly #limits: ReviewLimits;
  readonly #waiting = new Set<Job>();
  #active = 0;
  #tokens: number;
  #refilledMs: number;
  #timer: (() => void) | undefined;

  constructor(clock: Clock, limits: ReviewLimits = REVIEW_LIMITS) {
    this.#clock = clock;
    this.#limits = limits;
    this.#tokens = limits.burst;
    this.#refilledMs = clock.monotonicMs();
  }

  /** @throws ReviewUnavailableError when there is no room, or no answer in time; else what `review` throws. */
  run<T>(review: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#waiting.size >= this.#limits.waiting) return Promise.reject(new ReviewUnavailableError('too many reviews wait'));
    return new Promise<T>((resolve, reject) => {
      const abort = new AbortController();
      let running = false;
      const end = (): void => {
        cancel();
        this.#waiting.delete(job);
        if (running) this.#active -= 1;
        running = false;
        this.#pump();
      };
      // Counted as ended at the deadline even when the review does not heed its signal: a slot is never lost.
      const cancel = this.#clock.setTimer(this.#limits.timeoutMs, () => {
        const late = new ReviewUnavailableError('no answer to a review in time');
        abort.abort(late);
        reject(late);
        end();
      });
      const job: Job = {
        start: () => {
          running = true;
          review(abort.signal)
            .then(resolve, reject)
            .finally(() => {
              if (!abort.signal.aborted) end();
            });
        },
      };
      this.#waiting.add(job);
      this.#pump();
    });
  }

  #pump(): void {
    this.#refill();
    for (const job of this.#waiting) {
      if (this.#active >= this.#limits.concurrency || this.#tokens < 1) break;
      this.#waiting.delete(job);
      this.#tokens -= 1;
      this.#active += 1;
      job.start();
    }
    if (this.#waiting.size > 0 && this.#tokens < 1) this.#pumpLater();
  }

  #refill(): void {
    const now = this.#clock.monotonicMs();
    const { burst, perSecond } = this.#limits;
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#refilledMs) / 1_000) * perSecond);
    this.#refilledMs = now;
  }

  #pumpLater(): void {
    if (this.#timer !== undefined) return;
    const ms = Math.ceil(((1 - this.#tokens) / this.#limits.perSecond) * 1_000);
    this.#timer = this.#clock.setTimer(ms, () => {
      this.#timer = undefined;
      this.#pump();
    });
  }
}
