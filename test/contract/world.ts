import type { KubeObject } from '../../src/api/meta.js';
import type { Cluster } from '../../src/runtime/cluster.js';
import type { DataCache, Informer, KindAccess } from '../../src/runtime/ports.js';
import type { Widget } from './widgets.js';

/** A manifest as a user writes it. */
export type Manifest = Readonly<Record<string, unknown>> & {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
};

/** One of the two places where objects live, and what a user can do there. */
export interface World {
  readonly cluster: Cluster;
  /** As the Pages API knows them; the controller reads none. */
  readonly configMaps: DataCache;
  /** A kind that the operator does not have. */
  readonly widgets: KindAccess<Widget>;
  /**
   * As `kubectl apply`, or saving a file. A refused manifest changes nothing. @returns why it was
   * refused, if it was
   */
  apply(manifest: Manifest): Promise<string | undefined>;
  /** As `kubectl delete --wait=false`, or removing the file. */
  remove(manifest: Manifest): Promise<void>;
  stop(): Promise<void>;
}

/** What an informer told, as `type name`, in order. */
export class Told {
  readonly changes: string[] = [];
  readonly stop: () => void;

  constructor(informer: Informer<KubeObject>, name: string) {
    this.stop = informer.subscribe(({ type, object }: { readonly type: string; readonly object: KubeObject }) => {
      if (object.metadata.name === name) this.changes.push(type);
    });
  }
}
