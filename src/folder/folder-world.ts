import type { Clock } from '../kit/clock.js';
import type { Logger } from '../kit/log.js';
import { keyOf, type NamespacedName, parseKey } from '../core/domain/object-key.js';
import type { Crd } from './crd.js';
import { FolderData } from './folder-data.js';
import { type Accepted, objectId } from './manifest-intake.js';
import { type ObjectKeeper, ObjectSet, type ObjectSink } from './object-set.js';
import type { StateFolder } from './state-folder.js';

export interface FolderWorldDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly state: StateFolder;
  /** Of the kinds that are kept, by kind. */
  readonly crds: ReadonlyMap<string, Crd>;
  /** By kind: `MessengerApp`, `MessengerPage`, `Service`, `Namespace`. */
  readonly sinks: ReadonlyMap<string, ObjectSink>;
  /** Empty: all. */
  readonly namespaces: ReadonlySet<string>;
}

const NAME_LABEL = 'kubernetes.io/metadata.name';

/** All objects that the folder and the state folder make up together: what etcd is to a cluster. */
export class FolderWorld {
  readonly secrets: FolderData;
  readonly configMaps: FolderData;
  readonly #sets: ReadonlyMap<string, ObjectSet>;
  readonly #data: ReadonlyMap<string, FolderData>;

  constructor(deps: FolderWorldDeps) {
    const { clock } = deps;
    const nextVersion = versionCounter(clock);
    this.#sets = new Map([...deps.sinks].map(([kind, sink]) => [kind, makeSet(deps, { kind, sink, nextVersion })]));
    this.secrets = new FolderData(clock, nextVersion);
    this.configMaps = new FolderData(clock, nextVersion);
    this.#data = new Map([
      ['Secret', this.secrets],
      ['ConfigMap', this.configMaps],
    ]);
  }

  /** @throws RangeError for a kind without a set */
  set(kind: string): ObjectSet {
    const set = this.#sets.get(kind);
    if (set === undefined) throw new RangeError(`there are no ${kind} objects here`);
    return set;
  }

  apply(manifest: Accepted): void {
    const { kind, meta } = manifest;
    if (manifest.what === 'data') this.#data.get(kind)?.apply(meta, manifest.content, meta.labels);
    else this.set(kind).apply(kind === 'Namespace' ? namedNamespace(meta) : meta, manifest.content);
  }

  remove(kind: string, key: NamespacedName): void {
    const data = this.#data.get(kind);
    if (data === undefined) this.set(kind).remove(key);
    else data.remove(key);
  }

  /**
   * Every object that a manifest is needed for: not those that are being deleted already, and no
   * Namespaces.
   */
  *known(): Iterable<{ readonly kind: string; readonly key: NamespacedName; readonly id: string }> {
    for (const [kind, set] of this.#sets) {
      if (kind === 'Namespace') continue;
      for (const object of set.list()) {
        const key = keyOf(object);
        if (object.metadata.deletionTimestamp === undefined) yield { kind, key, id: objectId(kind, key) };
      }
    }
    for (const [kind, data] of this.#data) {
      for (const text of data.keys()) yield { kind, key: parseKey(text), id: objectId(kind, parseKey(text)) };
    }
  }

  /** Whether some object is being deleted, so that a new manifest for it has to wait. */
  isDeleting(): boolean {
    return [...this.#sets.values()].some((set) => set.list().some(({ metadata }) => metadata.deletionTimestamp !== undefined));
  }

  /**
   * Gives every namespace that something is in a Namespace, as a cluster would have it.
   * @param described the namespaces that have a manifest of their own; the labels of the others are
   * not theirs to keep
   */
  settleNamespaces(described: ReadonlySet<string>): void {
    const set = this.set('Namespace');
    const used = new Set([...this.#keys()].map(({ namespace }) => namespace).filter((namespace) => namespace !== ''));
    for (const name of used) {
      if (!described.has(name)) set.apply(namedNamespace({ name, namespace: '', labels: {}, annotations: {} }), {});
    }
    for (const { metadata } of set.list()) {
      if (!described.has(metadata.name) && !used.has(metadata.name)) set.remove({ namespace: '', name: metadata.name });
    }
  }

  *#keys(): Iterable<NamespacedName> {
    for (const set of this.#sets.values()) for (const object of set.list()) yield keyOf(object);
    for (const data of this.#data.values()) for (const text of data.keys()) yield parseKey(text);
  }

  /** The first scan is in: fills the stores. */
  publish(): void {
    for (const set of this.#sets.values()) set.publish();
    this.touch();
  }

  /** A scan went well: the stores are up to date. */
  touch(): void {
    for (const set of this.#sets.values()) set.touch();
    for (const data of this.#data.values()) data.publish();
  }
}

function namedNamespace<T extends { readonly name: string; readonly labels: Readonly<Record<string, string>> }>(meta: T): T {
  return { ...meta, labels: { ...meta.labels, [NAME_LABEL]: meta.name } };
}

interface SetSeed {
  readonly kind: string;
  readonly sink: ObjectSink;
  readonly nextVersion: () => string;
}

function makeSet({ clock, log, state, crds, namespaces }: FolderWorldDeps, seed: SetSeed): ObjectSet {
  const crd = crds.get(seed.kind);
  if (crd === undefined) return new ObjectSet({ ...seed, apiVersion: 'v1', clock });
  const keeper: ObjectKeeper = {
    load: () => state.load(crd.plural, log).filter(({ metadata }) => namespaces.size === 0 || namespaces.has(metadata.namespace ?? '')),
    save: (object) => {
      state.save(crd.plural, object);
    },
    drop: (key) => {
      state.drop(crd.plural, key);
    },
  };
  return new ObjectSet({ ...seed, apiVersion: crd.apiVersion, clock, keeper, initialStatus: crd.schema.properties?.['status']?.default });
}

/** Grows over restarts as well, as long as the wall clock does. */
function versionCounter(clock: Clock): () => string {
  let version = clock.nowMs() * 1_000;
  return () => String(++version);
}
