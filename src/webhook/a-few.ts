const A_MILLISECOND = 2;
const LEAST = 4;
const MOST = 40;

/**
 * How many strangers' connections are ended at once when the last few were ended so long ago (0: there were no more then). They
 * come again together, and Meta's requests wait behind whatever is done at once; yet 2,000 a second go, also where the turns
 * of the event loop are long.
 */
export function aFew(elapsedMs: number): number {
  return Math.min(MOST, Math.max(LEAST, Math.floor(elapsedMs * A_MILLISECOND)));
}
