import type { MessengerApp, MessengerPage } from '../api/v1alpha1/types.gen.js';
import type { Clock } from '../kit/clock.js';
import type { Logger } from '../kit/log.js';
import type { Watched } from '../core/ports/metric-labels.js';
import type { IndexFunction } from '../runtime/store-index.js';
import type { KubeClient } from './kube-http.js';
import type { ReflectorEvent, ReflectorTiming } from './reflector-options.js';

export type { Watched };

/** What is watched, and with it which RBAC the process needs. */
export type KubeRole = 'controller' | 'webhook' | 'pages-api';

/** A cache as metrics see it. */
export interface ObservedCache {
  readonly size: number;
  ageMs(): number;
}

/** What a cluster tells its metrics; every method is optional. */
export interface KubeClusterObserver {
  /** The `observe` of the reflectors of one resource. */
  watch?(resource: Watched): (event: ReflectorEvent) => void;
  cache?(resource: Watched, cache: ObservedCache): void;
  leading?(leading: boolean): void;
  event?(what: 'sent' | 'dropped'): void;
}

/** How the right to write is had. */
export interface LeadOptions {
  /** false: this process writes without asking anybody; for one replica on a laptop. */
  readonly elect: boolean;
  /** Where the Lease is, and Events that find no other place. */
  readonly namespace: string;
  readonly leaseName: string;
  /** Of this process, never of two. */
  readonly identity: string;
}

type Indexes<T> = Readonly<Record<string, IndexFunction<T>>>;

export interface KubeClusterOptions {
  readonly client: KubeClient;
  readonly role: KubeRole;
  readonly clock: Clock;
  readonly log: Logger;
  /** Empty: all, which needs cluster-wide rights. */
  readonly watchNamespaces: readonly string[];
  /** Where Secrets may be watched; elsewhere they are read by name. Empty: wherever objects are watched. */
  readonly secretNamespaces?: readonly string[];
  /** How long the last good value of a Secret or ConfigMap that vanished is kept. */
  readonly secretGraceMs: number;
  readonly indexes?: { readonly pages?: Indexes<MessengerPage>; readonly apps?: Indexes<MessengerApp> };
  /** undefined: this process never writes. */
  readonly lead: LeadOptions | undefined;
  readonly observer?: KubeClusterObserver;
  /** For tests. */
  readonly timing?: Partial<ReflectorTiming>;
}
