import type { Clock } from '../kit/clock.js';

/** No review was possible in time. Says nothing about the caller. */
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
  /** Gives its place up. */
  turnAway(): void;
}

/**
 * Spares the API server: reviews begin bounded in number, rate and time. Each source gets its turn,
 * however many reviews another one wants; where no more may wait, the source with the most waiting
 * reviews loses its last one.
 */
export class ReviewLimiter {
  readonly #clock: Clock;
  readonly #limits: ReviewLimits;
  /** Source → its jobs; the source whose turn is next comes first. */
  readonly #waiting = new Map<string, Set<Job>>();
  #waitingJobs = 0;
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

  /**
   * @param source whose review it is, for fair turns
   * @throws ReviewUnavailableError when there is no room, or no answer in time; else what `review`
   * throws.
   */
  run<T>(review: (signal: AbortSignal) => Promise<T>, source = ''): Promise<T> {
    if (!this.#hasRoom(source)) return Promise.reject(new ReviewUnavailableError('too many reviews wait'));
    return new Promise<T>((resolve, reject) => {
      const abort = new AbortController();
      let running = false;
      const end = (): void => {
        cancel();
        this.#leave(source, job);
        if (running) this.#active -= 1;
        running = false;
        this.#pump();
      };
      const refuse = (why: string): void => {
        const error = new ReviewUnavailableError(why);
        abort.abort(error);
        reject(error);
        end();
      };
      // Counted as ended at the deadline even when the review does not heed its signal: a slot is
      // never lost.
      const cancel = this.#clock.setTimer(this.#limits.timeoutMs, () => {
        refuse('no answer to a review in time');
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
        turnAway: () => {
          refuse('too many reviews wait');
        },
      };
      this.#enter(source, job);
      this.#pump();
    });
  }

  #hasRoom(source: string): boolean {
    if (this.#waitingJobs < this.#limits.waiting) return true;
    const own = this.#waiting.get(source)?.size ?? 0;
    const fullest = [...this.#waiting.values()].reduce<ReadonlySet<Job>>((most, one) => (one.size > most.size ? one : most), new Set());
    if (fullest.size <= own + 1) return false;
    [...fullest].at(-1)?.turnAway();
    return true;
  }

  #enter(source: string, job: Job): void {
    const jobs = this.#waiting.get(source) ?? new Set();
    this.#waiting.set(source, jobs.add(job));
    this.#waitingJobs += 1;
  }

  #leave(source: string, job: Job): void {
    const jobs = this.#waiting.get(source);
    if (jobs?.delete(job) !== true) return;
    this.#waitingJobs -= 1;
    if (jobs.size === 0) this.#waiting.delete(source);
  }

  #pump(): void {
    this.#refill();
    for (const [source, jobs] of this.#waiting) {
      if (this.#active >= this.#limits.concurrency || this.#tokens < 1) break;
      const [job] = jobs;
      if (job === undefined) continue;
      this.#leave(source, job);
      // Behind the others, for its next turn.
      if (this.#waiting.delete(source)) this.#waiting.set(source, jobs);
      this.#tokens -= 1;
      this.#active += 1;
      job.start();
    }
    if (this.#waitingJobs > 0 && this.#tokens < 1) this.#pumpLater();
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
