import { randomBytes } from 'node:crypto';

const WAYS = 16;
const { imul } = Math;

/**
 * A bounded set of keys that expire, in flat memory: a million of them are 16 MiB and nothing for the garbage collector to
 * walk, which objects would be at every collection. A key is kept as 64 bits of a hash with seeds of this process, so two
 * keys are taken for one about once in 10^13 lookups of a full table. Where a bucket is full the key that expires first goes.
 */
export class SeenTable {
  readonly #mask: number;
  readonly #low: Uint32Array;
  readonly #high: Uint32Array;
  readonly #expiresMs: Float64Array;
  readonly #seedLow: number;
  readonly #seedHigh: number;

  /** `capacity` is rounded up to a power of two, 16 at least. */
  constructor(capacity: number) {
    const slots = Math.max(WAYS, 2 ** Math.ceil(Math.log2(Math.max(1, capacity))));
    this.#mask = slots / WAYS - 1;
    this.#low = new Uint32Array(slots);
    this.#high = new Uint32Array(slots);
    this.#expiresMs = new Float64Array(slots);
    const seeds = randomBytes(8);
    this.#seedLow = seeds.readUInt32LE(0);
    this.#seedHigh = seeds.readUInt32LE(4);
  }

  has(key: string, nowMs: number): boolean {
    const slot = this.#find(hash(key, this.#seedLow), hash(key, this.#seedHigh));
    return slot >= 0 && (this.#expiresMs[slot] ?? 0) > nowMs;
  }

  add(key: string, expiresMs: number, nowMs: number): void {
    const low = hash(key, this.#seedLow);
    const high = hash(key, this.#seedHigh);
    const known = this.#find(low, high);
    const slot = known >= 0 ? known : this.#room(low, nowMs);
    this.#low[slot] = low;
    this.#high[slot] = high;
    this.#expiresMs[slot] = expiresMs;
  }

  #find(low: number, high: number): number {
    const first = (low & this.#mask) * WAYS;
    for (let slot = first; slot < first + WAYS; slot++) {
      if (this.#low[slot] === low && this.#high[slot] === high && this.#expiresMs[slot] !== 0) return slot;
    }
    return -1;
  }

  #room(low: number, nowMs: number): number {
    const first = (low & this.#mask) * WAYS;
    let oldest = first;
    for (let slot = first; slot < first + WAYS; slot++) {
      const expires = this.#expiresMs[slot] ?? 0;
      if (expires <= nowMs) return slot;
      if (expires < (this.#expiresMs[oldest] ?? 0)) oldest = slot;
    }
    return oldest;
  }
}

/** 32 bits of MurmurHash3's mixing over the characters. */
function hash(key: string, seed: number): number {
  let h = seed;
  for (let i = 0; i < key.length; i++) {
    let k = imul(key.charCodeAt(i), 0xcc9e2d51);
    k = (k << 15) | (k >>> 17);
    h ^= imul(k, 0x1b873593);
    h = (h << 13) | (h >>> 19);
    h = (imul(h, 5) + 0xe6546b64) | 0;
  }
  h ^= key.length;
  h = imul(h ^ (h >>> 16), 0x85ebca6b);
  h = imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
