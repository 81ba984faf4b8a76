import type { KubeObject } from '../api/meta.js';
import type { Clock } from '../kit/clock.js';
import { silentLogger, type Logger } from '../kit/log.js';
import { keyOf, keyText, type NamespacedName } from '../core/domain/object-key.js';
import { sameData } from './equality.js';
import type { Informer, StoreChange } from './ports.js';
import { isOlder } from './resource-version.js';
import { StoreIndex, type IndexFunction } from './store-index.js';
import { Tombstones } from './tombstones.js';
import { deepFreeze, dropBookkeeping } from './transform.js';

export interface StoreOptions<T extends KubeObject> {
  readonly clock: Clock;
  /** name → what `byIndex` looks up under that name */
  readonly indexes?: Readonly<Record<string, IndexFunction<T>>>;
  /** What is kept of an object; by default all but managedFields and last-applied. */
  readonly transform?: (object: T) => T;
  /** The namespaces that sources fill one by one; left out: one source fills the whole store. */
  readonly namespaces?: readonly string[] | undefined;
  readonly log?: Logger;
}

/** The scope of a source that fills the whole store. */
const EVERYWHERE = '';

/**
 * The cache of one kind. A source (reflector or folder) writes it, everybody else reads it as an
 * `Informer`.
 *
 * Guarantees: objects are frozen; `replace` is atomic (handlers see the whole new list) and turns
 * what is missing into deletions; an object with another uid under the same key is a deletion and
 * an addition, never an update; `apply` never lets an older version of an object overwrite a newer
 * one, nor a late line bring a deleted one back.
 */
export class Store<T extends KubeObject> implements Informer<T> {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #transform: (object: T) => T;
  readonly #objects = new Map<string, T>();
  readonly #indexes: ReadonlyMap<string, StoreIndex<T>>;
  readonly #handlers = new Set<(change: StoreChange<T>) => void>();
  readonly #gone = new Tombstones();
  /** scope → monotonic time at which its source last spoke; undefined before its first list */
  readonly #spoken: Map<string, number | undefined>;
  /** Scopes that the source may not list, or cannot. */
  readonly #refused = new Set<string>();
  readonly #madeMs: number;
  #listed: readonly T[] | undefined;

  constructor({ clock, indexes = {}, transform = dropBookkeeping, namespaces, log = silentLogger }: StoreOptions<T>) {
    this.#clock = clock;
    this.#madeMs = clock.monotonicMs();
    this.#log = log;
    this.#transform = transform;
    this.#indexes = new Map(Object.entries(indexes).map(([name, valuesOf]) => [name, new StoreIndex(valuesOf)]));
    this.#spoken = new Map((namespaces ?? [EVERYWHERE]).map((scope) => [scope, undefined]));
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: NamespacedName): T | undefined {
    return this.#objects.get(keyText(key));
  }

  list(): readonly T[] {
    this.#listed ??= Object.freeze([...this.#objects.values()]);
    return this.#listed;
  }

  /** @throws RangeError for an index that the store was not made with */
  byIndex(index: string, value: string): readonly T[] {
    const found = this.#indexes.get(index);
    if (found === undefined) throw new RangeError(`the store has no index ${index}`);
    return found.get(value);
  }

