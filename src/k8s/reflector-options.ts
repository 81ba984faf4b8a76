import type { KubeObject } from '../api/meta.js';
import type { Clock } from '../kit/clock.js';
import type { Logger } from '../kit/log.js';
import type { Store } from '../runtime/store.js';
import type { KubeClient } from './kube-http.js';
import type { ReflectorEvent } from './observer.js';
import type { ResourceType } from './resources.js';

/** What one reflector follows. */
export interface Followed {
  readonly resource: ResourceType;
  /** Left out: all namespaces (or a kind that has none). */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Asks for PartialObjectMetadata: no spec, no data. */
  readonly metadataOnly?: boolean;
}

export interface ReflectorOptions<T extends KubeObject> extends Followed {
  readonly client: KubeClient;
  readonly store: Store<T>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly observe?: (event: ReflectorEvent) => void;
  /** Told after a list has gone into the store. */
  readonly onListed?: () => void;
  /**
   * Called when a list or watch is refused (403, or 404 for a list) and when a list succeeds again.
   */
  readonly onRefused?: (refused: boolean) => void;
  readonly timing?: Partial<ReflectorTiming>;
  readonly random?: () => number;
}

export interface ReflectorTiming {
  /** Objects in one page of a list. */
  readonly pageLimit: number;
  /** Neither event nor bookmark for this long: the watch is cut and the kind listed again. */
  readonly silenceMs: number;
  /** Between two full lists, ±20 %, whatever the watch says. */
  readonly relistMs: number;
  /** What the server is asked to end a watch after, a random time between the two. */
  readonly minWatchMs: number;
  readonly maxWatchMs: number;
  readonly backoffBaseMs: number;
  readonly backoffMaxMs: number;
  /** Until listing that was forbidden is tried again. */
  readonly forbiddenRetryMs: number;
  /** A page of a list, from the request to its last byte. */
  readonly listTimeoutMs: number;
  readonly maxLineBytes: number;
}

export const REFLECTOR_TIMING: ReflectorTiming = {
  pageLimit: 500,
  silenceMs: 75_000,
  relistMs: 30 * 60_000,
  minWatchMs: 5 * 60_000,
  maxWatchMs: 10 * 60_000,
  backoffBaseMs: 800,
  backoffMaxMs: 30_000,
  forbiddenRetryMs: 10_000,
  listTimeoutMs: 60_000,
  maxLineBytes: 16 * 1024 * 1024,
};
