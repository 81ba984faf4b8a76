import type { KubeObject } from '../api/meta.js';
import type { NamespacedName } from '../core/domain/object-key.js';
import type { QueueClass } from './observer.js';

export type StoreChange<T> =
  | { readonly type: 'added'; readonly object: T }
  | { readonly type: 'updated'; readonly object: T; readonly previous: T }
  | { readonly type: 'deleted'; readonly object: T };

/** Read side of a store: synchronous, answered from the cache, may be stale. Objects are frozen. */
export interface Lister<T extends KubeObject> {
  get(key: NamespacedName): T | undefined;
  list(): readonly T[];
  /** Objects that an index function, named when the store was made, filed under `value`. */
  byIndex(index: string, value: string): readonly T[];
}

/** A lister that is kept up to date by a reflector or by the folder source. */
export interface Informer<T extends KubeObject> extends Lister<T> {
  /**
   * Whether each scope was listed once, or its list was refused. At least one must have been
   * listed.
   */
  hasSynced(): boolean;
  /**
   * Whether the objects of this namespace were listed once. If not, a missing object says nothing.
   */
  covers(namespace: string): boolean;
  /** Milliseconds since the start, if a scope was never listed. undefined: all were. */
  unlistedForMs(): number | undefined;
  /**
   * Milliseconds since the source last spoke (list, event or bookmark). Infinity while a scope was
   * never listed.
   */
  ageMs(): number;
  /**
   * Handlers run synchronously, in order, after the store has changed. They must not throw. Returns
   * the unsubscribe function.
   */
  subscribe(handler: (change: StoreChange<T>) => void): () => void;
}

/** The data of a Secret or ConfigMap as far as it is known here. */
export type DataState =
  /** Not known yet: not synced, or its first read has not succeeded. Not the same as absent. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'absent' }
  | {
      readonly kind: 'present';
      readonly uid: string;
      readonly resourceVersion: string;
      readonly type: string | undefined;
      readonly labels: Readonly<Record<string, string>>;
      /** key → raw bytes (base64 already decoded) */
      readonly data: ReadonlyMap<string, Uint8Array>;
      /**
       * Clock.monotonicMs() at which it vanished: this is its last good value, kept for the grace
       * time.
       */
      readonly goneSinceMs: number | undefined;
    };

/**
 * Secrets (or ConfigMaps) that an object refers to. Metadata is watched; the data of those retained
 * is read when their resourceVersion changes, or when a reference appears.
 */
export interface DataCache {
  hasSynced(): boolean;
  ageMs(): number;
  /** What is known now. `unknown` for an object that is not retained. */
  peek(key: NamespacedName): DataState;
  /**
   * As `peek`, but waits for a read under way, and starts one if nothing is known. @throws
   * ClusterUnavailableError if it cannot be read.
   */
  read(key: NamespacedName, signal: AbortSignal): Promise<DataState>;
  /** Replaces the set of objects that `owner` refers to; an empty list releases them. */
  retain(owner: string, keys: readonly NamespacedName[]): void;
  /**
   * Calls the handler after the state of a retained object has changed, value included. Returns the
   * unsubscribe function.
   */
  subscribe(handler: (key: NamespacedName) => void): () => void;
}

/** Reads the object itself, not the cache. */
export interface LiveReader<T extends KubeObject> {
  /** undefined: it is gone. @throws ClusterUnavailableError when there is no answer. */
  get(key: NamespacedName, signal: AbortSignal): Promise<T | undefined>;
}

/**
 * Writes `status`, by server-side apply with `metadata.uid`, and only when it differs from what the
 * object has.
 */
export interface StatusWriter<T extends KubeObject & { readonly status?: unknown }> {
  /**
   * @throws StaleReadError when the object was replaced or is gone, NotLeaderError outside the
   * fence, ClusterUnavailableError.
   */
  write(object: T, status: NonNullable<T['status']>, signal: AbortSignal): Promise<void>;
}

/**
 * Adds and removes one finalizer, never touching others'. Both are no-ops when already so; a gone
 * object is fine to remove from.
 */
export interface FinalizerWriter<T extends KubeObject> {
  /**
   * @returns the object as the server has it now. @throws StaleReadError, NotLeaderError,
   * ClusterUnavailableError
   */
  add(object: T, finalizer: string, signal: AbortSignal): Promise<T>;
  remove(object: T, finalizer: string, signal: AbortSignal): Promise<void>;
}

/**
 * Everything about one kind: its cache, and the ways past it. Both worlds provide it, the
 * controllers use it.
 */
export interface KindAccess<T extends KubeObject & { readonly status?: unknown }> {
  readonly informer: Informer<T>;
  readonly live: LiveReader<T>;
  readonly status: StatusWriter<T>;
  readonly finalizers: FinalizerWriter<T>;
}

export interface KubeEvent {
  readonly type: 'Normal' | 'Warning';
  /** PascalCase, at most 128 characters. */
  readonly reason: string;
  /** What was done or tried: `Subscribe`, `Unsubscribe`, … */
  readonly action: string;
  /** For users; at most 1 kB; no secret. */
  readonly note: string;
}

/** events.k8s.io/v1, aggregated. Never throws and never waits; loss is counted. */
export interface EventRecorder {
  record(regarding: KubeObject, event: KubeEvent): void;
}

/**
 * Says whether this process may begin a write now. Checked immediately before each write, at Graph
 * and in the cluster.
 */
export interface WriteFence {
  /** @throws NotLeaderError */
  check(): void;
}

/** What to do after a reconcile that did not fail. A failure is thrown, never returned. */
export interface Result {
  readonly requeueAfterMs?: number;
}

/** Nothing to do until a watched object changes. */
export const awaitChange = (): Result => ({});

/** Look again after `ms` even when nothing changed: the outside world drifts without telling us. */
export const requeueAfter = (ms: number): Result => ({ requeueAfterMs: ms });

/** Level-based: it gets a key, never an event, and must be safe to run any number of times. */
export interface Reconciler {
  reconcile(key: NamespacedName, signal: AbortSignal): Promise<Result>;
}

/** What a controller's watches may do with the queue. */
export interface Enqueue<K = NamespacedName> {
  add(key: K, cls?: QueueClass): void;
  addAfter(key: K, ms: number, cls?: QueueClass): void;
}
