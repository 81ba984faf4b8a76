/** Files an object under any number of values. */
export type IndexFunction<T> = (object: T) => readonly string[];

/**
 * One secondary index: value → key → object. An index function that throws files its object under
 * nothing.
 */
export class StoreIndex<T> {
  readonly #valuesOf: IndexFunction<T>;
  readonly #filed = new Map<string, Map<string, T>>();

  constructor(valuesOf: IndexFunction<T>) {
    this.#valuesOf = valuesOf;
  }

  put(key: string, object: T): void {
    for (const value of this.#values(object)) {
      let bucket = this.#filed.get(value);
      if (bucket === undefined) this.#filed.set(value, (bucket = new Map<string, T>()));
      bucket.set(key, object);
    }
  }

  drop(key: string, object: T): void {
    for (const value of this.#values(object)) {
      const bucket = this.#filed.get(value);
      bucket?.delete(key);
      if (bucket?.size === 0) this.#filed.delete(value);
    }
  }

  get(value: string): readonly T[] {
    return [...(this.#filed.get(value)?.values() ?? [])];
  }

  #values(object: T): readonly string[] {
    try {
      return this.#valuesOf(object);
    } catch {
      // One malformed object must not keep all the others out of the store.
      return [];
    }
  }
}
