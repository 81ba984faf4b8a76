import { BoundedMap } from '../kit/bounded-map.js';
import type { Clock } from '../kit/clock.js';
import type { RoutedEntry } from '../core/ports/delivery.js';
import type { PageLookup, RouteAnswer, WebhookApp } from '../core/ports/page-lookup.js';
import { WATCH_FRESH_MS, WATCH_LOST_MS } from './limits.js';
import type { EntryResult, WebhookObserver } from './observe.js';
import type { ScannedEntry } from './payload/scan.js';
import { entryTimeMs, type Splitter } from './payload/split.js';

const MAX_FIRST_SEEN = 10_000;
const DIGITS = /^[0-9]{1,64}$/;
const RETRY: ReadonlySet<EntryResult> = new Set(['unknown_page_watch_stale', 'claim_undecided', 'backend_unresolved']);

export interface RoutingDeps {
  readonly lookup: PageLookup;
  readonly clock: Clock;
  readonly observe: WebhookObserver;
  readonly giveUpMs: number;
  /** Called for each entry that Meta is not asked to send again although its page is still undecided. */
  readonly dropped: (pageId: string | undefined, why: EntryResult) => void;
}

/** A verified POST, before its pages are known. */
interface UnroutedPost {
  /** Those whose own secret verified it: only their pages are looked at. */
  readonly apps: readonly WebhookApp[];
  readonly splitter: Splitter;
  readonly signature: string;
}

export interface Routed {
  readonly entries: readonly RoutedEntry[];
  /** The page of some entry is undecided: Meta has to send the POST again. */
  readonly again: boolean;
}

/** Finds the page of each entry of a POST. */
export class PostRouter {
  readonly #deps: RoutingDeps;
  /**
   * When a POST was first seen, by its signature, which a retry repeats: the age of an entry without a
   * time, or with one in the future.
   */
  readonly #firstSeen = new BoundedMap<string, number>(MAX_FIRST_SEEN);

  constructor(deps: RoutingDeps) {
    this.#deps = deps;
  }

  route(post: UnroutedPost): Routed {
    const { observe, lookup } = this.#deps;
    const { apps, splitter } = post;
    const entries: RoutedEntry[] = [];
    let again = false;
    this.#noteStrays(post);
    for (const scanned of splitter.scanned.entries ?? []) {
      const { appId, answer } = bestRoute(lookup, apps, scanned.id);
      if (answer?.kind === 'route') {
        const { route } = answer;
        const entry = splitter.entry(scanned, route);
        if (entry !== undefined) entries.push({ route, entry });
        observe.entry(appId, entry === undefined ? 'empty' : 'routed');
        continue;
      }
      const result = this.#leave(post, scanned, answer);
      again ||= RETRY.has(result);
      observe.entry(appId, result);
    }
    return { entries, again };
  }

  #noteStrays({ apps, splitter }: UnroutedPost): void {
    for (let i = 0; i < splitter.scanned.strays; i++) this.#deps.observe.entry(apps[0]?.appId ?? '', 'not_an_object');
  }

  #leave(post: UnroutedPost, scanned: ScannedEntry, answer: Exclude<RouteAnswer, { kind: 'route' }> | undefined): EntryResult {
    const result = resultOf(answer, this.#deps.lookup);
    if (!RETRY.has(result)) return result;
    const { clock, giveUpMs } = this.#deps;
    const now = clock.nowMs();
    const timeMs = entryTimeMs(scanned);
    const sinceMs = timeMs === undefined || timeMs > now ? this.#firstSeenMs(post.signature, now) : timeMs;
    if (now - sinceMs >= giveUpMs) {
      this.#deps.dropped(scanned.id, result);
      return 'dropped';
    }
    return result;
  }

  #firstSeenMs(signature: string, now: number): number {
    const known = this.#firstSeen.get(signature);
    if (known === undefined) this.#firstSeen.set(signature, now);
    return known ?? now;
  }
}

interface Best {
  readonly appId: string;
  /** undefined: the entry has no id that a page could have. */
  readonly answer: RouteAnswer | undefined;
}

const RANK: Readonly<Record<RouteAnswer['kind'], number>> = { route: 3, not_yet: 2, dropped: 1, unknown: 0 };

/** Two apps can only both have verified if they share a secret; then the one that knows the page is meant. */
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

function resultOf(answer: Exclude<RouteAnswer, { kind: 'route' }> | undefined, lookup: PageLookup): EntryResult {
  if (answer === undefined) return 'no_page_id';
  switch (answer.kind) {
    case 'dropped':
    case 'not_yet':
      return answer.why;
    case 'unknown':
      return unknownPage(lookup.watchAgeMs());
  }
}

/** A page may be newer than what a silent watch has told. */
function unknownPage(watchAgeMs: number): EntryResult {
  if (watchAgeMs < WATCH_FRESH_MS) return 'unknown_page';
  return watchAgeMs <= WATCH_LOST_MS ? 'unknown_page_watch_stale' : 'unknown_page_watch_lost';
}
