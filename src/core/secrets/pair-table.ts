/** Columns of a row. `TIMES` 0: the row is free. `NEXT`: the next row of the same head. */
const COLUMNS = 4;
const [HASH, DATA, TIMES, NEXT] = [0, 1, 2, 3] as const;
const MIN_ROWS = 256;
/** Heads for each row, so that nearly every look-up of something unknown ends at an empty head. */
const HEADS_PER_ROW = 4;
const MIX = 0x9e3779b1;

/** No row. */
export const NONE = -1;

/**
 * Counted pairs of a hash and a number, both 32 bits, in 32 bytes each: a `Map` of as many takes
 * ten times the memory.
 */
export class PairTable {
  #rows = new Int32Array(MIN_ROWS * COLUMNS);
  #heads = new Int32Array(MIN_ROWS * HEADS_PER_ROW).fill(NONE);
  #shift = shiftOf(this.#heads);
  readonly #free: number[] = [];
  #end = 0;

  /** Counts the pair once more. @returns whether it is new */
  add(hash: number, data: number): boolean {
    const known = this.#rowOf(hash, data);
    if (known !== NONE) {
      this.#set(known, TIMES, this.#get(known, TIMES) + 1);
      return false;
    }
    const row = this.#free.pop() ?? this.#end++;
    if (row * COLUMNS >= this.#rows.length) this.#grow();
    this.#set(row, HASH, hash);
    this.#set(row, DATA, data);
    this.#set(row, TIMES, 1);
    this.#link(row);
    return true;
  }

  /** Counts the pair once less. @returns whether it is gone */
  remove(hash: number, data: number): boolean {
    const row = this.#rowOf(hash, data);
    if (row === NONE) return false;
    const times = this.#get(row, TIMES) - 1;
    this.#set(row, TIMES, times);
    if (times > 0) return false;
    this.#unlink(row);
    this.#free.push(row);
    return true;
  }

  /** The first row with this hash, or NONE. */
  first(hash: number): number {
    return this.#with(hash, this.#heads[Math.imul(hash, MIX) >>> this.#shift] ?? NONE);
  }

  /** The next row with the same hash, or NONE. */
  after(row: number): number {
    return this.#with(this.#get(row, HASH), this.#get(row, NEXT));
  }

  data(row: number): number {
    return this.#get(row, DATA);
  }

  #with(hash: number, from: number): number {
    let row = from;
    while (row !== NONE && this.#get(row, HASH) !== hash) row = this.#get(row, NEXT);
    return row;
  }

  #rowOf(hash: number, data: number): number {
    let row = this.first(hash);
    while (row !== NONE && this.#get(row, DATA) !== data) row = this.after(row);
    return row;
  }

  #get(row: number, column: number): number {
    return this.#rows[row * COLUMNS + column] ?? 0;
  }

  #set(row: number, column: number, value: number): void {
    this.#rows[row * COLUMNS + column] = value;
  }

  #headOf(row: number): number {
    return Math.imul(this.#get(row, HASH), MIX) >>> this.#shift;
  }

  #link(row: number): void {
    const head = this.#headOf(row);
    this.#set(row, NEXT, this.#heads[head] ?? NONE);
    this.#heads[head] = row;
  }

  #unlink(row: number): void {
    const head = this.#headOf(row);
    const next = this.#get(row, NEXT);
    let before = this.#heads[head] ?? NONE;
    if (before === row) {
      this.#heads[head] = next;
      return;
    }
    while (this.#get(before, NEXT) !== row) before = this.#get(before, NEXT);
    this.#set(before, NEXT, next);
  }

  #grow(): void {
    const rows = this.#rows;
    this.#rows = new Int32Array(2 * rows.length);
    this.#rows.set(rows);
    this.#heads = new Int32Array(2 * this.#heads.length).fill(NONE);
    this.#shift = shiftOf(this.#heads);
    for (let row = 0; row < rows.length / COLUMNS; row++) if (this.#get(row, TIMES) > 0) this.#link(row);
  }
}

function shiftOf(heads: Int32Array): number {
  return 32 - Math.log2(heads.length);
}
