const CLOSES_PER_MS = 2;
const MIN_AT_ONCE = 4;
const MAX_AT_ONCE = 40;
/** Where the quota left connections open, wait this long before the next batch. */
export const NEXT_BATCH_AFTER_MS = 2;

/**
 * How many unwanted connections may be closed in one turn of the event loop. Their owners reconnect
 * at once, and Meta's requests wait for as long as the turn takes. The rate stays at 2,000 a second
 * where turns are longer.
 */
export class CloseQuota {
  /** Time of the last batch, if it used the whole allowance. */
  #moreSinceMs: number | undefined;
  #allowance = MIN_AT_ONCE;
  #nowMs = 0;

  /** How many connections may be closed now. */
  allowance(nowMs: number): number {
    const elapsedMs = nowMs - (this.#moreSinceMs ?? nowMs);
    this.#nowMs = nowMs;
    this.#allowance = Math.min(MAX_AT_ONCE, Math.max(MIN_AT_ONCE, Math.floor(elapsedMs * CLOSES_PER_MS)));
    return this.#allowance;
  }

  /**
   * Reports how many were closed. @returns whether the allowance is used up, so that more may be
   * due
   */
  closed(count: number): boolean {
    const isUsedUp = count === this.#allowance;
    this.#moreSinceMs = isUsedUp ? this.#nowMs : undefined;
    return isUsedUp;
  }
}
