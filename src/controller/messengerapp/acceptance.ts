import type { Condition } from '../../api/meta.js';
import type { MessengerApp } from '../../api/v1alpha1/types.gen.js';
import { byAge, decideAppClaim, type AppCandidate } from '../../core/domain/app-claim.js';
import { MAX_APPS_PER_PATH } from '../../core/ports/page-lookup.js';
import { classOf, wasAccepted, webhookPathOf } from '../../relations/relations.js';
import { appSecretReferences, type SecretReference } from '../../relations/secret-references.js';
import { credentialsOf, readSecret, type FoundSecret } from '../../relations/secret-values.js';
import { findCondition, isConditionTrue } from '../../runtime/conditions.js';
import { isBeingDeleted } from '../../runtime/finalizers.js';
import { missingGrant } from '../secret-grants.js';
import { bad, conditionsFrom, good, unknown, type Verdict } from '../verdict.js';
import type { AppPass, AppSecrets } from './pass.js';
import type { AppReconcilerDeps } from './ports.js';

const FAULTS = { not_found: 'SecretNotFound', key_missing: 'SecretKeyMissing', malformed: 'SecretMalformed' } as const;
/** A Secret that is deleted and created again within this time is not mentioned. */
const QUIETLY_GONE_MS = 60_000;

/** What the Secrets of an app hold, before anything is judged. */
export interface ReadAppSecrets extends AppSecrets {
  readonly found: readonly (FoundSecret | undefined)[];
}

/** @throws ClusterUnavailableError when a Secret cannot be read */
export async function readAppSecrets(deps: AppReconcilerDeps, { app, report, signal }: AppPass): Promise<ReadAppSecrets> {
  const { appSecret, verifyToken, previousAppSecret } = appSecretReferences(app);
  const secret = await readSecret(deps, appSecret, signal);
  const verify = await readSecret(deps, verifyToken, signal);
  const previous = previousAppSecret && (await readPrevious(deps, previousAppSecret, signal));
  report.wake(goneWakeMs([secret, verify], deps.options.secretGraceMs));
  return {
    found: [secret, verify, previous],
    credentials: secret.kind === 'value' ? credentialsOf(app, secret.secret, deps.options) : undefined,
    verifyToken: verify.kind === 'value' ? verify.secret : undefined,
  };
}

/**
 * Judges `Accepted`: whether this object stands for its app. Runs after the probe, since an appId
 * goes only to an app whose credentials Graph has accepted.
 */
export async function acceptApp(deps: AppReconcilerDeps, pass: AppPass, { found }: ReadAppSecrets): Promise<void> {
  const { app, report } = pass;
  const judged: MessengerApp = { ...app, status: { ...app.status, conditions: conditionsSoFar(deps, pass) } };
  const rivals = withItself(deps, judged, deps.apps.byIndex('appId', app.spec.appId));
  // What this pass has found out about the credentials does not make it a holder yet.
  const candidates = rivals.map((one) => appCandidate(one, wasAccepted(one === judged ? app : one)));
  const decision = decideAppClaim(candidates, deps.clock.nowMs());
  report.wake(decision.recheckAfterMs);
  const fault =
    claimFault(app, rivals, decision.holder) ??
    specFault(app) ??
    secretFault(found) ??
    (decision.holder === undefined ? credentialsFault(judged) : undefined) ??
    crowdFault(judged, withItself(deps, judged, deps.apps.byIndex('path', webhookPathOf(app)))) ??
    (await grantFault(deps, pass));
  report.judge('Accepted', fault ?? accepted(app, found));
}

/** With what the probe of this pass has found out. */
function conditionsSoFar({ clock }: AppReconcilerDeps, { app, report }: AppPass): readonly Condition[] {
  const at = { generation: app.metadata.generation ?? 0, nowMs: clock.nowMs() };
  return conditionsFrom(app.status?.conditions, report.judged, ['Accepted', 'CredentialsValid', 'GraphReachable'], at);
}

/** Graph has not accepted the credentials of any app with this appId, this one's included. */
function credentialsFault({ spec, status }: MessengerApp): Verdict {
  const credentials = findCondition(status?.conditions, 'CredentialsValid');
  if (credentials?.status === 'False') return bad(credentials.reason, credentials.message);
  const until = `its events are answered 503 until Graph has accepted the credentials of app ${spec.appId} once`;
  const reachable = findCondition(status?.conditions, 'GraphReachable');
  return reachable?.status === 'False' ? unknown(reachable.reason, `${reachable.message}; ${until}`) : unknown('GraphUnavailable', until);
}

/** The controller reads the Secrets, but the webhook has to as well. */
async function grantFault({ secretAccess, clock }: AppReconcilerDeps, { app, report, signal }: AppPass): Promise<Verdict | undefined> {
  const reason = 'SecretNotReadable';
  const secrets = Object.values(appSecretReferences(app)).filter((one: SecretReference | undefined) => one !== undefined);
  const before = findCondition(app.status?.conditions, 'Accepted');
  const missing = await missingGrant(secretAccess, { reader: 'webhook', secrets, reason, before, nowMs: clock.nowMs() }, signal);
  report.wake(missing?.recheckMs);
  return missing && bad(reason, missing.message);
}

