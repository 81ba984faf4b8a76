import { APP_REASONS } from '../../api/v1alpha1/conditions.js';
import { AppCredentialError, RateLimitedError, TerminalError, TransientError } from '../../core/domain/errors.js';
import { versionWarning, type VersionUse } from '../../core/domain/graph-versions.js';
import { stalledLookMs } from '../../core/domain/schedule.js';
import type { AppCredentials, AppSubscription } from '../../core/ports/graph.js';
import { isConditionTrue } from '../../runtime/conditions.js';
import { firstDriftCheckMs, nextDriftCheckMs } from '../../runtime/drift.js';
import { bad, good, refused } from '../verdict.js';
import { appBasisOf, type AppPass } from './pass.js';
import type { AppReconcilerDeps } from './ports.js';

/**
 * `rows` undefined: nothing is known about the subscriptions. `error`: Graph gave no answer; the
 * pass ends with it.
 */
export interface Probe {
  readonly rows: readonly AppSubscription[] | undefined;
  readonly error: TransientError | RateLimitedError | undefined;
}

/**
 * Reads the app's subscriptions, which also shows whether its credentials are good and Graph can be
 * reached: judges `CredentialsValid` and `GraphReachable`. Asks Graph only when that is due or
 * something gives a reason to; otherwise the result is what Graph said last.
 */
export async function probeGraph(deps: AppReconcilerDeps, pass: AppPass, credentials: AppCredentials): Promise<Probe> {
  const { memory } = pass;
  const basis = appBasisOf({ ...pass, credentials });
  const asked = deps.health.takeQuestion(pass.key);
  const due = deps.clock.monotonicMs() >= memory.probeDueMs;
  if (!asked && !due && memory.probe?.basis === basis) {
    wake(deps, pass);
    // The status write of the pass that probed may have failed.
    if (!isConditionTrue(pass.app.status?.conditions, 'CredentialsValid')) judgeReached(pass);
    return { rows: memory.probe.rows, error: undefined };
  }
  try {
    const rows = await deps.graph.subscriptions(credentials, { signal: pass.signal, priority: 'interactive' });
    memory.probe = { rows, basis };
    planNext(deps, pass);
    reached(deps, pass);
    checkVersion(deps, pass, credentials);
    return { rows, error: undefined };
  } catch (error) {
    return failed(deps, pass, error);
  }
}

function reached({ health }: AppReconcilerDeps, pass: AppPass): void {
  judgeReached(pass);
  const waitMs = health.clear(pass.key);
  if (waitMs > 0) pass.report.wake(waitMs);
}

function judgeReached({ report, app }: AppPass): void {
  report.judge('CredentialsValid', good(`Graph accepts the credentials of app ${app.spec.appId}`));
  report.judge('GraphReachable', good('Graph answers'));
}

/** One Event for each warning about the API version. */
function checkVersion({ signs, clock, options }: AppReconcilerDeps, { report, app, memory }: AppPass, credentials: AppCredentials): void {
  const use = { asked: credentials.graphVersion, answered: signs?.answeredVersion(credentials) };
  const warning = versionWarning(use, clock.nowMs());
  const told = memory.versionTold ?? toldByEarlierLeader(app, use, clock.nowMs() - 2 * options.intervalMs);
  memory.versionTold = told;
  if (warning === undefined) return;
  report.judge('GraphReachable', good(`Graph answers, but: ${warning.message}`));
  if (told === warning.code) return;
  const note = `App ${app.spec.appId}: ${warning.message}`;
  report.tell({ type: 'Warning', reason: 'GraphVersion', action: 'CheckVersion', note }, () => {
    memory.versionTold = warning.code;
  });
}

/**
 * The leader before this one told of what had applied for two intervals. `thenMs`: that long ago.
 */
function toldByEarlierLeader({ status }: AppPass['app'], use: VersionUse, thenMs: number): string {
  return isConditionTrue(status?.conditions, 'GraphReachable') ? (versionWarning(use, thenMs)?.code ?? '') : '';
}

function failed(deps: AppReconcilerDeps, pass: AppPass, error: unknown): Probe {
  const { report, memory, app } = pass;
  if (error instanceof AppCredentialError) {
    const reason = APP_REASONS.CredentialsValid.find((one) => one === error.reason) ?? 'AppSecretInvalid';
    report.judge('CredentialsValid', refused(error, reason));
    report.judge('GraphReachable', good('Graph answers'));
    memory.probe = undefined;
    // A change of the Secret wakes the app at once; what is mended at Meta is seen by one probe.
    memory.probeDueMs = deps.clock.monotonicMs() + stalledLookMs(0);
    return { rows: undefined, error: undefined };
  }
  if (error instanceof TerminalError) {
    reached(deps, pass);
    const reason = APP_REASONS.Subscribed.find((one) => one === error.reason && one !== 'GraphUnavailable') ?? 'PermissionDenied';
    report.judge('Subscribed', refused(error, reason));
    planNext(deps, pass);
    return { rows: undefined, error: undefined };
  }
  if (!(error instanceof TransientError) && !(error instanceof RateLimitedError)) throw error;
  const limited = error instanceof RateLimitedError;
  // Without the error's own text, which differs from attempt to attempt: this is said once.
  const what = limited ? 'the request limit of the app is reached' : 'Graph cannot be reached or is out of order';
  const message = `${what} (app ${app.spec.appId}): it goes on by itself`;
  report.judge('GraphReachable', bad(limited ? 'RateLimited' : 'GraphUnavailable', message));
  memory.probeDueMs = 0;
  return { rows: undefined, error };
}

function planNext(deps: AppReconcilerDeps, pass: AppPass): void {
  const { memory } = pass;
  const { intervalMs, minIntervalMs } = deps.options;
  const everyMs = Math.max(intervalMs, minIntervalMs) * (deps.signs?.pressure(pass.app.spec.appId) ?? 1);
  const ms = memory.checks === 0 ? firstDriftCheckMs(memory.uid, everyMs) : nextDriftCheckMs(everyMs, deps.random);
  memory.checks += 1;
  memory.probeDueMs = deps.clock.monotonicMs() + ms;
  wake(deps, pass);
}

function wake({ clock }: AppReconcilerDeps, { report, memory }: AppPass): void {
  report.wake(memory.probeDueMs - clock.monotonicMs());
}
