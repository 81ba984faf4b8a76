import { resolve } from 'node:path';
import { type CustomObject, type Kind, KINDS } from '../api/kinds.js';
import type { KubeObject, Namespace, Service } from '../api/meta.js';
import { type Clock, sleep } from '../kit/clock.js';
import type { Logger } from '../kit/log.js';
import { NotLeaderError } from '../core/domain/errors.js';
import { ReferencedData } from '../runtime/data-cache.js';
import { type KindIndexes, KindMap } from '../runtime/kinds.js';
import type { KindAccess } from '../runtime/ports.js';
import { Store } from '../runtime/store.js';
import type { IndexFunction } from '../runtime/store-index.js';
import type { Cluster } from '../runtime/cluster.js';
import { EventLog } from './event-log.js';
import type { FolderData } from './folder-data.js';
import { FolderReader } from './folder-reader.js';
import { FolderSource } from './folder-source.js';
import { FolderWatch } from './folder-watch.js';
import { FolderWorld } from './folder-world.js';
import { KindValidator } from './kind-validator.js';
import type { ObjectSet } from './object-set.js';
import { StateFolder } from './state-folder.js';
import { StateLock } from './state-lock.js';
import { FolderFinalizerWriter, FolderLiveReader, FolderStatusWriter } from './writers.js';
import { loadCrd } from './crds.js';

export interface FolderClusterConfig {
  readonly manifests: string;
  readonly stateDir: string;
  readonly watchNamespaces: readonly string[];
  readonly allowMassDelete: boolean;
  readonly rescanMs: number;
  readonly deletionConfirmMs: number;
  readonly secretGraceMs: number;
}

export interface FolderClusterOptions {
  readonly config: FolderClusterConfig;
  readonly clock: Clock;
  readonly log: Logger;
  readonly indexes?: KindIndexes;
  /** Left out: every kind of ours. */
  readonly kinds?: readonly Kind[];
}

const LOCK_CHECK_MS = 2_000;

/**
 * A folder of manifests as a cluster: standalone's place for what a Kubernetes cluster would hold.
 */
export class FolderCluster implements Cluster {
  readonly services: Store<Service>;
  readonly namespaces: Store<Namespace>;
  readonly secrets: ReferencedData;
  readonly configMaps: ReferencedData;
  /** The Secrets of the folder, for those that are found by their type. */
  readonly secretObjects: FolderData;
  readonly events: EventLog;
  readonly fence: StateLock;
  readonly #options: FolderClusterOptions;
  readonly #state: StateFolder;
  readonly #kinds = new KindMap();
  readonly #watch: FolderWatch;
  readonly #source: FolderSource;

