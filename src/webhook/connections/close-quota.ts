const A_MILLISECOND = 2;
const LEAST = 4;
const MOST = 40;
/** Those that are left have to wait for so long. */
export const NEXT_FEW_AFTER_MS = 2;

/**
 * How many strangers' connections are ended at once. They come again together, and Meta's requests wait behind whatever is done
 * at once; yet 2,000 a second go, also where the turns of the event loop are long.
 */
export class AFew {
  /** When the last few were ended, if there were more. */
  #moreSinceMs: number | undefined;
  #most = LEAST;
  #nowMs = 0;

  /** So many may be ended now. */
  begin(nowMs: number): number {
    const elapsedMs = nowMs - (this.#moreSinceMs ?? nowMs);
    this.#nowMs = nowMs;
    this.#most = Math.min(MOST, Math.max(LEAST, Math.floor(elapsedMs * A_MILLISECOND)));
    return this.#most;
  }

  /** So many were ended. @returns whether there may be more */
  end(count: number): boolean {
    const mayBeMore = count === this.#most;
    this.#moreSinceMs = mayBeMore ? this.#nowMs : undefined;
    return mayBeMore;
  }
}
