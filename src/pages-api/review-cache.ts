import { BoundedMap } from '../kit/bounded-map.js';
import type { Clock } from '../kit/clock.js';
import type { ReviewResult } from './observer.js';
import { ReviewUnavailableError, type ReviewLimiter } from './review-limiter.js';

export interface ReviewCacheDeps {
  readonly clock: Clock;
  /**
   * For questions about those to whom the last answer was positive: strangers do not delay them.
   */
  readonly knownLimiter: ReviewLimiter;
  /**
   * A positive answer is used without asking again for this long; a negative one for at most 5 s.
   * 0: ask every time.
   */
  readonly freshMs: number;
  /** How long a positive answer is used while no review is possible. */
  readonly staleMs: number;
  readonly observe: (result: ReviewResult) => void;
  readonly onUnavailable: (error: unknown) => void;
}

const NEGATIVE_MS = 5_000;
/**
 * After a review that failed the older answer serves for this long before the next attempt, so that
 * no request waits for each.
 */
const RETRY_MS = 5_000;
/**
 * So long a known caller waits for the answer to be confirmed; then the older one serves while the
 * review goes on.
 */
const PATIENCE_MS = 300;
const MAX_POSITIVE = 20_000;
const MAX_NEGATIVE = 2_000;

/** Where a question about an unknown bot waits. */
export interface ReviewLane {
  readonly limiter: ReviewLimiter;
  /** Whose question it is: each source gets its turn. */
  readonly source: string;
}

type Review<V> = (signal: AbortSignal) => Promise<V | undefined>;

interface Entry<V> {
  readonly value: V;
  readonly checkedMs: number;
  retryAtMs: number;
}

/**
 * Remembers answers about callers. Positive and negative ones are kept apart, so that a flood of
 * strangers drives no caller out; equal questions asked at once are asked once. Keys must not
 * reveal a credential.
 */
export class ReviewCache<V> {
  readonly #deps: ReviewCacheDeps;
  readonly #positive = new BoundedMap<string, Entry<V>>(MAX_POSITIVE);
  readonly #negative = new BoundedMap<string, number>(MAX_NEGATIVE);
  readonly #underWay = new Map<string, Promise<V | undefined>>();

  constructor(deps: ReviewCacheDeps) {
    this.#deps = deps;
  }

  /** Whether the last answer was positive and may still serve. */
  knows(key: string): boolean {
    const known = this.#positive.get(key);
    return known !== undefined && this.#usable(known);
  }

  /** Whether an answer is remembered that needs no question now. */
  isFresh(key: string): boolean {
    const now = this.#deps.clock.monotonicMs();
    return now < (this.#negative.get(key) ?? 0) || now - (this.#positive.get(key)?.checkedMs ?? -Infinity) < this.#deps.freshMs;
  }

  /**
   * The remembered or fresh answer; undefined is the negative one.
   * @param lane where the question waits unless the last answer was positive
   * @throws ReviewUnavailableError when no review is possible and nothing young enough is
   * remembered.
   */
  async get(key: string, review: Review<V>, lane: ReviewLane): Promise<V | undefined> {
    const now = this.#deps.clock.monotonicMs();
    const known = this.#positive.get(key);
    if (this.isFresh(key)) return this.#told('cached', known?.value);
    if (known === undefined || !this.#usable(known)) return this.#ask(key, review, lane);
    if (now < known.retryAtMs) return this.#told('stale', known.value);
    return this.#confirm(key, review, { limiter: this.#deps.knownLimiter, source: lane.source });
  }

  async #ask(key: string, review: Review<V>, lane: ReviewLane): Promise<V | undefined> {
    try {
      return await this.#once(key, review, lane);
    } catch (error) {
      this.#deps.onUnavailable(error);
      this.#deps.observe('unavailable');
      throw new ReviewUnavailableError('the caller cannot be reviewed right now', { cause: error });
    }
  }

  /** Asks about a known bot. Without an answer soon, the older one serves. */
  async #confirm(key: string, review: Review<V>, lane: ReviewLane): Promise<V | undefined> {
    const known = this.#positive.get(key);
    const asked = this.#once(key, review, lane).then(
      (value) => ({ value }),
      (error: unknown) => {
        this.#deps.onUnavailable(error);
        if (known !== undefined) known.retryAtMs = this.#deps.clock.monotonicMs() + RETRY_MS;
        return undefined;
      },
    );
    const answer = await this.#unlessLate(asked);
    return answer === undefined ? this.#told('stale', known?.value) : answer.value;
  }

  async #unlessLate<T>(asked: Promise<T>): Promise<T | undefined> {
    let cancel: () => void = () => undefined;
    const late = new Promise<undefined>((resolve) => {
      cancel = this.#deps.clock.setTimer(PATIENCE_MS, () => {
        resolve(undefined);
      });
    });
    try {
      return await Promise.race([asked, late]);
    } finally {
      cancel();
    }
  }

  #once(key: string, review: Review<V>, { limiter, source }: ReviewLane): Promise<V | undefined> {
    const current = this.#underWay.get(key);
    if (current !== undefined) return current;
    const asked = limiter
      .run(review, source)
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
    } else {
      this.#positive.set(key, { value, checkedMs: now, retryAtMs: 0 });
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
