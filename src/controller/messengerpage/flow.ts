import type { MessengerApp } from '../../api/v1alpha1/types.gen.js';
import {
  AppCredentialError,
  ClusterUnavailableError,
  RateLimitedError,
  TerminalError,
  TransientError,
  fullMessage,
} from '../../core/domain/errors.js';
import { findCondition } from '../../runtime/conditions.js';
import { requeueAfter, type Result } from '../../runtime/ports.js';
import { readAppCredentials } from '../../relations/secret-values.js';
import { appKeyOf } from '../../relations/relations.js';
import { bad } from '../verdict.js';
import { checkAccepted, type Acceptance } from './acceptance.js';
import { ClaimStep } from './claim.js';
import { PageFinish } from './status-write.js';
import { isTokenReason, subscribedReason } from './graph-reasons.js';
import { PageNameStep } from './page-name.js';
import { priorityOf, type AppPass, type PagePass } from './pass.js';
import type { PageReconcilerDeps } from './ports.js';
import { judgeRoutable } from './routable.js';
import { SubscriptionStep } from './subscription.js';
import { TokenStep } from './token.js';

/** How long a page waits without a word for the first verdict on its app: both are often applied together. */
const APP_VERDICT_MS = 5_000;

/** The steps of a pass over a page that is not being deleted, in the order of its conditions. */
export class PageFlow {
  readonly #deps: PageReconcilerDeps;
  readonly #token: TokenStep;
  readonly #name: PageNameStep;
  readonly #claim: ClaimStep;
  readonly #subscription: SubscriptionStep;
  readonly #finish: PageFinish;

  constructor(deps: PageReconcilerDeps) {
    this.#deps = deps;
    this.#token = new TokenStep(deps);
    this.#name = new PageNameStep(deps);
    this.#claim = new ClaimStep(deps);
    this.#subscription = new SubscriptionStep(deps);
    this.#finish = new PageFinish(deps);
  }

  async run(pass: PagePass, app: MessengerApp | undefined): Promise<Result> {
    const accepted = checkAccepted(pass.page, app, this.#deps.namespaces);
    if (this.#mayWaitForApp(pass, accepted)) return requeueAfter(APP_VERDICT_MS);
    pass.report.judge('Accepted', accepted.judgement);
    if (accepted.app === undefined || accepted.judgement.status !== 'True') return this.#notAccepted(pass, app, accepted);
    if (pass.page.spec.suspend === true) return this.#withoutGraph(pass, accepted.app);
    const credentials = await readAppCredentials(this.#deps, accepted.app, pass.signal);
    if (credentials === undefined) {
      const message = `the app secret of MessengerApp ${accepted.app.metadata.name} cannot be used: see its conditions`;
      pass.report.judge('Accepted', bad('AppNotAccepted', message));
      return this.#withoutGraph(pass, accepted.app);
    }
    const call = { signal: pass.signal, priority: priorityOf(pass.page) };
    return this.#withGraph({ ...pass, app: accepted.app, credentials, call });
  }

  /** Both are often applied at once: no status is written just to say that the app comes a moment later. */
  #mayWaitForApp({ memory, page }: PagePass, { judgement, app }: Acceptance): boolean {
    if (app === undefined || judgement.status !== 'Unknown' || page.status?.conditions !== undefined) return false;
    return this.#deps.clock.monotonicMs() - memory.metMs < APP_VERDICT_MS;
  }

  async #notAccepted(pass: PagePass, app: MessengerApp | undefined, accepted: Acceptance): Promise<Result> {
    await this.#claim.run(pass, app);
    if (accepted.app !== undefined) await judgeRoutable(this.#deps, pass);
    return this.#finish.seen(pass, { app });
  }

  /** What can be told without Graph; for a suspended page too: its events are still delivered, and consent may be withdrawn. */
  async #withoutGraph(pass: PagePass, app: MessengerApp): Promise<Result> {
    await this.#claim.run(pass, app);
    await judgeRoutable(this.#deps, pass);
    return this.#finish.seen(pass, { app });
  }

  async #withGraph(pass: AppPass): Promise<Result> {
    if (this.#isParked(pass)) return this.#blind(pass, undefined);
    try {
      const token = await this.#token.run(pass);
      const epoch = await this.#claim.run(pass, pass.app);
      await judgeRoutable(this.#deps, pass);
      if (token !== undefined && epoch !== undefined) {
        await this.#subscribe({ ...pass, token, epoch });
        await this.#name.run({ ...pass, token, epoch });
      }
    } catch (error) {
      if (!isBlinding(error)) throw error;
      return this.#blind(pass, error);
    }
    if (isThoughtUnreachable(pass)) this.#deps.health.askAgain(appKeyOf(pass.page));
    return this.#finish.seen(pass, { app: pass.app });
  }

  async #subscribe(pass: Parameters<SubscriptionStep['run']>[0]): Promise<void> {
    try {
      await this.#subscription.run(pass);
    } catch (error) {
      if (!(error instanceof TerminalError)) throw error;
      pass.memory.lookedMs = this.#deps.clock.monotonicMs();
      if (isTokenReason(error.reason)) await this.#token.runAfterRefusal(pass, error);
      else pass.report.judge('Subscribed', bad(subscribedReason(error.reason), pass.memory.refusal?.message ?? fullMessage(error)));
    }
  }

  /** Graph refuses the app's own credential: one probe asks, not each of its pages. */
  #isParked({ app, page }: AppPass): boolean {
    const credentials = findCondition(app.status?.conditions, 'CredentialsValid');
    return credentials?.status === 'False' || this.#deps.health.isParked(appKeyOf(page));
  }

  /**
   * Graph could not be looked at. That changes nothing that was seen; the claim and the route do not need Graph.
   * @throws `error` again, for the queue to retry; not an AppCredentialError: the app's probe wakes its pages
   */
  async #blind(pass: AppPass, error: Error | undefined): Promise<Result> {
    const { health } = this.#deps;
    const app = appKeyOf(pass.page);
    if (error instanceof AppCredentialError) health.park(app);
    else if (isWorthAsking(pass, error)) health.ask(app);
    if (!pass.report.judged.has('Claimed')) await this.#claim.run(pass, pass.app);
    if (!pass.report.judged.has('Routable')) await judgeRoutable(this.#deps, pass);
    const result = await this.#finish.blind(pass);
    if (error === undefined || error instanceof AppCredentialError) return result;
    throw error instanceof RateLimitedError ? noLongerThan(error, result) : error;
  }
}

/** Whether it only says that somebody could not be asked: Graph, or the cluster for a Secret. */
function isBlinding(error: unknown): error is Error {
  return [TransientError, RateLimitedError, AppCredentialError, ClusterUnavailableError].some((kind) => error instanceof kind);
}

/** The app is to look whether Graph can be reached, unless it has found that it cannot: then it asks at its own pace. */
function isWorthAsking(pass: AppPass, error: Error | undefined): boolean {
  const ofApp = error instanceof TransientError || (error instanceof RateLimitedError && error.scope === 'app');
  return ofApp && !isThoughtUnreachable(pass);
}

function isThoughtUnreachable({ app }: AppPass): boolean {
  return findCondition(app.status?.conditions, 'GraphReachable')?.status === 'False';
}

/** However long Graph wants to be left alone, the page has to become Unknown in time. */
function noLongerThan(error: RateLimitedError, { requeueAfterMs }: Result): RateLimitedError {
  if (requeueAfterMs === undefined || error.retryAfterMs <= requeueAfterMs) return error;
  return new RateLimitedError(error.message, requeueAfterMs, { scope: error.scope, graphText: error.graphText, cause: error });
}
