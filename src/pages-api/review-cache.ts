import type { Clock } from '../kit/clock.js';
import type { ReviewResult } from './observer.js';
import { ReviewUnavailableError, type ReviewLimiter } from './review-limiter.js';

export interface ReviewCacheDeps {
  readonly clock: Clock;
  readonly limiter: ReviewLimiter;
  /** A positive answer is used without asking again for this long; a negative one for at most 5 s. 0: ask every time. */
  readonly freshMs: number;
  /** A positive answer is used for this long when nobody can be asked. */
  readonly staleMs: number;
  readonly observe: (result: ReviewResult) => void;
  readonly onUnavailable: (error: unknown) => void;
}

const NEGATIVE_MS = 5_000;
/** After a review that failed the older answer serves for this long before the next attempt, so that no request waits for each. */
const RETRY_MS = 5_000;
const MAX_POSITIVE = 20_000;
const MAX_NEGATIVE = 2_000;

interface Entry<V> {
  readonly value: V;
  readonly checkedMs: number;
  retryAtMs: number;
}

/**
 * Remembers answers about callers. Positive and negative ones are kept apart, so that a flood of strangers drives nobody
 * out; equal questions asked at once are asked once. Keys must not reveal a credential.
 */
export class ReviewCache<V> {
  readonly #deps: ReviewCacheDeps;
  readonly #positive = new Map<string, Entry<V>>();
  readonly #negative = new Map<string, number>();
  readonly #underWay = new Map<string, Promise<V | undefined>>();

  constructor(deps: ReviewCacheDeps) {
    this.#deps = deps;
  }

  /**
   * The remembered or fresh answer; undefined is the negative one.
   * @throws ReviewUnavailableError when nobody can be asked and nothing young enough is remembered.
   */
  async get(key: string, review: (signal: AbortSignal) => Promise<V | undefined>): Promise<V | undefined> {
    const now = this.#deps.clock.monotonicMs();
    const known = this.#positive.get(key);
    if (known !== undefined && now - known.checkedMs < this.#deps.freshMs) return this.#told('cached', known.value);
    if (known === undefined && now < (this.#negative.get(key) ?? 0)) return this.#told<V | undefined>('cached', undefined);
    if (known !== undefined && now < known.retryAtMs && this.#usable(known)) return this.#told('stale', known.value);
    return this.#ask(key, review);
  }

  async #ask(key: string, review: (signal: AbortSignal) => Promise<V | undefined>): Promise<V | undefined> {
    try {
      return await this.#once(key, review);
    } catch (error) {
      this.#deps.onUnavailable(error);
      const known = this.#positive.get(key);
      if (known !== undefined && this.#usable(known)) {
        known.retryAtMs = this.#deps.clock.monotonicMs() + RETRY_MS;
        return this.#told('stale', known.value);
      }
      this.#deps.observe('unavailable');
      throw new ReviewUnavailableError('the caller cannot be reviewed right now', { cause: error });
    }
  }

  #once(key: string, review: (signal: AbortSignal) => Promise<V | undefined>): Promise<V | undefined> {
    const current = this.#underWay.get(key);
    if (current !== undefined) return current;
    const asked = this.#deps.limiter
      .run(review)
      .then((value) => {
        this.#remember(key, value);
        return this.#told(value === undefined ? 'negative' : 'positive', value);
      })
      .finally(() => {
        this.#underWay.delete(key);
      });
    this.#underWay.set(key, asked);
    return asked;
  }

  #remember(key: string, value: V | undefined): void {
    const { clock, freshMs } = this.#deps;
    const now = clock.monotonicMs();
    this.#positive.delete(key);
    this.#negative.delete(key);
    if (value === undefined) {
      this.#negative.set(key, now + Math.min(NEGATIVE_MS, freshMs));
      dropOldest(this.#negative, MAX_NEGATIVE);
    } else {
      this.#positive.set(key, { value, checkedMs: now, retryAtMs: 0 });
      dropOldest(this.#positive, MAX_POSITIVE);
    }
  }

  #usable(entry: Entry<V>): boolean {
    return this.#deps.clock.monotonicMs() - entry.checkedMs < this.#deps.staleMs;
  }

  #told<T>(result: ReviewResult, value: T): T {
    this.#deps.observe(result);
    return value;
  }
}

function dropOldest(entries: Map<string, unknown>, max: number): void {
  for (const key of entries.keys()) {
    if (entries.size <= max) return;
    entries.delete(key);
  }
}
