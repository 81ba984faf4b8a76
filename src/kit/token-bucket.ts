/** How many at once, and after how long one more. */
export interface TokenBucketLimits {
  readonly capacity: number;
  readonly refillMs: number;
}

/**
 * Allows `capacity` takes at once and one more every `refillMs`. Times are of the monotonic clock,
 * in milliseconds.
 */
export class TokenBucket {
  readonly #limits: TokenBucketLimits;
  #tokens: number;
  #sinceMs: number | undefined;

  constructor(limits: TokenBucketLimits) {
    this.#limits = limits;
    this.#tokens = limits.capacity;
  }

  /**
   * @returns 0 if there was a token, which is taken; otherwise the milliseconds until there is one
   */
  take(nowMs: number): number {
    const { capacity, refillMs } = this.#limits;
    const sinceMs = this.#sinceMs ?? nowMs;
    const refilled = Math.floor((nowMs - sinceMs) / refillMs);
    this.#tokens = Math.min(capacity, this.#tokens + refilled);
    // A full bucket starts to refill when the first token is taken.
    this.#sinceMs = this.#tokens === capacity ? nowMs : sinceMs + refilled * refillMs;
    if (this.#tokens === 0) return this.#sinceMs + refillMs - nowMs;
    this.#tokens -= 1;
    return 0;
  }
}
