import type { EventEntry } from '../domain/event.js';
import type { Secret } from '../secrets/secret.js';
import type { PageRoute } from './page-lookup.js';
import type { PostTrace } from './trace.js';

/**
 * One entry of a POST and the route of its page, as the page index had it when the POST arrived.
 */
export interface RoutedEntry {
  readonly route: PageRoute;
  readonly entry: EventEntry;
}

/** A verified POST with the entries that have a bot. */
export interface RoutedPost {
  readonly appId: string;
  /** The app secret that verified the POST. */
  readonly verifiedBy: Secret;
  /**
   * The raw body and the `sha256=…` that verified it: a request with these very bytes needs no new
   * signature.
   */
  readonly verified?: { readonly bytes: Buffer; readonly signature: string };
  readonly entries: readonly RoutedEntry[];
  /** Clock.monotonicMs() when the last byte arrived: the 4.0 s are counted from here. */
  readonly receivedMs: number;
  /** W3C trace context. */
  readonly traceparent: string;
  /** Left out where traces are not recorded. */
  readonly trace?: PostTrace;
}

/** The trace id in a W3C `traceparent`: it connects a log line with what a bot received. */
export function traceIdOf(traceparent: string): string {
  return traceparent.split('-')[1] ?? '';
}

/**
 * What Meta is answered. `done`: 200, nothing of the POST needs to be sent again. `unavailable`:
 * 503, Meta sends the POST again.
 */
export type PostVerdict = 'done' | 'unavailable';

/** Why a request could not be delivered now. */
export const UNAVAILABLE_WHYS = [
  'timeout',
  'connect',
  'reset',
  'dns',
  'address_refused',
  'bad_target',
  'status',
  'refusals_not_trusted',
  'circuit_open',
  'earlier_event_failed',
  'out_of_time',
  'lane_full',
  'over_limit',
  'over_share',
  'draining',
] as const;
export type UnavailableWhy = (typeof UNAVAILABLE_WHYS)[number];

/** How delivery to one page goes, as this replica sees it. Wall clock times in milliseconds. */
export interface PageDeliveryState {
  readonly appId: string;
  readonly pageId: string;
  /** `namespace/name` */
  readonly owner: string;
  readonly lastEventMs: number | undefined;
  readonly lastAcceptedMs: number | undefined;
  readonly lastFailure: { readonly atMs: number; readonly why: UnavailableWhy | 'refused' | 'dropped' } | undefined;
}

/**
 * From a verified POST to the bots. One instance lives as long as its process: `start`, any number
 * of `deliver`, `drain`, `close`.
 */
export interface Delivery {
  /**
   * Resolves when events can be taken.
   * @throws Error with a message for the user where that is impossible
   */
  start(): Promise<void>;
  /** Whether events can be taken now; the process is not ready without it. */
  ready(): boolean;
  /** Calls `decided` once, at once or later. */
  deliver(post: RoutedPost, decided: (verdict: PostVerdict) => void): void;
  /**
   * Refuses new POSTs as `unavailable`. Resolves when nothing is in flight, or after `timeoutMs`.
   */
  drain(timeoutMs: number): Promise<void>;
  /** Ends what is left at once, and every connection. */
  close(): Promise<void>;
  pageStates(): readonly PageDeliveryState[];
}
