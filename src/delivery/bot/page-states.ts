import { BoundedMap } from '../../kit/bounded-map.js';
import type { PageDeliveryState } from '../../core/ports/delivery.js';
import type { PageRoute } from '../../core/ports/page-lookup.js';

type Failure = NonNullable<PageDeliveryState['lastFailure']>['why'];
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

interface Known extends Mutable<PageDeliveryState> {
  /** Of the route it was last called with: the same object needs no comparison. */
  ofRoute: PageRoute['owner'];
}

const MAX_PAGES = 20_000;

/**
 * For an internal listing, never for metrics. Bounded: the page known for longest is forgotten
 * first.
 */
export class PageStates {
  readonly #states = new BoundedMap<string, Known>(MAX_PAGES);

  accepted(route: PageRoute, nowMs: number): void {
    const state = this.#of(route);
    state.lastEventMs = nowMs;
    state.lastAcceptedMs = nowMs;
  }

  failed(route: PageRoute, nowMs: number, why: Failure): void {
    const state = this.#of(route);
    state.lastEventMs = nowMs;
    state.lastFailure = { atMs: nowMs, why };
  }

  list(): readonly PageDeliveryState[] {
    return Array.from(this.#states.values(), ({ appId, pageId, owner, lastEventMs, lastAcceptedMs, lastFailure }) => {
      return { appId, pageId, owner, lastEventMs, lastAcceptedMs, lastFailure };
    });
  }

  #of(route: PageRoute): Known {
    const { appId, pageId, key, owner } = route;
    const known = this.#states.get(key);
    if (known?.ofRoute === owner) return known;
    if (known !== undefined && isOf(known, owner)) {
      known.ofRoute = owner;
      return known;
    }
    const fresh = {
      ofRoute: owner,
      appId,
      pageId,
      owner: `${owner.namespace}/${owner.name}`,
      lastEventMs: undefined,
      lastAcceptedMs: undefined,
      lastFailure: undefined,
    };
    this.#states.set(key, fresh);
    return fresh;
  }
}

/** `owner` is `namespace/name`; no text is made to compare it. */
function isOf({ owner }: PageDeliveryState, { namespace, name }: PageRoute['owner']): boolean {
  return owner.length === namespace.length + 1 + name.length && owner.startsWith(namespace) && owner.endsWith(name);
}
