import type { MessengerApp } from '../api/v1alpha1/types.gen.js';
import { byAge } from '../core/domain/app-claim.js';
import { keyOf } from '../core/domain/object-key.js';
import { classOf, wasAccepted } from '../relations/relations.js';
import { findCondition } from '../runtime/conditions.js';

/**
 * Reasons of `Accepted=False` with which an app is on no path: another app has its appId or its
 * place, or Graph refuses it.
 */
const TURNED_AWAY: ReadonlySet<string> = new Set(['AppClaimed', 'PathCrowded', 'AppSecretInvalid', 'AppIdMismatch']);

/**
 * The one MessengerApp for each appId, of one class: the one that the leader accepted, else the
 * oldest that it has not answered yet.
 */
export function activeApps(apps: readonly MessengerApp[], className: string): ReadonlyMap<string, MessengerApp> {
  const active = new Map<string, MessengerApp>();
  const ours = apps.filter((app) => classOf(app) === className && !isTurnedAway(app));
  for (const app of ours.sort(byPrecedence)) if (!active.has(app.spec.appId)) active.set(app.spec.appId, app);
  return active;
}

/** Accepted apps before the others, then the oldest first. */
export function byPrecedence(a: MessengerApp, b: MessengerApp): number {
  return Number(isDecided(b)) - Number(isDecided(a)) || byAge(identity(a), identity(b));
}

/**
 * Whether the leader has given the app its appId and its place on the path. Until then nothing is
 * verified with its secret: an invented app would cost every POST on the path two HMACs.
 */
export function isDecided(app: MessengerApp): boolean {
  return wasAccepted(app) && !isTurnedAway(app);
}

/**
 * What of an app decides whether it is active, as text: equal for changes of its status that do not
 * matter here.
 */
export function appDigest(app: MessengerApp): string {
  const { reason, status } = accepted(app) ?? {};
  return JSON.stringify([app.metadata.uid, app.spec, status, reason, isDecided(app)]);
}

function isTurnedAway(app: MessengerApp): boolean {
  const condition = accepted(app);
  return condition?.status === 'False' && TURNED_AWAY.has(condition.reason);
}

function accepted(app: MessengerApp) {
  return findCondition(app.status?.conditions, 'Accepted');
}

function identity(app: MessengerApp): { readonly creationTimestamp: string; readonly namespace: string; readonly name: string } {
  return { creationTimestamp: app.metadata.creationTimestamp ?? '', ...keyOf(app) };
}
