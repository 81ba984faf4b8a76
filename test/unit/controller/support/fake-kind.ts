import type { KubeObject } from '../../../../src/api/meta.js';
import { StaleReadError } from '../../../../src/core/domain/errors.js';
import { keyOf, keyText, type NamespacedName } from '../../../../src/core/domain/object-key.js';
import { rfc3339 } from '../../../../src/kit/clock.js';
import { sameData } from '../../../../src/runtime/equality.js';
import type { FinalizerWriter, LiveReader, StatusWriter } from '../../../../src/runtime/ports.js';
import { Store, type StoreOptions } from '../../../../src/runtime/store.js';
import type { FakeClock } from '../../../support/fake-clock.js';

type Stored = KubeObject & { readonly spec: unknown; readonly status?: unknown };

/**
 * One kind at the API server: what is live, the watch that fills a store, and writers that behave
 * as the real ones promise.
 */
export class FakeKind<T extends Stored> implements LiveReader<T>, StatusWriter<T>, FinalizerWriter<T> {
  readonly store: Store<T>;
  readonly #clock: FakeClock;
  readonly #prefix: string;
  readonly #live = new Map<string, T>();
  #lastVersion = 0;
  #lastUid = 0;
  /** Changes that the watch has not brought yet. */
  readonly #undelivered: (() => void)[] = [];
  /** true: the store sees changes only after `deliver()`. */
  lagging = false;
  /** Every status that was written, with the name of its object. */
  readonly statusWrites: string[] = [];
  /** Called before each operation; throws to make it fail. */
  before: (operation: string) => void = () => undefined;
  /** Called when it is done; throws to make the answer get lost. */
  after: (operation: string) => void = () => undefined;

  constructor(clock: FakeClock, prefix: string, indexes: NonNullable<StoreOptions<T>['indexes']>) {
    this.#clock = clock;
    this.#prefix = prefix;
    this.store = new Store<T>({ clock, indexes });
    this.store.replace([]);
  }

  create(object: T): T {
    this.#lastUid += 1;
    const created = {
      ...object,
      metadata: {
        uid: `${this.#prefix}-${this.#lastUid}`,
        generation: 1,
        creationTimestamp: rfc3339(this.#clock.nowMs()),
        ...object.metadata,
      },
    };
    return this.#put(created);
  }

  /** As a user's apply: a changed spec counts the generation on. */
  update(key: NamespacedName, change: (object: T) => T): T {
    const was = this.require(key);
    const is = change(was);
    const generation = (was.metadata.generation ?? 0) + (sameData(was.spec, is.spec) ? 0 : 1);
    return this.#put({ ...is, metadata: { ...is.metadata, generation } });
  }

  delete(key: NamespacedName): void {
    const object = this.require(key);
    if ((object.metadata.finalizers ?? []).length === 0) this.#remove(object);
    else if (object.metadata.deletionTimestamp === undefined) {
      const deletionTimestamp = rfc3339(this.#clock.nowMs());
      const generation = (object.metadata.generation ?? 0) + 1;
      this.#put({ ...object, metadata: { ...object.metadata, deletionTimestamp, generation } });
    }
  }

  get live(): readonly T[] {
    return [...this.#live.values()];
  }

  find(key: NamespacedName): T | undefined {
    return this.#live.get(keyText(key));
  }

  require(key: NamespacedName): T {
    const found = this.find(key);
    if (found === undefined) throw new Error(`${keyText(key)} is not there`);
    return found;
  }

  /** The watch catches up. */
  deliver(): void {
    for (const deliver of this.#undelivered.splice(0)) deliver();
  }

  async get(key: NamespacedName): Promise<T | undefined> {
    this.before('get');
    return Promise.resolve(this.find(key));
  }

  async write(object: T, status: NonNullable<T['status']>): Promise<void> {
    this.before('status');
    const live = this.#same(object);
    if (!sameData(live.status, status)) {
      this.statusWrites.push(object.metadata.name);
      this.#put({ ...live, status });
    }
    this.after('status');
    return Promise.resolve();
  }

  async add(object: T, finalizer: string): Promise<T> {
    this.before('finalizer');
    const live = this.#same(object);
    const finalizers = live.metadata.finalizers ?? [];
    if (!finalizers.includes(finalizer)) {
      if (live.metadata.deletionTimestamp !== undefined) throw new StaleReadError('it is being deleted');
      this.#put({ ...live, metadata: { ...live.metadata, finalizers: [...finalizers, finalizer] } });
    }
    this.after('finalizer');
    return Promise.resolve(this.require(keyOf(object)));
  }

  async remove(object: T, finalizer: string): Promise<void> {
    this.before('finalizer');
    const live = this.find(keyOf(object));
    if (live === undefined || live.metadata.uid !== object.metadata.uid) return Promise.resolve();
    const finalizers = (live.metadata.finalizers ?? []).filter((one) => one !== finalizer);
    const next = { ...live, metadata: { ...live.metadata, finalizers } };
    if (finalizers.length === 0 && live.metadata.deletionTimestamp !== undefined) this.#remove(next);
    else this.#put(next);
    this.after('finalizer');
    return Promise.resolve();
  }

  #same(object: T): T {
    const live = this.find(keyOf(object));
    if (live === undefined || live.metadata.uid !== object.metadata.uid) throw new StaleReadError('it was replaced or is gone');
    return live;
  }

  #put(object: T): T {
    this.#lastVersion += 1;
    const stored = structuredClone({ ...object, metadata: { ...object.metadata, resourceVersion: String(this.#lastVersion) } });
    this.#live.set(keyText(keyOf(stored)), stored);
    this.#watch(() => {
      this.store.apply(structuredClone(stored));
    });
    return stored;
  }

  #remove(object: T): void {
    this.#lastVersion += 1;
    this.#live.delete(keyText(keyOf(object)));
    const last = structuredClone({ ...object, metadata: { ...object.metadata, resourceVersion: String(this.#lastVersion) } });
    this.#watch(() => {
      this.store.remove(last);
    });
  }

  #watch(deliver: () => void): void {
    if (this.lagging) this.#undelivered.push(deliver);
    else deliver();
  }
}
