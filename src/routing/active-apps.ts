import type { MessengerApp } from '../api/v1alpha1/types.gen.js';
import { byAge } from '../core/domain/app-claim.js';
import { keyOf } from '../core/domain/object-key.js';
import { classOf } from '../relations/relations.js';

/** Reasons of `Accepted=False` with which an app is not on its path: the leader gave its appId, or its place, to another one. */
const SHUT_OUT: ReadonlySet<string> = new Set(['AppClaimed', 'PathCrowded']);

/**
 * The one MessengerApp for each appId, of one class. What the leader decided counts (`status.conditions`); where it has
 * decided nothing yet, an app that has a decision in its favour goes before one without, then the oldest.
 */
export function activeApps(apps: readonly MessengerApp[], className: string): ReadonlyMap<string, MessengerApp> {
  const active = new Map<string, MessengerApp>();
  const ours = apps.filter((app) => classOf(app) === className && !isShutOut(app));
  for (const app of ours.sort(byPrecedence)) if (!active.has(app.spec.appId)) active.set(app.spec.appId, app);
  return active;
}

/** Oldest first, those that the leader has decided about before the others. */
export function byPrecedence(a: MessengerApp, b: MessengerApp): number {
  return Number(accepted(a) === undefined) - Number(accepted(b) === undefined) || byAge(identity(a), identity(b));
}

/** What of an app decides whether it is active, as text: equal for changes of its status that matter to nobody here. */
export function appDigest(app: MessengerApp): string {
  const { reason, status } = accepted(app) ?? {};
  return JSON.stringify([app.metadata.uid, app.spec, status, reason]);
}

function isShutOut(app: MessengerApp): boolean {
  const condition = accepted(app);
  return condition?.status === 'False' && SHUT_OUT.has(condition.reason);
}

function accepted(app: MessengerApp) {
  return app.status?.conditions?.find(({ type }) => type === 'Accepted');
}

function identity(app: MessengerApp): { readonly creationTimestamp: string; readonly namespace: string; readonly name: string } {
  return { creationTimestamp: app.metadata.creationTimestamp ?? '', ...keyOf(app) };
}
