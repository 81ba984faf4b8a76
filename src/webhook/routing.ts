import type { RoutedEntry } from '../core/ports/delivery.js';
import type { PageLookup, RouteAnswer, WebhookApp } from '../core/ports/page-lookup.js';
import { BoundedMap } from '../kit/bounded-map.js';
import type { Clock } from '../kit/clock.js';
import { WATCH_FRESH_MS, WATCH_LOST_MS } from './limits.js';
import type { EntryResult, WebhookObserver } from './observer.js';
import type { ScannedEntry, ScannedPost } from './payload/scan.js';
import { entryTimeMs, Splitter } from './payload/split.js';

const DIGITS = /^[0-9]{1,64}$/;
const RETRY: ReadonlySet<EntryResult> = new Set(['unknown_page_watch_stale', 'claim_undecided', 'backend_unresolved']);
const MAX_UNDECIDED = 10_000;

export interface RoutingDeps {
  readonly lookup: PageLookup;
  readonly clock: Clock;
  readonly observer: WebhookObserver;
  readonly giveUpMs: number;
  readonly undecided: UndecidedPosts;
  /** Called for each entry that is answered 200 although its route was never decided. */
  readonly onDropped: (pageId: string | undefined, why: EntryResult) => void;
}

export interface Routed {
  readonly entries: readonly RoutedEntry[];
  /** Some entry cannot be routed now: Meta has to send the POST again. */
  readonly retry: boolean;
}

/** A verified POST. */
interface Post {
  readonly bytes: Buffer;
  readonly signature: string;
  readonly by: { readonly apps: readonly WebhookApp[] };
}

/** When undecided POSTs were first seen, by their signature. The oldest is forgotten first. */
export class UndecidedPosts {
  readonly #firstSeenMs = new BoundedMap<string, number>(MAX_UNDECIDED);

  firstSeenMs(signature: string, nowMs: number): number {
    const known = this.#firstSeenMs.get(signature);
    if (known !== undefined) return known;
    this.#firstSeenMs.set(signature, nowMs);
    return nowMs;
  }
}

/** Finds the page of each entry, among the pages of the apps whose secret verified the POST. */
export function routeEntries(deps: RoutingDeps, post: Post, scanned: ScannedPost): Routed {
  const { observer, lookup } = deps;
  const { apps } = post.by;
  const splitter = new Splitter(post.bytes, scanned);
  const entries: RoutedEntry[] = [];
  let retry = false;
  for (const scannedEntry of scanned.entries ?? []) {
    const { appId, answer } = bestRoute(lookup, apps, scannedEntry.id);
    const routed = routedEntry(splitter, scannedEntry, answer);
    if (routed !== undefined) entries.push(routed);
    const result = routed === undefined ? dropIfOld(deps, post, scannedEntry, resultOf(answer, lookup)) : 'routed';
    retry ||= RETRY.has(result);
    observer.entry(appId, result);
  }
  countStrays(observer, apps, scanned.strays);
  return { entries, retry };
}

function routedEntry(splitter: Splitter, scanned: ScannedEntry, answer: RouteAnswer | undefined): RoutedEntry | undefined {
  if (answer?.kind !== 'route') return undefined;
  const { route } = answer;
  const entry = splitter.entry(scanned, route);
  return entry === undefined ? undefined : { route, entry };
}

function countStrays(observer: WebhookObserver, apps: readonly WebhookApp[], strays: number): void {
  for (let i = 0; i < strays; i++) observer.entry(apps[0]?.appId ?? '', 'not_an_object');
}

/**
 * An entry that stays undecided for too long is answered 200, or Meta would unsubscribe the app.
 */
function dropIfOld(deps: RoutingDeps, { signature }: Post, scanned: ScannedEntry, result: EntryResult): EntryResult {
  if (!RETRY.has(result)) return result;
  const now = deps.clock.nowMs();
  const timeMs = entryTimeMs(scanned);
  const sinceMs = timeMs === undefined || timeMs > now ? deps.undecided.firstSeenMs(signature, now) : timeMs;
  if (now - sinceMs < deps.giveUpMs) return result;
  deps.onDropped(scanned.id, result);
  return 'dropped';
}

interface Best {
  readonly appId: string;
  /** undefined: the entry has no id that a page could have. */
  readonly answer: RouteAnswer | undefined;
}

const RANK: Readonly<Record<RouteAnswer['kind'], number>> = { route: 3, not_yet: 2, dropped: 1, unknown: 0 };

/** Several apps verify only if they share a secret; then the one that knows the page is meant. */
function bestRoute(lookup: PageLookup, apps: readonly WebhookApp[], id: string | undefined): Best {
  let best: Best = { appId: apps[0]?.appId ?? '', answer: undefined };
  if (id === undefined || !DIGITS.test(id)) return best;
  for (const { appId } of apps) {
    const answer = lookup.route(appId, id);
    if (best.answer === undefined || RANK[answer.kind] > RANK[best.answer.kind]) best = { appId, answer };
    if (answer.kind === 'route') break;
  }
  return best;
}

/** Of an entry of which nothing is delivered. */
function resultOf(answer: RouteAnswer | undefined, lookup: PageLookup): EntryResult {
  if (answer === undefined) return 'no_page_id';
  switch (answer.kind) {
    case 'route':
      return 'empty';
    case 'dropped':
    case 'not_yet':
      return answer.why;
    case 'unknown':
      return unknownPage(lookup.watchAgeMs());
  }
}

/** The page may be newer than the last event of a silent watch. */
function unknownPage(watchAgeMs: number): EntryResult {
  if (watchAgeMs < WATCH_FRESH_MS) return 'unknown_page';
  return watchAgeMs <= WATCH_LOST_MS ? 'unknown_page_watch_stale' : 'unknown_page_watch_lost';
}
