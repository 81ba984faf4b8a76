import type { CustomObject, Kind } from '../api/kinds.js';
import type { Namespace, Service } from '../api/meta.js';
import type { DataCache, EventRecorder, Informer, KindAccess, WriteFence } from './ports.js';

/**
 * Where the objects live: a Kubernetes cluster, or a folder of manifests. Everything behind this
 * interface is the same code in both worlds.
 */
export interface Cluster {
  /** The objects of one kind: their cache, and the ways past it. */
  kind<T extends CustomObject>(kind: Kind<T>): KindAccess<T>;
  /** undefined where the role does not watch them. */
  readonly services: Informer<Service> | undefined;
  readonly namespaces: Informer<Namespace> | undefined;
  readonly secrets: DataCache;
  readonly configMaps: DataCache | undefined;
  readonly events: EventRecorder;
  /** Whether this process may write now. */
  readonly fence: WriteFence;
  /** Begins to watch; goes on until the signal is aborted. */
  start(signal: AbortSignal): void;
  /** What has not been listed yet, as texts for people; empty: everything is known. */
  unsynced(): readonly string[];
  /**
   * Why the cache may be out of date, as texts for people. Empty as a rule. The admin server shows
   * it; it changes nothing.
   */
  degraded(): readonly string[];
  /**
   * Waits until this process leads, then runs `work` until the signal is aborted, and gives the
   * lead back.
   * @throws NotLeaderError when the lead was lost: `work`'s signal is aborted then, and the process
   * must end
   */
  lead(work: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void>;
  /**
   * Resolves once every kind is known here as it was at this call, or later. For a process that
   * begins to lead: the last writes of the leader before it may not have arrived yet. @throws the
   * signal's reason
   */
  refresh(signal: AbortSignal): Promise<void>;
  /** Gives back everything it holds. Abort the signal of `start` first. */
  close(): Promise<void>;
}
