import type { KubeObject } from '../../src/api/meta.js';
import type { MessengerApp, MessengerPage } from '../../src/api/v1alpha1/types.gen.js';
import { rfc3339 } from '../../src/kit/clock.js';
import { keyOf, keyText, type NamespacedName } from '../../src/core/domain/object-key.js';
import type { KubeRequest } from '../../src/k8s/kube-http.js';
import { KubeStatusError } from '../../src/k8s/kube-error.js';
import { sameData } from '../../src/runtime/equality.js';
import type { VirtualClock } from './virtual-clock.js';

/** As it stands at the server: with a spec, a status, data. */
export interface Stored extends KubeObject {
  readonly spec?: unknown;
  readonly status?: unknown;
  readonly data?: Readonly<Record<string, string>>;
}

/** What there is, by the name in the paths. */
interface Kinds {
  readonly messengerpages: MessengerPage;
  readonly messengerapps: MessengerApp;
  readonly secrets: Stored;
  readonly services: Stored;
  readonly namespaces: Stored;
  readonly leases: Stored;
}
export type Plural = keyof Kinds;

export interface ServerChange {
  readonly plural: Plural;
  readonly gone: boolean;
  readonly object: Stored;
  readonly previous: Stored | undefined;
}

interface PatchOperation {
  readonly op: 'test' | 'add' | 'remove';
  readonly path: string;
  readonly value?: unknown;
}

/**
 * An API server in memory: uid, resourceVersion, generation, finalizers, deletion, apply of a
 * status, JSON patch of finalizers.
 */
export class ApiServer {
  readonly #clock: VirtualClock;
  readonly #prefix: string;
  readonly #kinds = new Map<Plural, Map<string, Stored>>();
  readonly #handlers = new Set<(change: ServerChange) => void>();
  #version = 0;
  #uids = 0;

  constructor(clock: VirtualClock, prefix: string) {
    this.#clock = clock;
    this.#prefix = prefix;
  }

  onChange(handler: (change: ServerChange) => void): void {
    this.#handlers.add(handler);
  }

  get version(): number {
    return this.#version;
  }

  list<K extends Plural>(plural: K): readonly Kinds[K][] {
    return [...this.#of(plural).values()] as Kinds[K][];
  }

  get<K extends Plural>(plural: K, key: NamespacedName): Kinds[K] | undefined {
    return this.#of(plural).get(keyText(key)) as Kinds[K] | undefined;
  }

  create(plural: Plural, object: Stored): void {
    if (this.get(plural, keyOf(object)) !== undefined) throw new KubeStatusError('create', 409, { reason: 'AlreadyExists' });
    this.#uids += 1;
    const own = { uid: `${this.#prefix}-${this.#uids}`, generation: 1, creationTimestamp: rfc3339(this.#clock.nowMs()) };
    this.#put(plural, { ...object, metadata: { ...object.metadata, ...own } });
  }

  /** As a user's apply: a changed spec counts the generation on. Nothing if it is not there. */
  update(plural: Plural, key: NamespacedName, change: (object: Stored) => Stored): void {
    const was = this.get(plural, key);
    if (was === undefined) return;
    const is = change(was);
    const generation = (was.metadata.generation ?? 0) + (sameData(was.spec, is.spec) ? 0 : 1);
    this.#putUnlessGone(plural, { ...is, metadata: { ...is.metadata, generation } });
  }

  delete(plural: Plural, key: NamespacedName): void {
    const object = this.get(plural, key);
    if (object === undefined || object.metadata.deletionTimestamp !== undefined) return;
    const generation = (object.metadata.generation ?? 0) + 1;
    const deletionTimestamp = rfc3339(this.#clock.nowMs());
    this.#putUnlessGone(plural, { ...object, metadata: { ...object.metadata, deletionTimestamp, generation } });
  }

  /** What a request is answered with. @throws KubeStatusError */
  handle(request: KubeRequest): unknown {
    const { plural, key, subresource } = parsePath(request.path);
    if (request.method === 'GET') return this.#require(plural, key);
    if (request.method === 'POST') {
      this.create(plural, request.body as Stored);
      return this.#require(plural, keyOf(request.body as Stored));
    }
    if (request.method === 'PUT') return this.#replace(plural, key, request.body as Stored);
    if (subresource === 'status') return this.#applyStatus(plural, key, request.body as Stored);
    return this.#patch(plural, key, request.body as readonly PatchOperation[]);
  }

  #replace(plural: Plural, key: NamespacedName, object: Stored): Stored {
    const live = this.#require(plural, key);
    if (live.metadata.resourceVersion !== object.metadata.resourceVersion) throw new KubeStatusError('PUT', 409, { reason: 'Conflict' });
    return this.#put(plural, object);
  }

  /**
   * The status of a custom resource: the version decides, a foreign uid does not (which is what the
   * real one does).
   */
  #applyStatus(plural: Plural, key: NamespacedName, { metadata, status }: Stored): Stored {
    const live = this.#require(plural, key);
    const { resourceVersion } = metadata;
    if (resourceVersion !== undefined && resourceVersion !== live.metadata.resourceVersion) {
      throw new KubeStatusError('apply', 409, { reason: 'Conflict' });
    }
    return sameData(live.status, status) ? live : this.#put(plural, { ...live, status });
  }

  #patch(plural: Plural, key: NamespacedName, operations: readonly PatchOperation[]): Stored {
    const live = this.#require(plural, key);
    const finalizers = operations.reduce((list, operation) => patched(live, list, operation), live.metadata.finalizers ?? []);
    const isNew = finalizers.some((one) => live.metadata.finalizers?.includes(one) !== true);
    if (isNew && live.metadata.deletionTimestamp !== undefined) throw new KubeStatusError('PATCH', 422, { reason: 'Invalid' });
    return this.#putUnlessGone(plural, { ...live, metadata: { ...live.metadata, finalizers } });
  }

  #require(plural: Plural, key: NamespacedName): Stored {
    const found = this.get(plural, key);
    if (found === undefined) throw new KubeStatusError(`${plural} ${keyText(key)}`, 404, { reason: 'NotFound' });
    return found;
  }

