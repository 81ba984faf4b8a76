import type { MessengerApp, MessengerPage } from '../api/v1alpha1/types.gen.js';
import { consentOf } from '../core/domain/consent.js';
import { keyText, keyOf } from '../core/domain/object-key.js';
import type { RouteAnswer } from '../core/ports/page-lookup.js';

/** Who holds (appId, pageId), or why no page does. */
export type Holding =
  | { readonly kind: 'held'; readonly page: MessengerPage; readonly app: MessengerApp; readonly epoch: number }
  | Exclude<RouteAnswer, { kind: 'route' }>;

export interface HoldingFacts {
  readonly appId: string;
  readonly pageId: string;
  /** Every page with this pageId. */
  readonly pages: readonly MessengerPage[];
  /** The app that POSTs of this appId are verified for. */
  readonly active: MessengerApp | undefined;
  readonly appOf: (page: MessengerPage) => MessengerApp | undefined;
  /** A namespace's labels; undefined where namespaces are not watched. */
  readonly labelsOf: (namespace: string) => Readonly<Record<string, string>> | undefined;
}

/**
 * Reads who holds a key from what the leader published: of the pages that say Held the one of the
 * highest epoch, as long as the app still is there and consents. Decides nothing: where the leader
 * has not, it is `not_yet`.
 */
export function holdingOf(facts: HoldingFacts): Holding {
  const { appId, pageId, active } = facts;
  const [page] = facts.pages.filter((one) => claimFor(one, facts)?.state === 'Held').sort((a, b) => epochOf(b) - epochOf(a) || byKey(a, b));
  if (page === undefined) return undecided(facts);
  const app = facts.appOf(page);
  if (app === undefined) return { kind: 'dropped', why: 'consent_withdrawn' };
  if (!isSame(app, active) || app.spec.appId !== appId || page.spec.pageId !== pageId) return { kind: 'dropped', why: 'claim_lost' };
  if (isRefused(page, app, facts)) return { kind: 'dropped', why: 'consent_withdrawn' };
  return { kind: 'held', page, app, epoch: epochOf(page) };
}

/**
 * Why no page holds the key. Undecided is only a page that the leader has not answered yet: it has
 * no claim. `Waiting` is an answer, so its events are those of an unknown page.
 */
function undecided(facts: HoldingFacts): Holding {
  if (facts.pages.some((page) => mayStillGet(page, facts))) return { kind: 'not_yet', why: 'claim_undecided' };
  const refused = facts.pages.some((page) => claimFor(page, facts)?.state === 'Refused');
  return refused ? { kind: 'dropped', why: 'consent_withdrawn' } : { kind: 'unknown' };
}

function mayStillGet(page: MessengerPage, facts: HoldingFacts): boolean {
  const app = facts.appOf(page);
  if (app === undefined || app.spec.appId !== facts.appId || !isSame(app, facts.active)) return false;
  if (claimFor(page, facts) !== undefined || page.metadata.deletionTimestamp !== undefined) return false;
  return !isRefused(page, app, facts);
}

/**
 * A selector that cannot be judged here (namespaces are not watched) is the leader's to judge: it
 * takes the claim away.
 */
function isRefused(page: MessengerPage, app: MessengerApp, { labelsOf }: HoldingFacts): boolean {
  const namespace = page.metadata.namespace ?? '';
  const consent = consentOf(app, namespace, labelsOf(namespace));
  return !consent.given && consent.why === 'not_allowed';
}

function claimFor(page: MessengerPage, { appId, pageId }: HoldingFacts) {
  const claim = page.status?.claim;
  return claim?.appId === appId && claim.pageId === pageId ? claim : undefined;
}

function isSame(app: MessengerApp, other: MessengerApp | undefined): boolean {
  return other !== undefined && keyText(keyOf(app)) === keyText(keyOf(other));
}

function epochOf(page: MessengerPage): number {
  return page.status?.claim?.epoch ?? 0;
}

function byKey(a: MessengerPage, b: MessengerPage): number {
  return keyText(keyOf(a)) < keyText(keyOf(b)) ? -1 : 1;
}
