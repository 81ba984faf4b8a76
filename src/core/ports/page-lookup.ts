import type { Channel } from '../domain/event.js';
import type { NamespacedName } from '../domain/object-key.js';
import type { Secret } from '../secrets/secret.js';

/**
 * Where a page's events go. A Service is named, not resolved: delivery resolves and guards the
 * address when it dials.
 */
export type BackendTarget =
  | { readonly kind: 'service'; readonly namespace: string; readonly name: string; readonly port: number; readonly path: string }
  | { readonly kind: 'url'; readonly url: string };

/** All that the event path knows of a page. No page token. Immutable: a change makes a new one. */
export interface PageRoute {
  /**
   * The MessengerPage that holds the claim; with `epoch` the identity that a delivery is bound to.
   */
  readonly owner: NamespacedName & { readonly uid: string };
  readonly epoch: number;
  readonly appId: string;
  readonly pageId: string;
  /** `appId/pageId`: by it everybody on the event path knows the page. Made, and hashed, once. */
  readonly key: string;
  readonly target: BackendTarget;
  /**
   * What the operator signs with for this bot; undefined: the app secret that verified the POST.
   */
  readonly signingSecret: Secret | undefined;
  /** The lists whose items are delivered; undefined: all. */
  readonly accepts: ReadonlySet<Channel> | undefined;
  readonly timeoutMs: number;
  readonly maxInFlight: number;
  /** 0 = whole entries. */
  readonly maxEventsPerRequest: number;
  readonly maxRequestBytes: number;
}

export type RouteAnswer =
  | { readonly kind: 'route'; readonly route: PageRoute }
  /** No MessengerPage of this app names the page. */
  | { readonly kind: 'unknown' }
  /** Its events are answered 200 and counted: that is what the manifests say. */
  | { readonly kind: 'dropped'; readonly why: 'claim_lost' | 'consent_withdrawn' | 'no_backend' | 'backend_not_allowed' }
  /**
   * Not now: the claim is not decided yet, or the backend or its signing secret cannot be resolved
   * right now. Meta may retry.
   */
  | { readonly kind: 'not_yet'; readonly why: 'claim_undecided' }
  /**
   * `absent`: the Service, or the signing Secret, does not exist; else it cannot be read right now.
   */
  | { readonly kind: 'not_yet'; readonly why: 'backend_unresolved'; readonly absent: boolean };

/** How many apps may share a path: each costs one HMAC per POST on that path. */
export const MAX_APPS_PER_PATH = 8;

/** One app as the webhook needs it. */
export interface WebhookApp {
  readonly owner: NamespacedName;
  readonly appId: string;
  readonly path: string;
  /**
   * Whether the leader has accepted it. Until then its path answers 503 without a look at the
   * signature.
   */
  readonly decided: boolean;
  /**
   * Current first, then the previous one during a rotation. Empty: not loaded, or not decided;
   * nothing verifies.
   */
  readonly appSecrets: readonly Secret[];
  readonly verifyToken: Secret | undefined;
}

/** The page index as the event path sees it: synchronous, from the cache alone. */
export interface PageLookup {
  /**
   * Whether every watch behind the index has been synced once. A namespace whose list is refused is
   * not waited for.
   */
  synced(): boolean;
  /** Milliseconds since the stalest watch behind the index last spoke (event or bookmark). */
  watchAgeMs(): number;
  /**
   * Milliseconds since the start, if pages or apps of a namespace could never be listed. undefined:
   * all were.
   */
  unlistedForMs(): number | undefined;
  /** Apps on a path (no trailing slash); empty for a path of no app. */
  appsOnPath(path: string): readonly WebhookApp[];
  route(appId: string, pageId: string): RouteAnswer;
}
