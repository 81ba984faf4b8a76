import { PAGE_REASONS, type PageReason } from '../../api/v1alpha1/conditions.js';
import type { MessengerApp } from '../../api/v1alpha1/types.gen.js';
import { AppCredentialError, ClusterUnavailableError, RateLimitedError, TerminalError, TransientError } from '../../core/domain/errors.js';
import { appKeyOf } from '../../relations/relations.js';
import { readAppCredentials } from '../../relations/secret-values.js';
import { findCondition } from '../../runtime/conditions.js';
import { requeueAfter, type Result } from '../../runtime/ports.js';
import { bad, refused } from '../verdict.js';
import { checkAccepted, type Acceptance } from './acceptance.js';
import { settleClaim } from './claim.js';
import { verdictOf } from './drift.js';
import { learnPageName } from './page-name.js';
import { priorityOf, type AcceptedPass, type GraphPass, type PagePass } from './pass.js';
import type { PageReconcilerDeps } from './ports.js';
import { judgeRoutable } from './routable.js';
import { writeAfterLook, writeWithoutGraph } from './status-write.js';
import { reconcileSubscription } from './subscription.js';
import { checkPageToken, checkRefusedToken, isTokenReason } from './token.js';

/**
 * How long a page waits for the first verdict on its app before it writes a status: both are often
 * applied together.
 */
const APP_VERDICT_MS = 5_000;

/**
 * The steps of a pass over a page that is not being deleted, in the order of its conditions. `app`
 * undefined: there is none.
 * @throws what prevents a step from being decided, for the queue to retry
 */
export async function reconcilePage(deps: PageReconcilerDeps, pass: PagePass, app: MessengerApp | undefined): Promise<Result> {
  const accepted = checkAccepted(pass.page, app, deps.namespaces);
  if (mayWaitForApp(deps, pass, accepted)) return requeueAfter(APP_VERDICT_MS);
  pass.report.judge('Accepted', accepted.verdict);
  if (accepted.app === undefined || accepted.verdict.status !== 'True') return notAccepted(deps, pass, { app, accepted });
  if (pass.page.spec.suspend === true && isClaimed(pass)) return fromClusterAlone(deps, pass, accepted.app);
  const credentials = await readAppCredentials(deps, accepted.app, pass.signal);
  if (credentials === undefined) {
    const message = `the app secret of MessengerApp ${accepted.app.metadata.name} cannot be used: see its conditions`;
    pass.report.judge('Accepted', bad('AppNotAccepted', message));
    return fromClusterAlone(deps, pass, accepted.app);
  }
  const call = { signal: pass.signal, priority: priorityOf(pass.page) };
  return withGraph(deps, { ...pass, app: accepted.app, credentials, call });
}

/**
 * Both are often applied at once: no status is written only to say that the app is about to come.
 */
function mayWaitForApp({ clock }: PageReconcilerDeps, { memory, page }: PagePass, { verdict, app }: Acceptance): boolean {
  if (app === undefined || verdict.status !== 'Unknown' || page.status?.conditions !== undefined) return false;
  return clock.monotonicMs() - memory.metMs < APP_VERDICT_MS;
}

/** Its token was proven. Before that a suspended page is looked at as well: the proof is a read. */
function isClaimed({ page }: PagePass): boolean {
  return page.status?.claim?.state === 'Held';
}

async function notAccepted(
  deps: PageReconcilerDeps,
  pass: PagePass,
  { app, accepted }: { readonly app: MessengerApp | undefined; readonly accepted: Acceptance },
): Promise<Result> {
  // Until its spec is corrected it cannot prove anything: that is decided.
  if (accepted.verdict.reason === 'InvalidSpec') deps.proofs.withdraw(pass.page.metadata.uid ?? '');
  await settleClaim(deps, pass, app);
  if (accepted.app !== undefined) await judgeRoutable(deps, pass);
  return writeAfterLook(deps, pass, app);
}

/**
 * What the cluster alone tells. For a suspended page too: its events are still delivered, and
 * consent may be withdrawn.
 */
async function fromClusterAlone(deps: PageReconcilerDeps, pass: PagePass, app: MessengerApp): Promise<Result> {
  await settleClaim(deps, pass, app);
  await judgeRoutable(deps, pass);
  return writeAfterLook(deps, pass, app);
}