/** With the statuses as this process wrote them, and the very object of this pass. */
function withItself({ statuses }: AppReconcilerDeps, app: MessengerApp, found: readonly MessengerApp[]): readonly MessengerApp[] {
  const others = found.filter(({ metadata }) => metadata.uid !== app.metadata.uid);
  return [app, ...others.map((one) => statuses.current(one))];
}

/** During a rotation the key comes and goes: only a value that cannot be one is a fault. */
async function readPrevious(deps: AppReconcilerDeps, reference: SecretReference, signal: AbortSignal): Promise<FoundSecret | undefined> {
  const found = await readSecret(deps, reference, signal);
  return found.kind === 'fault' && found.fault === 'malformed' ? found : undefined;
}

function secretFault(found: readonly (FoundSecret | undefined)[]): Verdict | undefined {
  const fault = found.find((one) => one?.kind === 'fault');
  return fault?.kind === 'fault' ? bad(FAULTS[fault.fault], fault.message) : undefined;
}

/**
 * When a vanished Secret is to be mentioned, or its grace time ends; undefined: none has vanished.
 */
function goneWakeMs(found: readonly FoundSecret[], graceMs: number): number | undefined {
  const gone = found.flatMap((one) => (one.kind === 'value' ? (one.goneForMs ?? []) : []));
  if (gone.length === 0) return undefined;
  return Math.min(...gone.map((ms) => (ms < QUIETLY_GONE_MS ? QUIETLY_GONE_MS : graceMs) - ms));
}

function accepted(app: MessengerApp, found: readonly (FoundSecret | undefined)[]): Verdict {
  const gone = found.some((one) => one?.kind === 'value' && (one.goneForMs ?? 0) >= QUIETLY_GONE_MS);
  if (gone) return good('a Secret of this app is gone, its last value is used for a while: create it again');
  return good(`this object stands for app ${app.spec.appId}`);
}

/**
 * Another app has this appId; undefined: none has. `rivals`: all apps with this appId, itself
 * included.
 */
function claimFault(app: MessengerApp, rivals: readonly MessengerApp[], holder: string | undefined): Verdict | undefined {
  if (holder === undefined || holder === app.metadata.uid) return undefined;
  const found = rivals.find(({ metadata }) => metadata.uid === holder);
  const sameNamespace = found?.metadata.namespace === app.metadata.namespace;
  const who = sameNamespace ? `MessengerApp ${found?.metadata.name ?? ''}` : 'a MessengerApp of another namespace';
  return bad('AppClaimed', `${who} already stands for app ${app.spec.appId}: delete one of the two`);
}

function appCandidate(app: MessengerApp, holds: boolean): AppCandidate {
  const { uid = '', namespace = '', name, creationTimestamp = '' } = app.metadata;
  return { uid, namespace, name, creationTimestamp, deleting: isBeingDeleted(app), holds, ...credentialsOfCandidate(app) };
}

function credentialsOfCandidate({ status }: MessengerApp): Pick<AppCandidate, 'credentials' | 'notGoodSinceMs'> {
  const credentials = findCondition(status?.conditions, 'CredentialsValid');
  if (credentials === undefined) return { credentials: 'unknown', notGoodSinceMs: undefined };
  if (credentials.status === 'True') return { credentials: 'good', notGoodSinceMs: undefined };
  const notGoodSinceMs = Date.parse(credentials.lastTransitionTime);
  return { credentials: credentials.status === 'False' ? 'bad' : 'unknown', notGoodSinceMs };
}

/**
 * Too many accepted apps of one class on one path: each costs an HMAC for every POST. Those already
 * there stay. Other classes have their own webhooks. `onPath`: all apps on the path, this one
 * included.
 */
function crowdFault(app: MessengerApp, onPath: readonly MessengerApp[]): Verdict | undefined {
  const isAccepted = (one: MessengerApp): boolean => isConditionTrue(one.status?.conditions, 'Accepted');
  const age = ({ metadata }: MessengerApp) => ({
    creationTimestamp: metadata.creationTimestamp ?? '',
    namespace: metadata.namespace ?? '',
    name: metadata.name,
  });
  const inOrder = onPath
    .filter((one) => one === app || (isAccepted(one) && classOf(one) === classOf(app)))
    .sort((a, b) => Number(isAccepted(b)) - Number(isAccepted(a)) || byAge(age(a), age(b)));
  if (inOrder.indexOf(app) < MAX_APPS_PER_PATH) return undefined;
  return bad(
    'PathCrowded',
    `${MAX_APPS_PER_PATH} MessengerApps already use the path ${webhookPathOf(app)}: give this one a webhook.path of its own`,
  );
}

/** What the CRD's own rules let through where they are not evaluated. */
function specFault({ spec }: MessengerApp): Verdict | undefined {
  if (spec.webhook?.subscription === 'Manage' && spec.webhook.callbackUrl === undefined) {
    return bad('InvalidSpec', 'webhook.subscription: Manage needs webhook.callbackUrl');
  }
  if (spec.webhook?.callbackUrl?.startsWith('https://') === false) {
    return bad('InvalidSpec', 'webhook.callbackUrl must begin with https://');
  }
  return undefined;
}
