/** A list that keeps the newest `max` items; each has a number that only grows. */
export class Ring<T extends { readonly seq: number }> {
  readonly #max: number;
  #items: T[] = [];
  #last = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** Adds what `make` builds with the next number. */
  add(make: (seq: number) => T): T {
    const item = make(++this.#last);
    this.#items.push(item);
    if (this.#items.length > this.#max * 1.25) this.#items = this.#items.slice(-this.#max);
    return item;
  }

  /** Reserves a number, for an item that is added with it later. */
  reserve(): number {
    return ++this.#last;
  }

  put(item: T): void {
    this.#items.push(item);
  }

  /** Items with a number above `seq`, oldest first. */
  since(seq = 0): readonly T[] {
    return this.#items.filter((item) => item.seq > seq).sort((a, b) => a.seq - b.seq);
  }

  clear(): void {
    this.#items = [];
  }
}