async function withGraph(deps: PageReconcilerDeps, pass: AcceptedPass): Promise<Result> {
  if (isParked(deps, pass)) return withoutAnswer(deps, pass, undefined);
  try {
    const token = await checkPageToken(deps, pass);
    const epoch = await settleClaim(deps, pass, pass.app);
    await judgeRoutable(deps, pass);
    if (token !== undefined && epoch !== undefined && pass.page.spec.suspend !== true) {
      await subscribe(deps, { ...pass, token, epoch });
      await learnPageName(deps, { ...pass, token, epoch });
    }
  } catch (error) {
    if (!saysNothing(error)) throw error;
    return withoutAnswer(deps, pass, error);
  }
  if (isThoughtUnreachable(pass)) deps.health.askAgain(appKeyOf(pass.page));
  return writeAfterLook(deps, pass, pass.app);
}

async function subscribe(deps: PageReconcilerDeps, pass: GraphPass): Promise<void> {
  try {
    await reconcileSubscription(deps, pass);
  } catch (error) {
    if (!(error instanceof TerminalError)) throw error;
    pass.memory.lookedMs = deps.clock.monotonicMs();
    if (isTokenReason(error.reason)) {
      await checkRefusedToken(deps, pass, error);
      return;
    }
    const { refusal } = pass.memory;
    const reason = subscribedReason(error.reason);
    pass.report.judge('Subscribed', refusal === undefined ? refused(error, reason) : { ...verdictOf(refusal), reason });
  }
}

/** The reason of `Subscribed` for a refusal that is not about the token. */
function subscribedReason(reason: string): PageReason {
  return PAGE_REASONS.Subscribed.find((one) => one === reason && one !== 'GraphUnavailable') ?? 'PermissionDenied';
}

/** Graph refuses the app's own credential: one probe of the app asks, not each of its pages. */
function isParked({ health }: PageReconcilerDeps, { app, page }: AcceptedPass): boolean {
  const credentials = findCondition(app.status?.conditions, 'CredentialsValid');
  return credentials?.status === 'False' || health.isParked(appKeyOf(page));
}

/**
 * Graph gave no answer. That changes nothing that was seen; the claim and the route do not need
 * Graph.
 * @throws `error` again, for the queue to retry; not an AppCredentialError: the app's probe wakes
 * its pages
 */
async function withoutAnswer(deps: PageReconcilerDeps, pass: AcceptedPass, error: Error | undefined): Promise<Result> {
  const app = appKeyOf(pass.page);
  if (error instanceof AppCredentialError) deps.health.park(app);
  else if (isWorthAsking(pass, error)) deps.health.ask(app);
  if (!pass.report.judged.has('Claimed')) await settleClaim(deps, pass, pass.app);
  if (!pass.report.judged.has('Routable')) await judgeRoutable(deps, pass);
  const result = await writeWithoutGraph(deps, pass, { app: pass.app, limited: error instanceof RateLimitedError });
  if (error === undefined || error instanceof AppCredentialError) return result;
  throw error instanceof RateLimitedError ? noLongerThan(error, result) : error;
}

/**
 * Whether it only says that there was no answer, from Graph, or from the cluster about a Secret.
 */
function saysNothing(error: unknown): error is Error {
  return [TransientError, RateLimitedError, AppCredentialError, ClusterUnavailableError].some((kind) => error instanceof kind);
}

/**
 * The app is asked to check that Graph is reachable, unless it knows that it is not: then it probes
 * at its own pace.
 */
function isWorthAsking(pass: AcceptedPass, error: Error | undefined): boolean {
  const ofApp = error instanceof TransientError || (error instanceof RateLimitedError && error.scope === 'app');
  return ofApp && !isThoughtUnreachable(pass);
}

function isThoughtUnreachable({ app }: AcceptedPass): boolean {
  return findCondition(app.status?.conditions, 'GraphReachable')?.status === 'False';
}

/** However long Graph asks us to wait, the page has to become Unknown in time. */
function noLongerThan(error: RateLimitedError, { requeueAfterMs }: Result): RateLimitedError {
  if (requeueAfterMs === undefined || error.retryAfterMs <= requeueAfterMs) return error;
  return new RateLimitedError(error.message, requeueAfterMs, { scope: error.scope, graphText: error.graphText, cause: error });
}
