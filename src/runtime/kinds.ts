import type { CustomObject, Kind } from '../api/kinds.js';
import type { KindAccess } from './ports.js';
import type { IndexFunction } from './store-index.js';

/**
 * The secondary indexes that the store of each kind is made with, by the kind's plural. They cost
 * memory and time at every change, so only the process that looks things up by them asks for them.
 */
export type KindIndexes = Readonly<Record<string, Readonly<Record<string, IndexFunction<never>>>>>;

/** The access to each kind: what `Cluster.kind` answers from. */
export class KindMap {
  readonly #byPlural = new Map<string, unknown>();

  set<T extends CustomObject>({ plural }: Kind<T>, access: KindAccess<T>): this {
    this.#byPlural.set(plural, access);
    return this;
  }

  /** @throws RangeError for a kind that was never set */
  get<T extends CustomObject>({ kind, plural }: Kind<T>): KindAccess<T> {
    const access = this.#byPlural.get(plural);
    if (access === undefined) throw new RangeError(`there are no ${kind} objects here`);
    // `set` took it for the same kind.
    return access as KindAccess<T>;
  }
}
