import { NONE, PairTable } from './pair-table.js';

/**
 * Forms are looked up by their first 1, 2, 4, … or 64 characters: the longest of these that they
 * have.
 */
const PREFIXES = [1, 2, 4, 8, 16, 32, 64] as const;
/** Odd, so that no character's part of a hash gets lost on the way. */
const BASE = 0x01000193;

/**
 * Many strings, found in a text in one pass whose cost does not depend on how many there are. It
 * keeps hashes, not the strings: what it reports is a candidate, which the caller compares with
 * what it looks for. It misses nothing.
 */
export class FormIndex {
  /** The hash of a form's prefix, and the length of the form. */
  readonly #lengths = new PairTable();
  /** The hash of a whole form, and its owner. */
  readonly #owners = new PairTable();
  /**
   * How many forms there are for each of the prefixes. A text is not searched for a length that no
   * form has.
   */
  readonly #forms = PREFIXES.map(() => 0);

  add(form: string, owner: number): void {
    const at = prefixFor(form);
    this.#owners.add(hashOf(form, form.length), owner);
    this.#lengths.add(hashOf(form, PREFIXES[at]), form.length);
    this.#forms[at] = (this.#forms[at] ?? 0) + 1;
  }

  /** To be called with what was added, and once for each time. */
  remove(form: string, owner: number): void {
    const at = prefixFor(form);
    this.#owners.remove(hashOf(form, form.length), owner);
    this.#lengths.remove(hashOf(form, PREFIXES[at]), form.length);
    this.#forms[at] = (this.#forms[at] ?? 1) - 1;
  }

  /**
   * Calls `candidate` for every place where a form may stand in the text: each one that does, and
   * hardly another.
   */
  search(text: string, candidate: (start: number, end: number, owner: number) => void): void {
    if (this.#forms.every((count) => count === 0)) return;
    const hashes = runningHashes(text);
    for (const [at, prefix] of PREFIXES.entries()) {
      if (this.#forms[at] === 0) continue;
      const power = powerOf(prefix);
      for (let start = 0; start + prefix <= text.length; start++) {
        const hash = ((hashes[start + prefix] ?? 0) - Math.imul(hashes[start] ?? 0, power)) | 0;
        const row = this.#lengths.first(hash);
        if (row !== NONE)
          this.#searchAt(start, row, hashes, (end, owner) => {
            if (end <= text.length) candidate(start, end, owner);
          });
      }
    }
  }

  #searchAt(start: number, first: number, hashes: Int32Array, candidate: (end: number, owner: number) => void): void {
    for (let row = first; row !== NONE; row = this.#lengths.after(row)) {
      const end = start + this.#lengths.data(row);
      const whole = this.#owners.first(between(hashes, start, end));
      for (let one = whole; one !== NONE; one = this.#owners.after(one)) candidate(end, this.#owners.data(one));
    }
  }
}

type PrefixIndex = 0 | 1 | 2 | 3 | 4 | 5 | 6;

function prefixFor(form: string): PrefixIndex {
  return Math.min(PREFIXES.length - 1, 31 - Math.clz32(form.length)) as PrefixIndex;
}

function hashOf(text: string, length: number): number {
  let hash = 0;
  for (let at = 0; at < length; at++) hash = (Math.imul(hash, BASE) + text.charCodeAt(at) + 1) | 0;
  return hash;
}

let scratch = new Int32Array(1_024);
let powers = Int32Array.of(1);

/** At `i` the hash of the first `i` characters. Valid until the next call. */
function runningHashes(text: string): Int32Array {
  if (scratch.length <= text.length) scratch = new Int32Array(2 * text.length);
  const hashes = scratch;
  let hash = 0;
  for (let at = 0; at < text.length; at++) {
    hash = (Math.imul(hash, BASE) + text.charCodeAt(at) + 1) | 0;
    hashes[at + 1] = hash;
  }
  return hashes;
}

function between(hashes: Int32Array, start: number, end: number): number {
  return ((hashes[end] ?? 0) - Math.imul(hashes[start] ?? 0, powerOf(end - start))) | 0;
}

/** `BASE ** exponent`, in 32 bits. */
function powerOf(exponent: number): number {
  if (exponent >= powers.length) {
    const known = powers;
    powers = new Int32Array(2 * exponent);
    powers.set(known);
    for (let at = known.length; at < powers.length; at++) powers[at] = Math.imul(powers[at - 1] ?? 0, BASE);
  }
  return powers[exponent] ?? 0;
}
