import { APP_REASONS } from '../../api/v1alpha1/conditions.js';
import { versionWarning } from '../../core/domain/graph-versions.js';
import { findCondition } from '../../runtime/conditions.js';
import { AppCredentialError, RateLimitedError, TerminalError, TransientError, fullMessage } from '../../core/domain/errors.js';
import { tokenFingerprint } from '../../core/secrets/fingerprint.js';
import type { AppCredentials, AppSubscription } from '../../core/ports/graph.js';
import { stalledLookMs } from '../../core/domain/schedule.js';
import { firstDriftCheckMs, nextDriftCheckMs } from '../../runtime/drift.js';
import { reconcileRequestOf } from '../../relations/relations.js';
import { bad, good } from '../verdict.js';
import type { AppPass } from './pass.js';
import type { AppReconcilerDeps } from './ports.js';

/** `rows` undefined: nothing is known about the subscriptions. `error`: Graph could not be asked; the pass ends with it. */
export interface Look {
  readonly rows: readonly AppSubscription[] | undefined;
  readonly error: TransientError | RateLimitedError | undefined;
}

/** Reads the app's subscriptions, which also shows whether its credentials are good and Graph can be reached. */
export class LookStep {
  readonly #deps: AppReconcilerDeps;

  constructor(deps: AppReconcilerDeps) {
    this.#deps = deps;
  }

  /** Judges `CredentialsValid` and `GraphReachable`. Asks Graph only when it is time, or something gives a reason to. */
  async run(pass: AppPass, credentials: AppCredentials): Promise<Look> {
    const { memory } = pass;
    const basis = basisOf(pass, credentials);
    const asked = this.#deps.health.takeQuestion(pass.key);
    const due = this.#deps.clock.monotonicMs() >= memory.lookDueMs;
    if (!asked && !due && memory.look?.basis === basis) {
      this.#wake(pass);
      return { rows: memory.look.rows, error: undefined };
    }
    return this.now(pass, credentials);
  }

  /** Asks Graph, whatever is remembered. */
  async now(pass: AppPass, credentials: AppCredentials): Promise<Look> {
    const { memory } = pass;
    try {
      const rows = await this.#deps.graph.subscriptions(credentials, { signal: pass.signal, priority: 'interactive' });
      memory.look = { rows, basis: basisOf(pass, credentials) };
      this.#looked(pass);
      this.#accepted(pass);
      this.#checkVersion(pass, credentials);
      return { rows, error: undefined };
    } catch (error) {
      return this.#failed(pass, error);
    }
  }

  #accepted({ report, key, app }: AppPass): void {
    report.judge('CredentialsValid', good(`Graph accepts the credentials of app ${app.spec.appId}`));
    report.judge('GraphReachable', good('Graph answers'));
    const waitMs = this.#deps.health.clear(key);
    if (waitMs > 0) report.wake(waitMs);
  }

  /** Told when the warning is a new one: the condition still has other words. */
  #checkVersion({ report, app }: AppPass, credentials: AppCredentials): void {
    const { signs, clock } = this.#deps;
    const use = { asked: credentials.graphVersion, answered: signs?.answeredVersion(credentials) };
    const warning = versionWarning(use, clock.nowMs());
    if (warning === undefined) return;
    const message = `Graph answers, but: ${warning}`;
    report.judge('GraphReachable', good(message));
    if (findCondition(app.status?.conditions, 'GraphReachable')?.message === message) return;
    report.events.push({ type: 'Warning', reason: 'GraphVersion', action: 'CheckVersion', note: `App ${app.spec.appId}: ${warning}` });
  }

  #failed(pass: AppPass, error: unknown): Look {
    const { report, memory, app } = pass;
    if (error instanceof AppCredentialError) {
      const reason = APP_REASONS.CredentialsValid.find((one) => one === error.reason) ?? 'AppSecretInvalid';
      report.judge('CredentialsValid', bad(reason, fullMessage(error)));
      report.judge('GraphReachable', good('Graph answers'));
      memory.look = undefined;
      // The Secret wakes the app at once; what is mended at Meta is seen by one probe.
      memory.lookDueMs = this.#deps.clock.monotonicMs() + stalledLookMs(0);
      return { rows: undefined, error: undefined };
    }
    if (error instanceof TerminalError) {
      this.#accepted(pass);
      const reason = APP_REASONS.Subscribed.find((one) => one === error.reason && one !== 'GraphUnavailable') ?? 'PermissionDenied';
      report.judge('Subscribed', bad(reason, fullMessage(error)));
      this.#looked(pass);
      return { rows: undefined, error: undefined };
    }
    if (!(error instanceof TransientError) && !(error instanceof RateLimitedError)) throw error;
    const limited = error instanceof RateLimitedError;
    // No word of Graph's in here: they differ from attempt to attempt, and this is said once.
    const what = limited ? 'the request limit of the app is reached' : 'Graph cannot be reached or is out of order';
    report.judge(
      'GraphReachable',
      bad(limited ? 'RateLimited' : 'GraphUnavailable', `${what} (app ${app.spec.appId}): it goes on by itself`),
    );
    memory.lookDueMs = 0;
    return { rows: undefined, error };
  }

  #looked(pass: AppPass): void {
    const { memory } = pass;
    const { intervalMs, minIntervalMs } = this.#deps.options;
    const everyMs = Math.max(intervalMs, minIntervalMs) * (this.#deps.signs?.pressure(pass.app.spec.appId) ?? 1);
    const ms = memory.checks === 0 ? firstDriftCheckMs(memory.uid, everyMs) : nextDriftCheckMs(everyMs, this.#deps.random);
    memory.checks += 1;
    memory.lookDueMs = this.#deps.clock.monotonicMs() + ms;
    this.#wake(pass);
  }

  #wake({ report, memory }: AppPass): void {
    report.wake(memory.lookDueMs - this.#deps.clock.monotonicMs());
  }
}

function basisOf({ app }: AppPass, { appSecret }: AppCredentials): string {
  const { uid = '', generation = 0 } = app.metadata;
  return [generation, tokenFingerprint(uid, appSecret), reconcileRequestOf(app) ?? ''].join('/');
}
