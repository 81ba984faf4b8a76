import type { MessengerApp } from '../../api/v1alpha1/types.gen.js';
import { byAge, decideAppClaim, type AppCandidate } from '../../core/domain/app-claim.js';
import { MAX_APPS_PER_PATH } from '../../core/ports/page-lookup.js';
import { classOf, webhookPathOf } from '../../relations/relations.js';
import { appSecretReferences, type SecretReference } from '../../relations/secret-references.js';
import { credentialsOf, readSecret, type FoundSecret } from '../../relations/secret-values.js';
import { findCondition, isConditionTrue } from '../../runtime/conditions.js';
import { isBeingDeleted } from '../../runtime/finalizers.js';
import { missingGrant } from '../secret-grants.js';
import { bad, good, type Verdict } from '../verdict.js';
import type { AppPass, AppSecrets } from './pass.js';
import type { AppReconcilerDeps } from './ports.js';

const FAULTS = { not_found: 'SecretNotFound', key_missing: 'SecretKeyMissing', malformed: 'SecretMalformed' } as const;
/** A Secret that is deleted and created again within this time is not mentioned. */
const QUIETLY_GONE_MS = 60_000;

/**
 * Whether this object stands for its app: judges `Accepted`. @returns the values of its Secrets
 * @throws ClusterUnavailableError when a Secret cannot be read
 */
export async function acceptApp(deps: AppReconcilerDeps, pass: AppPass): Promise<AppSecrets> {
  const { app, report, signal } = pass;
  const { appSecret, verifyToken, previousAppSecret } = appSecretReferences(app);
  const secret = await readSecret(deps, appSecret, signal);
  const verify = await readSecret(deps, verifyToken, signal);
  const previous = previousAppSecret && (await readPrevious(deps, previousAppSecret, signal));
  report.wake(goneWakeMs([secret, verify], deps.options.secretGraceMs));
  const fault = rivalOrSpecFault(deps, app) ?? secretFault([secret, verify, previous]) ?? (await grantFault(deps, pass));
  report.judge('Accepted', fault ?? accepted(app, [secret, verify]));
  return {
    credentials: secret.kind === 'value' ? credentialsOf(app, secret.secret, deps.options) : undefined,
    verifyToken: verify.kind === 'value' ? verify.secret : undefined,
  };
}

function rivalOrSpecFault(deps: AppReconcilerDeps, app: MessengerApp): Verdict | undefined {
  const { apps, clock } = deps;
  const rivals = withItself(deps, app, apps.byIndex('appId', app.spec.appId));
  const claimed = claimFault(app, rivals, clock.nowMs());
  if (claimed !== undefined) return claimed;
  return specFault(app) ?? crowdFault(app, withItself(deps, app, apps.byIndex('path', webhookPathOf(app))));
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

/** When a vanished Secret is to be mentioned, or its grace time ends; undefined: none has vanished. */
function goneWakeMs(found: readonly FoundSecret[], graceMs: number): number | undefined {
  const gone = found.flatMap((one) => (one.kind === 'value' ? (one.goneForMs ?? []) : []));
  if (gone.length === 0) return undefined;
  return Math.min(...gone.map((ms) => (ms < QUIETLY_GONE_MS ? QUIETLY_GONE_MS : graceMs) - ms));
}

function accepted(app: MessengerApp, found: readonly FoundSecret[]): Verdict {
  const gone = found.some((one) => one.kind === 'value' && (one.goneForMs ?? 0) >= QUIETLY_GONE_MS);
  if (gone) return good('a Secret of this app is gone, its last value is used for a while: create it again');
  return good(`this object stands for app ${app.spec.appId}`);
}

/** Another app has this appId; undefined: this one has it. `rivals`: all apps with this appId, itself included. */
function claimFault(app: MessengerApp, rivals: readonly MessengerApp[], nowMs: number): Verdict | undefined {
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
function crowdFault(app: MessengerApp, onPath: readonly MessengerApp[]): Verdict | undefined {
  const isAccepted = (one: MessengerApp): boolean => isConditionTrue(one.status?.conditions, 'Accepted');
  const age = ({ metadata }: MessengerApp) => ({
    creationTimestamp: metadata.creationTimestamp ?? '',
    namespace: metadata.namespace ?? '',
    name: metadata.name,
  });
  const inOrder = onPath
    .filter((one) => one === app || (holdsAppId(one) && classOf(one) === classOf(app)))
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