  #putUnlessGone(plural: Plural, object: Stored): Stored {
    const { deletionTimestamp, finalizers = [] } = object.metadata;
    if (deletionTimestamp === undefined || finalizers.length > 0) return this.#put(plural, object);
    this.#version += 1;
    const previous = this.get(plural, keyOf(object));
    const last = { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } };
    this.#of(plural).delete(keyText(keyOf(object)));
    this.#tell({ plural, gone: true, object: last, previous });
    return last;
  }

  #put(plural: Plural, object: Stored): Stored {
    this.#version += 1;
    const previous = this.get(plural, keyOf(object));
    const stored = copyOf({ ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } });
    this.#of(plural).set(keyText(keyOf(stored)), stored);
    this.#tell({ plural, gone: false, object: stored, previous });
    return stored;
  }

  #of(plural: Plural): Map<string, Stored> {
    let found = this.#kinds.get(plural);
    if (found === undefined) this.#kinds.set(plural, (found = new Map<string, Stored>()));
    return found;
  }

  #tell(change: ServerChange): void {
    for (const handler of this.#handlers) handler(change);
  }
}

/** The list of finalizers after one operation. @throws KubeStatusError 422 when a test fails */
function patched({ metadata }: Stored, finalizers: readonly string[], { op, path, value }: PatchOperation): readonly string[] {
  if (op === 'remove') return finalizers.filter((_, index) => index !== Number(path.split('/').at(-1)));
  if (op === 'add') return path.endsWith('/-') ? [...finalizers, String(value)] : (value as readonly string[]);
  const tested: Readonly<Record<string, unknown>> = { ...metadata, finalizers };
  if (sameData(tested[path.split('/').at(-1) ?? ''], value)) return finalizers;
  throw new KubeStatusError('test', 422, { reason: 'Invalid' });
}

/** A copy of what is JSON; of so small ones many times faster than structuredClone. */
function copyOf<T>(value: T): T {
  if (Array.isArray(value)) return value.map(copyOf) as T;
  if (typeof value !== 'object' || value === null) return value;
  const copy: Record<string, unknown> = {};
  for (const key in value) if (value[key] !== undefined) copy[key] = copyOf(value[key]);
  return copy as T;
}

/** `…/namespaces/bots/messengerpages/shop/status`. A collection has no name. */
export function parsePath(path: string): {
  readonly plural: Plural;
  readonly key: NamespacedName;
  readonly subresource: string | undefined;
} {
  const found = /\/namespaces\/([^/]+)\/([a-z]+)(?:\/([^/]+)(?:\/([a-z]+))?)?$/.exec(path);
  if (found === null) throw new Error(`no path of a namespaced object: ${path}`);
  const [, namespace = '', plural = '', name = '', subresource] = found;
  return { plural: plural as Plural, key: { namespace, name }, subresource };
}
