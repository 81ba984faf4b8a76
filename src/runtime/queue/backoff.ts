export interface BackoffOptions {
  readonly baseMs: number;
  readonly maxMs: number;
  /** 0 to 1; for tests. */
  readonly random?: () => number;
}

/**
 * Exponential: `baseMs` after the first failure, doubling up to `maxMs`, each ±20 % so that many do
 * not come back as one.
 */
export function backoffMs(failures: number, { baseMs, maxMs, random = Math.random }: BackoffOptions): number {
  const whole = Math.min(maxMs, baseMs * 2 ** Math.min(Math.max(0, failures - 1), 40));
  return Math.min(maxMs, Math.round(whole * (0.8 + 0.4 * random())));
}
