/** Called while a value is computed, with the name of everything that it was made from. */
export type Track = (dependency: string) => void;

/**
 * Values that are computed when first asked for and forgotten when something that they were made
 * from changes: one change costs as much as there are values made from it, whatever the number of
 * all values.
 */
export class DependencyMemo<V> {
  readonly #values = new Map<string, V>();
  /** Of each value. */
  readonly #dependencies = new Map<string, ReadonlySet<string>>();
  readonly #dependants = new Map<string, Set<string>>();

  /** Values remembered at the moment. */
  get size(): number {
    return this.#values.size;
  }

  /** The value, if it was computed and nothing has changed since. */
  peek(id: string): V | undefined {
    return this.#values.get(id);
  }

  get(id: string, compute: (track: Track) => V): V {
    const known = this.#values.get(id);
    if (known !== undefined) return known;
    const dependencies = new Set<string>();
    const value = compute((dependency) => dependencies.add(dependency));
    this.#values.set(id, value);
    this.#dependencies.set(id, dependencies);
    for (const dependency of dependencies) this.#dependantsOf(dependency).add(id);
    return value;
  }

  /** Forgets every value that was made from it. */
  changed(dependency: string): void {
    for (const id of this.#dependants.get(dependency) ?? []) this.#forget(id);
  }

  #forget(id: string): void {
    const dependencies = this.#dependencies.get(id) ?? [];
    this.#values.delete(id);
    this.#dependencies.delete(id);
    for (const dependency of dependencies) {
      const dependants = this.#dependants.get(dependency);
      dependants?.delete(id);
      if (dependants?.size === 0) this.#dependants.delete(dependency);
    }
  }

  #dependantsOf(dependency: string): Set<string> {
    const known = this.#dependants.get(dependency);
    if (known !== undefined) return known;
    const fresh = new Set<string>();
    this.#dependants.set(dependency, fresh);
    return fresh;
  }
}
