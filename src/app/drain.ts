import type { Clock } from '../kit/clock.js';

/** Something that finishes what is under way, or gives up after `timeoutMs`. */
export interface Draining {
  drain(timeoutMs: number): Promise<void>;
}

/** One after the other, all within `timeoutMs`: a later one gets what the earlier ones have left. */
export async function drainInTurn(parts: readonly Draining[], timeoutMs: number, clock: Clock): Promise<void> {
  const endMs = clock.monotonicMs() + timeoutMs;
  for (const part of parts) await part.drain(Math.max(0, endMs - clock.monotonicMs()));
}
