/**
 * When to check a stalled object again: after 10, 20, 40 … minutes, up to 6 hours. What it waits
 * for at Meta sends no event. `looks`: how often it was found stalled before.
 */
export function stalledLookMs(looks: number): number {
  return Math.min(6 * 3_600_000, 10 * 60_000 * 2 ** Math.min(Math.max(0, looks), 16));
}
