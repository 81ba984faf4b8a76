import { resolve } from 'node:path';
import { KINDS } from '../api/kinds.js';
import type { KubeObject, Namespace, Service } from '../api/meta.js';
import type { MessengerApp, MessengerPage } from '../api/v1alpha1/types.gen.js';
import { type Clock, sleep } from '../kit/clock.js';
import type { Logger } from '../kit/log.js';
import { ReferencedData } from '../runtime/data-cache.js';
import type { DataCache, KindAccess } from '../runtime/ports.js';
import { Store, type StoreOptions } from '../runtime/store.js';
import type { Cluster } from '../runtime/cluster.js';
import { EventLog } from './event-log.js';
import type { FolderData } from './folder-data.js';
import { FolderReader } from './folder-reader.js';
import { FolderSource } from './folder-source.js';
import { FolderWatch } from './folder-watch.js';
import { FolderWorld } from './folder-world.js';
import { KindValidator } from './kind-validator.js';
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

/** The secondary indexes that the controllers look things up by. */
export interface ClusterIndexes {
  readonly pages: NonNullable<StoreOptions<MessengerPage>['indexes']>;
  readonly apps: NonNullable<StoreOptions<MessengerApp>['indexes']>;
}

export interface FolderCluster extends Cluster {
  readonly configMaps: DataCache;
  /** The Secrets of the folder, for those that are found by their type. */
  readonly secretObjects: FolderData;
  /** Notes in the state folder where this process can be asked how it does; undefined: no more. */
  tellAdminUrl(url: string | undefined): void;
}

interface FolderProcess {
  readonly clock: Clock;
  readonly log: Logger;
}

const LOCK_CHECK_MS = 2_000;

/** Opens a folder of manifests as a cluster. @throws StateLockedError, or when the state folder cannot be used */
export function openFolderCluster(config: FolderClusterConfig, process: FolderProcess, indexes: ClusterIndexes): FolderCluster {
  const state = new StateFolder(resolve(config.stateDir));
  state.open();
  const fence = new StateLock(state.path, process.clock);
  fence.acquire();
  return new Folder({ config, process, indexes, state, fence });
}

interface FolderDeps {
  readonly config: FolderClusterConfig;
  readonly process: FolderProcess;
  readonly indexes: ClusterIndexes;
  readonly state: StateFolder;
  readonly fence: StateLock;
}

class Folder implements FolderCluster {
  readonly pages: KindAccess<MessengerPage>;
  readonly apps: KindAccess<MessengerApp>;
  readonly services: Store<Service>;
  readonly namespaces: Store<Namespace>;
  readonly secrets: ReferencedData;
  readonly configMaps: ReferencedData;
  readonly secretObjects: FolderData;
  readonly events: EventLog;
  readonly fence: StateLock;
  readonly #deps: FolderDeps;
  readonly #watch: FolderWatch;
  readonly #source: FolderSource;

  constructor(deps: FolderDeps) {
    const { config, process, indexes, state, fence } = deps;
    const { clock, log } = process;
    this.#deps = deps;
    this.fence = fence;
    this.events = new EventLog(state.path, clock, log);
    const pages = new Store<MessengerPage>({ clock, log, indexes: indexes.pages });
    const apps = new Store<MessengerApp>({ clock, log, indexes: indexes.apps });
    this.services = new Store<Service>({ clock, log });
    this.namespaces = new Store<Namespace>({ clock, log });
    const sinks = new Map<string, Store<KubeObject>>([
      ['MessengerApp', untyped(apps)],
      ['MessengerPage', untyped(pages)],
      ['Service', untyped(this.services)],
      ['Namespace', this.namespaces],
    ]);
    const crds = new Map(KINDS.map((kind) => [kind.kind, loadCrd(kind)]));
    const namespaces = new Set(config.watchNamespaces);
    const world = new FolderWorld({ clock, log, state, crds, sinks, namespaces });
    this.pages = access(pages, world, 'MessengerPage', fence);
    this.apps = access(apps, world, 'MessengerApp', fence);
    this.secretObjects = world.secrets;
    this.secrets = this.#data(world.secrets);
    this.configMaps = this.#data(world.configMaps);
    this.#source = new FolderSource({
      reader: new FolderReader({ root: config.manifests, exclude: state.path, clock }),
      world,
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

  start(signal: AbortSignal): void {
    this.secrets.start(signal);
    this.configMaps.start(signal);
    void this.#watch.start(signal);
  }

  unsynced(): readonly string[] {
    if (!this.#source.hasSynced()) return ['the folder of the manifests has not been read'];
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
    if (!signal.aborted) throw new Error('the lock of the state folder was lost');
  }

  /** The state folder has been this process's own since before its first look. */
  refresh(): Promise<void> {
    return Promise.resolve();
  }

  tellAdminUrl(url: string | undefined): void {
    const { state, process } = this.#deps;
    try {
      state.saveAdminUrl(url);
    } catch (error) {
      process.log.warn('the admin address could not be noted in the state folder', { error });
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
      await sleep(this.#deps.process.clock, LOCK_CHECK_MS, signal).catch(() => undefined);
    }
  }

  #data(source: FolderData): ReferencedData {
    const { config, process } = this.#deps;
    return new ReferencedData({ ...process, source, fetch: (key) => source.fetch(key), graceMs: config.secretGraceMs });
  }
}

function access<T extends KubeObject & { readonly status?: unknown }>(
  informer: Store<T>,
  world: FolderWorld,
  kind: string,
  fence: StateLock,
): KindAccess<T> {
  const set = world.set(kind);
  return {
    informer,
    live: new FolderLiveReader<T>(set),
    status: new FolderStatusWriter<T>(set, fence),
    finalizers: new FolderFinalizerWriter<T>(set, fence),
  };
}

/** The world puts objects of the store's own kind into it, judged by that kind's schema. */
function untyped<T extends KubeObject>(store: Store<T>): Store<KubeObject> {
  return store as unknown as Store<KubeObject>;
}
