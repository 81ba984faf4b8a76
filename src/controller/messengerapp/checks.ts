import type { MessengerApp, MessengerPage } from '../../api/v1alpha1/types.gen.js';
import { byAge, decideAppClaim, type AppCandidate } from '../../core/domain/app-claim.js';
import { effectiveSpec } from '../../core/domain/effective-spec.js';
import type { AppSubscription } from '../../core/ports/graph.js';
import { findCondition } from '../../runtime/conditions.js';
import { isBeingDeleted } from '../../runtime/finalizers.js';
import { MAX_APPS_PER_PATH } from '../../core/ports/page-lookup.js';
import { classOf, webhookPathOf } from '../../relations/relations.js';
import { bad, type Judgement } from '../verdict.js';

/** Another app has this appId; undefined: this one has it. `rivals`: all apps with this appId, itself included. */
export function claimFault(app: MessengerApp, rivals: readonly MessengerApp[], nowMs: number): Judgement | undefined {
  const holder = decideAppClaim(rivals.map(appCandidate), nowMs);
  if (holder === undefined || holder === app.metadata.uid) return undefined;
  const found = rivals.find(({ metadata }) => metadata.uid === holder);
  const sameNamespace = found?.metadata.namespace === app.metadata.namespace;
  const who = sameNamespace ? `MessengerApp ${found?.metadata.name ?? ''}` : 'a MessengerApp of another namespace';
  return bad('AppClaimed', `${who} already stands for app ${app.spec.appId}: delete one of the two`);
}

/** An app that was turned away as the second of its appId does not hold it; with any other fault it does. */
function holdsAppId(app: MessengerApp): boolean {
  const accepted = findCondition(app.status?.conditions, 'Accepted');
  return accepted !== undefined && accepted.reason !== 'AppClaimed';
}

function appCandidate(app: MessengerApp): AppCandidate {
  const { uid = '', namespace = '', name, creationTimestamp = '' } = app.metadata;
  const credentials = findCondition(app.status?.conditions, 'CredentialsValid');
  const isBad = credentials?.status === 'False';
  return {
    uid,
    namespace,
    name,
    creationTimestamp,
    deleting: isBeingDeleted(app),
    holds: holdsAppId(app),
    credentials: credentials === undefined ? 'unknown' : isBad ? 'bad' : 'good',
    badSinceMs: isBad ? Date.parse(credentials.lastTransitionTime) : undefined,
  };
}

/**
 * Too many apps of one class on one path; those already accepted there stay. Other classes have their own webhooks.
 * `onPath`: all apps on the path, this one included.
 */
export function crowdFault(app: MessengerApp, onPath: readonly MessengerApp[]): Judgement | undefined {
  const accepted = (one: MessengerApp): boolean => findCondition(one.status?.conditions, 'Accepted')?.status === 'True';
  const age = ({ metadata }: MessengerApp) => ({
    creationTimestamp: metadata.creationTimestamp ?? '',
    namespace: metadata.namespace ?? '',
    name: metadata.name,
  });
  const inOrder = onPath
    .filter((one) => one === app || (holdsAppId(one) && classOf(one) === classOf(app)))
    .sort((a, b) => Number(accepted(b)) - Number(accepted(a)) || byAge(age(a), age(b)));
  if (inOrder.indexOf(app) < MAX_APPS_PER_PATH) return undefined;
  return bad(
    'PathCrowded',
    `${MAX_APPS_PER_PATH} MessengerApps already use the path ${webhookPathOf(app)}: give this one a webhook.path of its own`,
  );
}

/** What the CRD's own rules let through where they are not evaluated. */
export function specFault({ spec }: MessengerApp): Judgement | undefined {
  if (spec.webhook?.subscription === 'Manage' && spec.webhook.callbackUrl === undefined) {
    return bad('InvalidSpec', 'webhook.subscription: Manage needs webhook.callbackUrl');
  }
  if (spec.webhook?.callbackUrl?.startsWith('https://') === false) {
    return bad('InvalidSpec', 'webhook.callbackUrl must begin with https://');
  }
  return undefined;
}

/** The fields that the app has to be subscribed to so that its pages get theirs, within `allowedFields`. Sorted. */
export function neededFields(app: MessengerApp, pages: readonly MessengerPage[]): readonly string[] {
  const any = { intervalMs: 0, minIntervalMs: 0 };
  const wanted = pages.filter((page) => !isBeingDeleted(page)).flatMap((page) => effectiveSpec(page, app, any).fields);
  const allowed = app.spec.webhook?.allowedFields;
  return [...new Set(wanted)].filter((field) => allowed?.includes(field) ?? true).sort();
}

/** What is not as it should be about the subscription of `object=page`; undefined: all is. */
export function subscriptionFault(app: MessengerApp, row: AppSubscription | undefined, needed: readonly string[]): Judgement | undefined {
  const { subscription, callbackUrl } = app.spec.webhook ?? {};
  const fix = subscription === 'Manage' ? '' : ": mend it in the app's dashboard (Webhooks, Page), or set webhook.subscription: Manage";
  if (row === undefined) return bad('NotSubscribed', `app ${app.spec.appId} is not subscribed to the object page${fix}`);
  if (callbackUrl !== undefined && row.callbackUrl !== callbackUrl) {
    return bad('CallbackMismatch', `Meta delivers the events of app ${app.spec.appId} to ${row.callbackUrl}, not to ${callbackUrl}${fix}`);
  }
  if (!row.active) return bad('Inactive', `Meta has switched the webhook of app ${app.spec.appId} off${fix}`);
  const missing = needed.filter((field) => !row.fields.includes(field));
  if (missing.length === 0) return undefined;
  return bad('FieldsMissing', `app ${app.spec.appId} is not subscribed to ${missing.slice(0, 10).join(', ')}, which its pages want${fix}`);
}
