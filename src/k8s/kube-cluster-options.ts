import type { Kind } from '../api/kinds.js';
import type { Clock } from '../kit/clock.js';
import type { Logger } from '../kit/log.js';
import type { KindIndexes } from '../runtime/kinds.js';
import type { KubeClient } from './kube-http.js';
import type { KubeClusterObserver } from './observer.js';
import type { ReflectorTiming } from './reflector-options.js';

/** What is watched, and with it which RBAC the process needs. */
export type KubeRole = 'controller' | 'webhook' | 'pages-api';

/** How this process gets the right to write. */
export interface LeadOptions {
  /** false: this process writes without an election; for one replica on a laptop. */
  readonly elect: boolean;
  /** Where the Lease is, and Events that have no other namespace. */
  readonly namespace: string;
  readonly leaseName: string;
  /** Unique to this process. */
  readonly identity: string;
}

export interface KubeClusterOptions {
  readonly client: KubeClient;
  readonly role: KubeRole;
  readonly clock: Clock;
  readonly log: Logger;
  /** Empty: all, which needs cluster-wide rights. */
  readonly watchNamespaces: readonly string[];
  /**
   * Where Secrets may be watched; elsewhere they are read by name. Empty: wherever objects are
   * watched.
   */
  readonly secretNamespaces?: readonly string[];
  /** How long the last good value of a Secret or ConfigMap that vanished is kept. */
  readonly secretGraceMs: number;
  readonly indexes?: KindIndexes;
  /** Left out: every kind of ours. */
  readonly kinds?: readonly Kind[];
  /** undefined: this process never writes. */
  readonly lead: LeadOptions | undefined;
  readonly observer?: KubeClusterObserver;
  /** For tests. */
  readonly timing?: Partial<ReflectorTiming>;
}
