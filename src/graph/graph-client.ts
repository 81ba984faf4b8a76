import type { Clock } from '../kit/clock.js';
import type {
  AppCredentials,
  AppGraph,
  AppSubscription,
  Graph,
  GraphCallOptions,
  GraphSigns,
  ObservedSubscription,
  PageCredentials,
  PageInfo,
  TokenInfo,
} from '../core/ports/graph.js';
import { OperatorError } from '../core/domain/errors.js';
import { Redactor } from '../core/secrets/redact.js';
import type { Secret } from '../core/secrets/secret.js';
import { readAppSubscriptions, writeAppSubscription } from './edges/app-subscriptions.js';
import { GraphCaller } from './caller.js';
import { inspectToken } from './edges/debug-token.js';
import { CallQueue } from './call-queue.js';
import { silentObserver, type GraphObserver } from './observer.js';
import { readPage } from './edges/page-node.js';
import { deleteSubscription, deleteSubscriptionAsApp, readSubscription, replaceSubscription } from './edges/subscribed-apps.js';
import { Throttle, type Pressure } from './throttle.js';
import { GraphTransport, type GraphTransportOptions } from './transport.js';

export interface GraphClientOptions extends GraphTransportOptions {
  readonly clock: Clock;
  /** Knows the process's secrets; those of a call itself are redacted in any case. */
  readonly redactor?: Redactor;
  readonly observer?: GraphObserver;
  /** Calls to Graph at once. Default 32. */
  readonly maxConcurrent?: number;
}

/** Graph's code for "This method must be called with an app access_token". */
const APP_TOKEN_REQUIRED = 15;

/**
 * Graph for one host. Every error is an OperatorError whose text holds no secret, or the signal's
 * own reason.
 */
export class GraphClient implements Graph, GraphSigns {
  readonly #transport: GraphTransport;
  readonly #throttle: Throttle;
  readonly #redactor: Redactor;
  readonly #caller: GraphCaller;

  constructor(options: GraphClientOptions) {
    const { clock, redactor = new Redactor(), observer = silentObserver, maxConcurrent } = options;
    this.#transport = new GraphTransport(options);
    this.#throttle = new Throttle(clock);
    this.#redactor = redactor;
    const queue = new CallQueue(maxConcurrent);
    this.#caller = new GraphCaller({ transport: this.#transport, throttle: this.#throttle, queue, clock, redactor, observer });
  }

  inspectToken(app: AppCredentials, token: Secret, options: GraphCallOptions): Promise<TokenInfo> {
    return inspectToken({ caller: this.#caller, redactor: this.#redactor }, app, token, options);
  }

  pageInfo(page: PageCredentials, options: GraphCallOptions): Promise<PageInfo> {
    return readPage({ caller: this.#caller, redactor: this.#redactor }, page, options);
  }

  observe(page: PageCredentials, options: GraphCallOptions): Promise<ObservedSubscription> {
    return readSubscription(this.#caller, page, options);
  }

  subscribe(page: PageCredentials, fields: readonly string[], options: GraphCallOptions): Promise<void> {
    return replaceSubscription(this.#caller, page, fields, options);
  }

  async unsubscribe(page: PageCredentials, options: GraphCallOptions): Promise<void> {
    try {
      await deleteSubscription(this.#caller, page, options);
    } catch (error) {
      // Which token Graph wants here depends on the app: reports since 2022 disagree.
      if (!(error instanceof OperatorError) || error.graphCode !== APP_TOKEN_REQUIRED) throw error;
      await deleteSubscriptionAsApp(this.#caller, page, options);
    }
  }

  subscriptions(app: AppCredentials, options: GraphCallOptions): Promise<readonly AppSubscription[]> {
    return readAppSubscriptions(this.#caller, app, options);
  }

  subscribeApp(app: AppCredentials, wanted: Parameters<AppGraph['subscribeApp']>[1], options: GraphCallOptions): Promise<void> {
    return writeAppSubscription(this.#caller, app, wanted, options);
  }

  /**
   * By how much to stretch the intervals of the checks of this app, or of one of its pages, by the
   * usage that Graph reports.
   */
  pressure(appId: string, pageId?: string): Pressure {
    return this.#throttle.pressure(appId, pageId);
  }

  /** The API version that Graph answered this app with last; undefined before the first answer. */
  answeredVersion(app: AppCredentials): string | undefined {
    return this.#caller.answeredVersion(app);
  }

  /** Closes the kept connections; calls in flight fail. */
  close(): void {
    this.#transport.close();
  }
}