  hasSynced(): boolean {
    const scopes = [...this.#spoken];
    const isSettled = scopes.every(([scope, at]) => at !== undefined || this.#refused.has(scope));
    return isSettled && (scopes.length === 0 || scopes.some(([, at]) => at !== undefined));
  }

  covers(namespace: string): boolean {
    return this.#spoken.get(this.#spoken.has(EVERYWHERE) ? EVERYWHERE : namespace) !== undefined;
  }

  unlistedForMs(): number | undefined {
    const isListed = [...this.#spoken.values()].every((at) => at !== undefined);
    return isListed ? undefined : this.#clock.monotonicMs() - this.#madeMs;
  }

  /** How many scopes the source was refused since it last listed them. */
  get refusedScopes(): number {
    return this.#refused.size;
  }

  /** Of the scope that has been silent for longest. Infinity while one has never been listed. */
  ageMs(): number {
    const now = this.#clock.monotonicMs();
    return Math.max(0, ...[...this.#spoken.values()].map((at) => (at === undefined ? Infinity : now - at)));
  }

  subscribe(handler: (change: StoreChange<T>) => void): () => void {
    const own = (change: StoreChange<T>): void => {
      handler(change);
    };
    this.#handlers.add(own);
    return () => this.#handlers.delete(own);
  }

  /**
   * The source spoke (a bookmark, a scan without a change). Only counts once its first list is in.
   */
  touch(namespace = EVERYWHERE): void {
    if (this.#spoken.get(namespace) !== undefined) this.#spoken.set(namespace, this.#clock.monotonicMs());
  }

  /**
   * The source may not list this scope, or it does not exist. If it was never listed, the store no
   * longer waits for it: it is synced without it, as long as at least one other scope is listed.
   * The next `replace` of the scope ends this.
   */
  refuse(namespace = EVERYWHERE): void {
    if (this.#spoken.has(namespace)) this.#refused.add(namespace);
  }

  /**
   * Makes the store (or its part of one namespace) equal to a consistent list, whatever versions it
   * holds: a list is the truth even where it is older than the store, which is what a restored etcd
   * looks like.
   */
  replace(objects: readonly T[], { namespace = EVERYWHERE }: { readonly namespace?: string } = {}): void {
    const wanted = new Map(objects.map((object) => [keyText(keyOf(object)), this.#kept(object)]));
    const changes: StoreChange<T>[] = [];
    for (const [key, object] of this.#objects) {
      const inScope = namespace === EVERYWHERE || object.metadata.namespace === namespace;
      if (inScope && !wanted.has(key)) changes.push(this.#takeOut(key, object, undefined));
    }
    this.#gone.clear();
    for (const [key, object] of wanted) {
      const previous = this.#objects.get(key);
      if (previous !== undefined && sameData(previous, object)) continue;
      changes.push(...this.#putIn(key, object));
    }
    this.#spoken.set(namespace, this.#clock.monotonicMs());
    this.#refused.delete(namespace);
    this.#tell(changes);
  }

  /** Takes in one object from the watch: new, changed, or the same one again (ignored). */
  apply(object: T): void {
    this.#heard(object);
    const { uid, resourceVersion } = object.metadata;
    const key = keyText(keyOf(object));
    const previous = this.#objects.get(key);
    if (this.#gone.covers(uid, resourceVersion)) return;
    const same = previous !== undefined && previous.metadata.uid === uid;
    if (same && resourceVersion !== undefined) {
      const known = previous.metadata.resourceVersion;
      if (known === resourceVersion || isOlder(resourceVersion, known)) return;
    }
    this.#tell(this.#putIn(key, this.#kept(object)));
  }

  /**
   * Takes out one object that the watch says is deleted. Another object that has its name by now
   * stays.
   */
  remove(object: T): void {
    this.#heard(object);
    const key = keyText(keyOf(object));
    const stored = this.#objects.get(key);
    const { uid, resourceVersion } = object.metadata;
    this.#gone.add(uid, resourceVersion);
    if (stored === undefined || (uid !== undefined && stored.metadata.uid !== undefined && stored.metadata.uid !== uid)) return;
    this.#tell([this.#takeOut(key, stored, resourceVersion)]);
  }

  #heard(object: T): void {
    this.touch(this.#spoken.has(EVERYWHERE) ? EVERYWHERE : object.metadata.namespace);
  }

  #kept(object: T): T {
    return deepFreeze(this.#transform(object));
  }

  #putIn(key: string, object: T): StoreChange<T>[] {
    const previous = this.#objects.get(key);
    const replaced = previous !== undefined && previous.metadata.uid !== object.metadata.uid;
    const before = replaced ? [this.#takeOut(key, previous, object.metadata.resourceVersion)] : [];
    if (previous !== undefined && !replaced) for (const index of this.#indexes.values()) index.drop(key, previous);
    this.#objects.set(key, object);
    for (const index of this.#indexes.values()) index.put(key, object);
    this.#listed = undefined;
    if (previous === undefined || replaced) return [...before, { type: 'added', object }];
    return [{ type: 'updated', object, previous }];
  }

  #takeOut(key: string, object: T, resourceVersion: string | undefined): StoreChange<T> {
    this.#objects.delete(key);
    for (const index of this.#indexes.values()) index.drop(key, object);
    this.#gone.add(object.metadata.uid, resourceVersion ?? object.metadata.resourceVersion);
    this.#listed = undefined;
    return { type: 'deleted', object };
  }

  #tell(changes: readonly StoreChange<T>[]): void {
    for (const change of changes) {
      for (const handler of this.#handlers) {
        try {
          handler(change);
        } catch (error) {
          // A handler's bug must not stop the watch that all the others live on.
          this.#log.error('a store handler failed', { key: keyText(keyOf(change.object)), change: change.type, error });
        }
      }
    }
  }
}