  /**
   * Takes the lock of the state folder. @throws StateLockedError, or Error when the state folder
   * cannot be used
   */
  constructor(options: FolderClusterOptions) {
    const { config, clock, log, kinds = KINDS } = options;
    this.#options = options;
    this.#state = new StateFolder(resolve(config.stateDir));
    const state = this.#state;
    state.open();
    this.fence = new StateLock(state.path, clock);
    this.fence.acquire();
    this.events = new EventLog(state.path, clock, log);
    this.services = new Store<Service>({ clock, log });
    this.namespaces = new Store<Namespace>({ clock, log });
    const stores = kinds.map((kind) => ({ kind, store: this.#storeOf(kind) }));
    const sinks = new Map<string, Store<KubeObject>>([
      ...stores.map(({ kind, store }) => [kind.kind, untyped(store)] as const),
      ['Service', untyped(this.services)],
      ['Namespace', this.namespaces],
    ]);
    const crds = new Map(kinds.map((kind) => [kind.kind, loadCrd(kind)]));
    const namespaces = new Set(config.watchNamespaces);
    const world = new FolderWorld({ clock, log, state, crds, sinks, namespaces });
    for (const { kind, store } of stores) this.#kinds.set(kind, access(store, world.set(kind.kind), this.fence));
    this.secretObjects = world.secrets;
    this.secrets = this.#data(world.secrets);
    this.configMaps = this.#data(world.configMaps);
    this.#source = new FolderSource({
      reader: new FolderReader({ root: config.manifests, exclude: state.path, clock }),
      world,
      kinds,
      validators: new Map([...crds].map(([kind, crd]) => [kind, new KindValidator(crd)])),
      namespaces,
      deletion: { confirmMs: config.deletionConfirmMs, allowMassDelete: config.allowMassDelete },
      clock,
      log,
      keepProblems: (problems) => {
        state.saveProblems(problems);
      },
    });
    const { rescanMs, deletionConfirmMs: confirmMs, manifests: root } = config;
    this.#watch = new FolderWatch({ root, source: this.#source, clock, log, rescanMs, confirmMs });
  }

  kind<T extends CustomObject>(kind: Kind<T>): KindAccess<T> {
    return this.#kinds.get(kind);
  }

  start(signal: AbortSignal): void {
    this.secrets.start(signal);
    this.configMaps.start(signal);
    void this.#watch.start(signal);
  }

  /**
   * @throws NotLeaderError when the lock of the state folder is lost before the first scan was
   * taken in
   */
  unsynced(): readonly string[] {
    if (!this.#source.hasSynced()) {
      // Without its state folder no scan can be taken in, and no leader is at work yet that would
      // notice.
      this.fence.check();
      return ['the folder of the manifests has not been read'];
    }
    const settled = this.secrets.isSettled() && this.configMaps.isSettled();
    return settled ? [] : ['Secrets or ConfigMaps have not been read'];
  }

  degraded(): readonly string[] {
    return [];
  }

  async lead(work: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
    const lost = new AbortController();
    const working = AbortSignal.any([signal, lost.signal]);
    const watching = this.#watchLock(working).catch((error: unknown) => {
      lost.abort(error);
    });
    await work(working);
    lost.abort(new Error('done'));
    await watching;
    if (!signal.aborted) throw lossOf(lost.signal);
  }

  /** The state folder has been this process's own since before its first look. */
  refresh(): Promise<void> {
    return Promise.resolve();
  }

  /** Notes in the state folder where this process can be asked how it does; undefined: it stops. */
  noteAdminUrl(url: string | undefined): void {
    try {
      this.#state.saveAdminUrl(url);
    } catch (error) {
      this.#options.log.warn('the admin address could not be noted in the state folder', { error });
    }
  }

  close(): Promise<void> {
    this.fence.release();
    return Promise.resolve();
  }

  /** @throws NotLeaderError when the lock is lost; resolves when the signal is aborted. */
  async #watchLock(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.fence.check();
      await sleep(this.#options.clock, LOCK_CHECK_MS, signal).catch(() => undefined);
    }
  }

  #data(source: FolderData): ReferencedData {
    const { config, clock, log } = this.#options;
    return new ReferencedData({ clock, log, source, fetch: (key) => source.fetch(key), graceMs: config.secretGraceMs });
  }

  #storeOf({ plural }: Kind): Store<CustomObject> {
    const { clock, log, indexes } = this.#options;
    // Made for the objects of this kind.
    const own = (indexes?.[plural] ?? {}) as Readonly<Record<string, IndexFunction<CustomObject>>>;
    return new Store<CustomObject>({ clock, log, indexes: own });
  }
}

/** Why the lead ended: the error of the check, which says what to do. */
function lossOf({ reason }: AbortSignal): Error {
  return reason instanceof NotLeaderError ? reason : new Error('the lead ended by itself', { cause: reason });
}

function access(informer: Store<CustomObject>, set: ObjectSet, fence: StateLock): KindAccess<CustomObject> {
  return {
    informer,
    live: new FolderLiveReader(set),
    status: new FolderStatusWriter(set, fence),
    finalizers: new FolderFinalizerWriter(set, fence),
  };
}

/** The world puts objects of the store's own kind into it, judged by that kind's schema. */
function untyped<T extends KubeObject>(store: Store<T>): Store<KubeObject> {
  return store as unknown as Store<KubeObject>;
}
