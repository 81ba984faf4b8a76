import type { Namespace, Service } from '../api/meta.js';
import type { MessengerApp, MessengerPage } from '../api/v1alpha1/types.gen.js';
import type { DataCache, EventRecorder, Informer, KindAccess, WriteFence } from './ports.js';

/**
 * Where the objects live: a Kubernetes cluster, or a folder of manifests. Everything behind this interface is the same code
 * in both worlds.
 */
export interface Cluster {
  readonly pages: KindAccess<MessengerPage>;
  readonly apps: KindAccess<MessengerApp>;
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
  /** What has not been listed yet, in words; empty: everything is known. */
  unsynced(): readonly string[];
  /** Why it is known no more what goes on; empty as a rule. Told by the admin server, changes nothing. */
  degraded(): readonly string[];
  /**
   * Waits until this process leads, then runs `work` until the signal is aborted, and lets go of the lead after that.
   * Rejects when the lead was lost: `work`'s signal is aborted then, and the process must end.
   */
  lead(work: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void>;
  /**
   * Resolves once pages and apps are known here as they were at this call, or later. For one that begins to lead: what the
   * leader before it wrote last may not have been told yet. @throws the signal's reason
   */
  refresh(signal: AbortSignal): Promise<void>;
  /** Gives back what is held. The signal of `start` is aborted before. */
  close(): Promise<void>;
}
