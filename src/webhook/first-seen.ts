import { BoundedMap } from '../kit/bounded-map.js';

const MAX_REMEMBERED = 10_000;

/**
 * When a POST was first seen, by its signature, which a retry repeats. For the few without `entry.time`: without this
 * nobody could tell when Meta has been asked to come again for long enough. The oldest is forgotten first.
 */
export class FirstSeen {
  readonly #at = new BoundedMap<string, number>(MAX_REMEMBERED);

  at(signature: string, nowMs: number): number {
    const known = this.#at.get(signature);
    if (known !== undefined) return known;
    this.#at.set(signature, nowMs);
    return nowMs;
  }
}
