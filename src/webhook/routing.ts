import type { RoutedEntry } from '../core/ports/delivery.js';
import type { PageLookup, RouteAnswer, WebhookApp } from '../core/ports/page-lookup.js';
import { BoundedMap } from '../kit/bounded-map.js';
import type { Clock } from '../kit/clock.js';
import { WATCH_FRESH_MS, WATCH_LOST_MS } from './limits.js';
import type { EntryResult, WebhookObserver } from './observer.js';
import type { ScannedEntry, ScannedPost } from './payload/scan.js';
import { Splitter, type UndecidedEntry } from './payload/split.js';

const DIGITS = /^[0-9]{1,64}$/;
const RETRY: ReadonlySet<EntryResult> = new Set(['unknown_page_watch_stale', 'claim_undecided', 'backend_unresolved']);
const MAX_UNDECIDED = 10_000;

export interface RoutingDeps {
  readonly lookup: PageLookup;
  readonly clock: Clock;
  readonly observer: WebhookObserver;
  readonly giveUpMs: number;
  readonly undecided: UndecidedEntries;
  /** Called for each entry that is answered 200 although its route was never decided. */
  readonly onDropped: (pageId: string | undefined, why: EntryResult) => void;
  /** Called for a POST of which bots do not get all that is around their events. */
  readonly onLeftOut: (appId: string, bytes: number) => void;
}

export interface Routed {
  readonly entries: readonly RoutedEntry[];
  /** Some entry cannot be routed now: Meta has to send the POST again. */
  readonly retry: boolean;
}

/** A verified POST. */
interface Post {
  readonly bytes: Buffer;
  readonly by: { readonly apps: readonly WebhookApp[] };
}

/** When undecided entries were first seen, by their key. The oldest is forgotten first. */
export class UndecidedEntries {
  readonly #firstSeenMs = new BoundedMap<string, number>(MAX_UNDECIDED);

  firstSeenMs(key: string, nowMs: number): number {
    const known = this.#firstSeenMs.get(key);
    if (known !== undefined) return known;
    this.#firstSeenMs.set(key, nowMs);
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
    let result = routed === undefined ? resultOf(answer, lookup) : 'routed';
    if (RETRY.has(result) && isTooOld(deps, splitter.undecided(scannedEntry, appId))) {
      deps.onDropped(scannedEntry.id, result);
      result = 'dropped';
    }
    retry ||= RETRY.has(result);
    observer.entry(appId, result);
  }
  tellLeftOut(deps, splitter, post);
  countStrays(observer, apps, scanned.strays);
  return { entries, retry };
}

function tellLeftOut({ onLeftOut }: RoutingDeps, splitter: Splitter, { bytes, by }: Post): void {
  if (splitter.leftOut) onLeftOut(by.apps[0]?.appId ?? '', bytes.length);
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

/** Whether it has been undecided for so long that Meta must not be asked to retry it again. */
function isTooOld(deps: RoutingDeps, entry: UndecidedEntry): boolean {
  const now = deps.clock.nowMs();
  const sinceMs = Math.min(entry.timeMs, deps.undecided.firstSeenMs(entry.key, now));
  return now - sinceMs >= deps.giveUpMs;
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
      return unknownPage(lookup);
  }
}

/**
 * Whether an unknown app or page may be in a namespace that could not be listed since the start.
 */
export function mayBeUnlisted(lookup: PageLookup): boolean {
  const ms = lookup.unlistedForMs();
  return ms !== undefined && ms <= WATCH_LOST_MS;
}

/** The page may be newer than a silent watch's last event, or in a namespace not listed yet. */
function unknownPage(lookup: PageLookup): EntryResult {
  if (mayBeUnlisted(lookup)) return 'unknown_page_watch_stale';
  const watchAgeMs = lookup.watchAgeMs();
  if (watchAgeMs < WATCH_FRESH_MS) return 'unknown_page';
  return watchAgeMs <= WATCH_LOST_MS ? 'unknown_page_watch_stale' : 'unknown_page_watch_lost';
}
