import { randomBytes } from 'node:crypto';

const WAYS = 16;
const { imul } = Math;

/** A key as this table keeps it; made once, looked up and added later. */
export interface SeenKey {
  readonly low: number;
  readonly high: number;
}

/**
 * A bounded set of keys that expire, in flat memory: a million of them take 16 MiB, and the garbage
 * collector does not walk them as it would walk objects. A key is kept as a 64-bit hash, seeded per
 * process, so two keys are taken for one about once in 10^13 lookups of a full table. In a full
 * bucket the key that expires first is overwritten.
 */
export class SeenTable {
  readonly #mask: number;
  readonly #low: Int32Array;
  readonly #high: Int32Array;
  readonly #expiresMs: Float64Array;
  readonly #seedLow: number;
  readonly #seedHigh: number;

  /** `capacity` is rounded up to a power of two, 16 at least. */
  constructor(capacity: number) {
    const slots = Math.max(WAYS, 2 ** Math.ceil(Math.log2(Math.max(1, capacity))));
    this.#mask = slots / WAYS - 1;
    this.#low = new Int32Array(slots);
    this.#high = new Int32Array(slots);
    this.#expiresMs = new Float64Array(slots);
    const seeds = randomBytes(8);
    this.#seedLow = seeds.readInt32LE(0);
    this.#seedHigh = seeds.readInt32LE(4);
  }

  has(key: SeenKey, nowMs: number): boolean {
    const slot = this.#find(key);
    return slot >= 0 && (this.#expiresMs[slot] ?? 0) > nowMs;
  }

  add(key: SeenKey, expiresMs: number, nowMs: number): void {
    const known = this.#find(key);
    const slot = known >= 0 ? known : this.#room(key, nowMs);
    this.#low[slot] = key.low;
    this.#high[slot] = key.high;
    this.#expiresMs[slot] = expiresMs;
  }

  #find({ low, high }: SeenKey): number {
    const first = (low & this.#mask) * WAYS;
    for (let slot = first; slot < first + WAYS; slot++) {
      if (this.#low[slot] === low && this.#high[slot] === high && this.#expiresMs[slot] !== 0) return slot;
    }
    return -1;
  }

  #room({ low }: SeenKey, nowMs: number): number {
    const first = (low & this.#mask) * WAYS;
    let oldest = first;
    for (let slot = first; slot < first + WAYS; slot++) {
      const expires = this.#expiresMs[slot] ?? 0;
      if (expires <= nowMs) return slot;
      if (expires < (this.#expiresMs[oldest] ?? 0)) oldest = slot;
    }
    return oldest;
  }

  /**
   * Two halves in one pass, two characters at a time: one mixed as MurmurHash3 does, one as FNV
   * does with a shift.
   */
  key(text: string): SeenKey {
    let low = this.#seedLow;
    let high = this.#seedHigh;
    for (let i = 0; i < text.length; i += 2) {
      const pair = text.charCodeAt(i) | (i + 1 < text.length ? text.charCodeAt(i + 1) << 16 : 0);
      const mixed = imul(pair, 0xcc9e2d51);
      low ^= imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
      low = (imul((low << 13) | (low >>> 19), 5) + 0xe6546b64) | 0;
      high = imul(high ^ pair, 0x9e3779b1);
      high ^= high >>> 15;
    }
    return { low: finished(low ^ text.length), high: finished(high ^ text.length) };
  }
}

/** So that every bit of the hash depends on every bit that went in. */
function finished(hash: number): number {
  let h = imul(hash ^ (hash >>> 16), 0x85ebca6b);
  h = imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
