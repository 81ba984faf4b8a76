import type { RouteAnswer } from '../core/ports/page-lookup.js';
import { BoundedMap } from '../kit/bounded-map.js';
import type { Clock } from '../kit/clock.js';

/** A Service that is replaced, or applied after its page, is back by then. */
const UNRESOLVED_FOR_MS = 60_000;
const MAX_PAGES = 100_000;

/**
 * Pages whose Service or signing Secret does not exist. For a minute their events are answered 503
 * and Meta repeats them; after that the page has no backend, and its events are answered 200 and
 * counted. Otherwise one tenant's missing Service would turn every POST with an event of its page,
 * and of the pages beside it, into 503 for as long as it is missing.
 */
export class AbsentBackends {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #sinceMs = new BoundedMap<string, number>(MAX_PAGES);

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  get isEmpty(): boolean {
    return this.#sinceMs.size === 0;
  }

  /** What to say of a page for which `unresolved` was found just now. */
  answer(appId: string, pageId: string, unresolved: RouteAnswer): RouteAnswer {
    const key = `${appId}/${pageId}`;
    const nowMs = this.#clock.monotonicMs();
    const sinceMs = this.#sinceMs.get(key);
    if (sinceMs === undefined) this.#sinceMs.set(key, nowMs);
    return nowMs - (sinceMs ?? nowMs) < UNRESOLVED_FOR_MS ? unresolved : { kind: 'dropped', why: 'no_backend' };
  }

  /** Its backend is there. */
  found(appId: string, pageId: string): void {
    this.#sinceMs.delete(`${appId}/${pageId}`);
  }
}
