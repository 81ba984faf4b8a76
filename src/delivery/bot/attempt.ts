import { bodyOf, type EventEntry, type EventItem } from '../../core/domain/event.js';
import type { PageRoute } from '../../core/ports/page-lookup.js';
import type { PostTrace } from '../../core/ports/trace.js';
import type { Secret } from '../../core/secrets/secret.js';
import type { Holders } from '../../kit/fair-shares.js';
import type { Reply } from './reply.js';

/** What became of an item. All but `unavailable` are final. */
export type Outcome = 'accepted' | 'refused' | 'dropped' | 'unavailable';

/**
 * Items of one entry for one bot, in one request. Made by a kind of delivery, which knows where the
 * events come from and decides what a failure means for them; {@link BotSender} brings them to the
 * bot.
 */
export interface Attempt {
  readonly route: PageRoute;
  readonly entry: EventEntry;
  /** At least one, all of one channel. */
  readonly items: readonly EventItem[];
  /** Signs for a bot that has no signing secret of its own. */
  readonly appSecret: Secret;
  /** What `appSecret` has signed already: Meta's `sha256=…` over the raw body. */
  readonly verified: { readonly bytes: Buffer; readonly signature: string } | undefined;
  /** W3C trace context of the POST that brought the events. */
  readonly traceparent: string;
  readonly trace: Pick<PostTrace, 'attempt'> | undefined;
  /** Clock.monotonicMs() when the events arrived. */
  readonly receivedMs: number;
  /** Clock.monotonicMs() from which nothing of it is sent any more. */
  readonly lastTryMs: number;
  /** Who its request counts for. */
  readonly holders: Holders;
  /** Whether an earlier event of its conversations failed, which it must not overtake. */
  isBlocked(): boolean;
  /** Whether it is sent although it is late or the bot's circuit is open. */
  mustTry(): boolean;
  /** Whether one more debug line may be written about the POST that it came with. */
  mayLog(): boolean;
  /** A request with it is about to leave. */
  begun(): void;
  /** It was too large: two smaller ones instead. Called only where there are several items. */
  halves(): readonly [Attempt, Attempt];
  /**
   * Decides what becomes of each item. Called once; not called if `halves` was.
   * @returns `accepted` if all were accepted
   */
  settle(reply: Reply): Outcome;
}

export function signingSecretOf({ route, appSecret }: Attempt): Secret {
  return route.signingSecret ?? appSecret;
}

/**
 * Splits events of an entry into requests: at most `maxEventsPerRequest` items (0: no bound) and
 * `maxRequestBytes` in each, of one channel, in their order. An item that is larger by itself gets
 * a request of its own.
 */
export function splitIntoRequests<T extends { readonly item: EventItem }>(
  route: PageRoute,
  entry: EventEntry,
  events: readonly T[],
): T[][] {
  const [first] = events;
  if (first === undefined) return [];
  if (events.length === 1) return [[first]];
  const { maxEventsPerRequest, maxRequestBytes } = route;
  const frameBytes = bodyOf(entry, [first.item]).length - first.item.bytes.length;
  const most = maxEventsPerRequest === 0 ? Infinity : maxEventsPerRequest;
  const requests: T[][] = [];
  let request: T[] = [];
  let bytes = 0;
  for (const event of events) {
    const size = event.item.bytes.length + 1;
    const fits = request.length < most && frameBytes + bytes + size <= maxRequestBytes && goTogether(request[0]?.item, event.item);
    if (request.length > 0 && !fits) {
      requests.push(request);
      request = [];
      bytes = 0;
    }
    request.push(event);
    bytes += size;
  }
  requests.push(request);
  return requests;
}

function goTogether(first: EventItem | undefined, next: EventItem): boolean {
  return first === undefined || (next.channel !== undefined && first.channel === next.channel);
}
