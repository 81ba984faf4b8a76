/** A stalled object is looked at again after 10, 20, 40 … minutes, up to 6 hours: what it waits for at Meta wakes nobody. */
export function stalledLookMs(looks: number): number {
  return Math.min(6 * 3_600_000, 10 * 60_000 * 2 ** Math.min(Math.max(0, looks), 16));
}
