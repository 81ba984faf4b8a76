import type { Secret } from '../secrets/secret.js';
import type { Channel, PageRoute } from './page-lookup.js';
import type { PostTrace } from './trace.js';

/** One item of `messaging`, `standby` or `changes` (or an entry without any), as the bytes that Meta sent. */
export interface EventItem {
  readonly channel: Channel | undefined;
  /** The item's own bytes out of the raw body, byte for byte. */
  readonly bytes: Buffer;
  /** The conversation it belongs to: items with the same text go one after the other. */
  readonly conversation: string;
  /** Key for dropping duplicates, already hashed where it is long. */
  readonly dedupeKey: string;
}

/** One entry of a POST, routed: what one page's bot is to get, still in Meta's order. */
export interface RoutedEntry {
  readonly route: PageRoute;
  /** `entry.time` in milliseconds (seconds and milliseconds told apart); undefined where Meta gave none. */
  readonly timeMs: number | undefined;
  readonly items: readonly EventItem[];
  /** Builds a body for the bot that holds these items and the entry's and the POST's other keys byte for byte. */
  body(items: readonly EventItem[]): Buffer;
}

export interface RoutedPost {
  readonly appId: string;
  /** The app secret that verified the POST. */
  readonly verifiedBy: Secret;
  /** The raw body and the `sha256=…` that verified it: whoever sends these very bytes on need not sign them again. */
  readonly verified?: { readonly bytes: Buffer; readonly signature: string };
  readonly entries: readonly RoutedEntry[];
  /** Clock.monotonicMs() when the last byte arrived: the 4.0 s are counted from here. */
  readonly receivedMs: number;
  readonly traceparent: string;
  /** Left out: nobody records traces. */
  readonly trace?: PostTrace;
}

/** The trace id in a W3C `traceparent`: by it a log line and what a bot got are found to be the same event. */
export function traceIdOf(traceparent: string): string {
  return traceparent.split('-')[1] ?? '';
}

/**
 * What Meta is answered. `done`: every part was accepted, refused or given up (200). `unavailable`: Meta shall send the
 * POST again (503); what was not decided in time goes on being delivered and the retry joins it.
 */
export type PostVerdict = 'done' | 'unavailable';

/** The one port that direct and durable delivery implement. */
export interface Delivery {
  /** Calls `decided` once, at once or later. */
  deliver(post: RoutedPost, decided: (verdict: PostVerdict) => void): void;
  /** Resolves when nothing is in flight, or after `timeoutMs`. New posts are answered `unavailable`. */
  drain(timeoutMs: number): Promise<void>;
}
