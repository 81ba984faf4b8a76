import { randomUUID } from 'node:crypto';
import type { KubeObject } from '../api/meta.js';
import { type Clock, rfc3339 } from '../kit/clock.js';
import { StaleReadError } from '../core/domain/errors.js';
import { keyOf, keyText, type NamespacedName } from '../core/domain/object-key.js';
import { sameData } from '../runtime/equality.js';
import type { ManifestMeta } from './object-meta.js';
import type { StoredObject } from './state-folder.js';

/** What a store takes in. */
export interface ObjectSink {
  replace(objects: readonly KubeObject[]): void;
  apply(object: KubeObject): void;
  remove(object: KubeObject): void;
  touch(): void;
}

/** Where objects outlive the process. */
export interface ObjectKeeper {
  load(): readonly StoredObject[];
  save(object: StoredObject): void;
  drop(key: NamespacedName): void;
}

export interface ObjectSetDeps {
  readonly apiVersion: string;
  readonly kind: string;
  readonly clock: Clock;
  readonly sink: ObjectSink;
  /** Grows with every write of any kind: the resourceVersion. */
  readonly nextVersion: () => string;
  readonly keeper?: ObjectKeeper;
  /** What the CRD gives as status to an object that has none. */
  readonly initialStatus?: unknown;
}

/**
 * The objects of one kind with the habits of the API server: uid, generation counted up by a change
 * of the spec, deletionTimestamp as long as there are finalizers. Every write is kept first and
 * told to the store after that; until `publish` the store hears nothing.
 */
export class ObjectSet {
  readonly #deps: ObjectSetDeps;
  readonly #objects = new Map<string, StoredObject>();
  #published = false;

  constructor(deps: ObjectSetDeps) {
    this.#deps = deps;
    for (const object of deps.keeper?.load() ?? []) {
      const metadata = { ...object.metadata, resourceVersion: deps.nextVersion() };
      this.#objects.set(keyText(keyOf(object)), { ...object, metadata });
    }
  }

  /** Fills the store; from then on it follows. */
  publish(): void {
    this.#published = true;
    this.#deps.sink.replace([...this.#objects.values()]);
  }

  touch(): void {
    this.#deps.sink.touch();
  }

  get(key: NamespacedName): StoredObject | undefined {
    return this.#objects.get(keyText(key));
  }

  list(): readonly StoredObject[] {
    return [...this.#objects.values()];
  }

  /**
   * Makes the object what its manifest says. One that is being deleted stays as it is until it is
   * gone.
   */
  apply({ name, namespace, labels, annotations }: ManifestMeta, content: Readonly<Record<string, unknown>>): void {
    const before = this.#objects.get(keyText({ namespace, name }));
    if (before === undefined) this.#create({ name, namespace, labels, annotations }, content);
    else if (before.metadata.deletionTimestamp === undefined) this.#update(before, { labels, annotations }, content);
  }

  /** Removes the object, or marks it as being deleted while it has finalizers. */
  remove(key: NamespacedName): void {
    const object = this.#objects.get(keyText(key));
    if (object === undefined || object.metadata.deletionTimestamp !== undefined) return;
    if ((object.metadata.finalizers ?? []).length === 0) {
      this.#drop(object);
      return;
    }
    const { generation = 0 } = object.metadata;
    const deletionTimestamp = rfc3339(this.#deps.clock.nowMs());
    this.#put({ ...object, metadata: { ...object.metadata, deletionTimestamp, generation: generation + 1 } });
  }

  /** @throws StaleReadError when the object was replaced or is gone. */
  writeStatus(object: KubeObject, status: unknown): void {
    const now = this.#same(object);
    if (!sameData(now.status, status)) this.#put({ ...now, status });
  }

  /**
   * @returns the object as it is now. @throws StaleReadError when the object was replaced, is gone
   * or is being deleted.
   */
  addFinalizer(object: KubeObject, finalizer: string): StoredObject {
    const now = this.#same(object);
    const { finalizers = [], deletionTimestamp } = now.metadata;
    if (finalizers.includes(finalizer)) return now;
    // The API server refuses it as well: a deletion would never know what it waits for.
    if (deletionTimestamp !== undefined) throw new StaleReadError(`${keyText(keyOf(now))} is being deleted`);
    return this.#put({ ...now, metadata: { ...now.metadata, finalizers: [...finalizers, finalizer] } });
  }

  /** The last one of an object that is being deleted takes the object with it. */
  removeFinalizer(object: KubeObject, finalizer: string): void {
    const now = this.#objects.get(keyText(keyOf(object)));
    if (now === undefined || now.metadata.uid !== object.metadata.uid) return;
    const { finalizers = [], deletionTimestamp } = now.metadata;
    if (!finalizers.includes(finalizer)) return;
    const metadata = without(now.metadata, 'finalizers');
    const left = finalizers.filter((name) => name !== finalizer);
    if (left.length === 0 && deletionTimestamp !== undefined) this.#drop(now);
    else this.#put({ ...now, metadata: left.length === 0 ? metadata : { ...metadata, finalizers: left } });
  }

  #create({ name, namespace, labels, annotations }: ManifestMeta, content: Readonly<Record<string, unknown>>): void {
    const { apiVersion, kind, clock, initialStatus } = this.#deps;
    const metadata = {
      name,
      ...(namespace === '' ? {} : { namespace }),
      uid: randomUUID(),
      generation: 1,
      creationTimestamp: rfc3339(clock.nowMs()),
      ...mapsOf(labels, annotations),
    };
    this.#put({ apiVersion, kind, metadata, ...content, ...(initialStatus === undefined ? {} : { status: initialStatus }) });
  }

  #update(
    before: StoredObject,
    { labels, annotations }: Pick<ManifestMeta, 'labels' | 'annotations'>,
    content: Readonly<Record<string, unknown>>,
  ): void {
    const metadata = without(before.metadata, 'labels', 'annotations');
    const next = { ...before, metadata: { ...metadata, ...mapsOf(labels, annotations) }, ...content };
    if (sameData(next, before)) return;
    const changed = !sameData(next.spec, before.spec);
    const generation = (metadata.generation ?? 0) + (changed ? 1 : 0);
    this.#put({ ...next, metadata: { ...next.metadata, generation } });
  }

  #same(object: KubeObject): StoredObject {
    const now = this.#objects.get(keyText(keyOf(object)));
    if (now !== undefined && now.metadata.uid === object.metadata.uid) return now;
    throw new StaleReadError(`${this.#deps.kind} ${keyText(keyOf(object))} is gone or was replaced`);
  }

  #put(object: StoredObject): StoredObject {
    const { keeper, nextVersion, sink } = this.#deps;
    const next = { ...object, metadata: { ...object.metadata, resourceVersion: nextVersion() } };
    keeper?.save(next);
    this.#objects.set(keyText(keyOf(next)), next);
    if (this.#published) sink.apply(next);
    return next;
  }

  #drop(object: StoredObject): void {
    const { keeper, nextVersion, sink } = this.#deps;
    const key = keyOf(object);
    keeper?.drop(key);
    this.#objects.delete(keyText(key));
    if (this.#published) sink.remove({ ...object, metadata: { ...object.metadata, resourceVersion: nextVersion() } });
  }
}

/** No empty maps: the API server leaves them out as well. */
function mapsOf(
  labels: Readonly<Record<string, string>>,
  annotations: Readonly<Record<string, string>>,
): Pick<StoredObject['metadata'], 'labels' | 'annotations'> {
  return {
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
  };
}

function without<T extends object, K extends keyof T>(object: T, ...keys: readonly K[]): Omit<T, K> {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key as K))) as Omit<T, K>;
}
