import type { Clock } from '../kit/clock.js';
import { AppCredentialError, NotLeaderError, RateLimitedError, TerminalError, type OperatorError } from '../core/domain/errors.js';
import type { AppCredentials } from '../core/ports/graph.js';
import type { Redactor } from '../core/secrets/redact.js';
import { Secret } from '../core/secrets/secret.js';
import { BoundedMap } from '../kit/bounded-map.js';
import { malformedAnswer, rowsOf } from './answers.js';
import { Batcher, type BatchAnswer } from './batch.js';
import { wireRequest, type GraphCall } from './call.js';
import { blamesTheApp, CredentialCheck, refusedForItsToken, refusedOnce, SuspectedCredentialError } from './credential-check.js';
import { plain, secretsOf } from './credentials.js';
import { lookUp, type GraphErrorBody } from './errors/lookup.js';
import { failureIn, toOperatorError } from './errors/to-operator-error.js';
import type { CallQueue } from './call-queue.js';
import type { GraphObserver, GraphResult } from './observer.js';
import { OPERATIONS } from './operations.js';
import type { Throttle, Ticket } from './throttle.js';
import type { WireRequest, WireResponse } from './transport.js';
import { usageIn, type Usage } from './usage.js';

export interface GraphCallerDeps {
  readonly transport: { send(request: WireRequest): Promise<WireResponse> };
  readonly throttle: Throttle;
  readonly queue: CallQueue;
  readonly clock: Clock;
  readonly redactor: Redactor;
  readonly observer: GraphObserver;
}

const MAX_VERSIONS = 1_000;

interface Progress {
  /** It was held back and never sent. */
  blocked: boolean;
}

/**
 * One path for every call: throttle, queue or batch, error catalogue, metrics. What it throws holds
 * no secret.
 */
export class GraphCaller {
  readonly #deps: GraphCallerDeps;
  readonly #batcher: Batcher;
  readonly #credentials: CredentialCheck;
  /** app and version asked for → version that answered last */
  readonly #versions = new BoundedMap<string, string>(MAX_VERSIONS);

  constructor(deps: GraphCallerDeps) {
    this.#deps = deps;
    this.#credentials = new CredentialCheck((call) => this.#counted(call, (body) => rowsOf(body, 'subscriptions')));
    this.#batcher = new Batcher({
      clock: deps.clock,
      send: (request, signal, lane) => deps.queue.run(lane, signal, () => deps.transport.send({ ...request, signal })),
      sent: (items) => {
        deps.observer.request(items);
      },
    });
  }

  /**
   * Makes the call and reads its answer with `parse`, which may throw an OperatorError of its own.
   * A call about a Page that Graph refuses for the app's credentials blames them only if Graph
   * refuses them in a call of the app's own as well. If not, a read is repeated once, and a second
   * refusal is about the token in it.
   * @throws OperatorError by the catalogue; the signal's reason where the caller gave up;
   * NotLeaderError for a write whose turn came when this process could no longer be sure to lead.
   */
  async call<T>(call: GraphCall, parse: (body: unknown) => T): Promise<T> {
    try {
      return await this.#counted(call, parse);
    } catch (error) {
      if (!(error instanceof SuspectedCredentialError)) throw error;
      await this.#credentials.assertAccepted(call.auth.app);
      call.options.signal.throwIfAborted();
      // A write is not repeated: what the caller checked right before it is too old by now.
      if (error.whole || OPERATIONS[call.operation].write) throw refusedOnce(error);
      return this.#repeat(call, parse);
    }
  }

  async #repeat<T>(call: GraphCall, parse: (body: unknown) => T): Promise<T> {
    try {
      return await this.#counted(call, parse);
    } catch (error) {
      if (!(error instanceof SuspectedCredentialError)) throw error;
      throw error.whole ? refusedOnce(error) : refusedForItsToken(call.operation, error);
    }
  }

  async #counted<T>(call: GraphCall, parse: (body: unknown) => T): Promise<T> {
    const began = this.#deps.clock.monotonicMs();
    const progress: Progress = { blocked: false };
    const tell = (result: GraphResult): void => {
      this.#deps.observer.call(call.operation, result, (this.#deps.clock.monotonicMs() - began) / 1_000);
    };
    try {
      const value = await this.#attempt(call, parse, progress);
      tell('success');
      return value;
    } catch (error) {
      tell(call.options.signal.aborted ? 'aborted' : progress.blocked ? 'blocked' : resultOf(error));
      throw error;
    }
  }

  async #attempt<T>(call: GraphCall, parse: (body: unknown) => T, progress: Progress): Promise<T> {
    const { throttle } = this.#deps;
    const { app } = call.auth;
    const refused = throttle.refuses(call);
    if (refused !== undefined) {
      progress.blocked = true;
      throw refused;
    }
    let ticket: Ticket | undefined;
    const admit = (): void => {
      progress.blocked = true;
      ticket = throttle.admit(call);
      progress.blocked = false;
    };
    const { response, whole } = await this.#send(call, admit);
    this.#noteVersion(call, response);
    const usage = usageIn(response.headers);
    throttle.observe(usage, app, whole ? undefined : call.pageId);
    const failure = failureIn(response);
    if (failure !== undefined) {
      const error = this.#errorOf(call, { response, whole }, failure, usage);
      // A refusal is an answer: the throttle is over.
      if (ticket !== undefined && error instanceof TerminalError) throttle.answered(ticket, app, call.pageId);
      throw error;
    }
    if (whole) throw malformedAnswer('batch', 'a list');
    const value = parse(response.body);
    // Only now: an answer that is not as documented need not be Graph's, and lifts no block.
    if (ticket !== undefined) throttle.succeeded(ticket, app, call.pageId);
    return value;
  }

  async #send(call: GraphCall, admit: () => void): Promise<BatchAnswer> {
    if (call.options.priority === 'background' || isOfPage(call)) return this.#batcher.add(call, admit);
    const { queue, transport, observer } = this.#deps;
    return queue.run('interactive', call.options.signal, async () => {
      admit();
      observer.request(1);
      return { response: await transport.send(wireRequest(call)), whole: false };
    });
  }

  #errorOf(call: GraphCall, { response, whole }: BatchAnswer, told: GraphErrorBody, usage: Usage): OperatorError {
    const { throttle, redactor } = this.#deps;
    const { app } = call.auth;
    const failure = { ...told, operation: whole ? ('batch' as const) : call.operation, status: response.status };
    const row = lookUp(failure);
    const pageId = whole ? undefined : call.pageId;
    const scope = row.scope === 'page' && pageId !== undefined ? 'page' : 'app';
    const retryAfterMs = row.disposition === 'wait' ? throttle.throttled(scope, app, pageId, usage) : 0;
    const graphText = redactor.text(told.message, [...secretsOf(call.auth), ...paramSecrets(call)]);
    const error = toOperatorError(row, failure, { graphText, retryAfterMs, scope });
    if (row.disposition !== 'app-credential') return error;
    if (!blamesTheApp(call.operation)) return new SuspectedCredentialError(error, whole);
    throttle.credentialRefused(app, error);
    return error;
  }

  #noteVersion({ auth: { app } }: GraphCall, response: WireResponse): void {
    const answered = response.headers['facebook-api-version'];
    if (answered === undefined || !/^v\d{1,3}\.\d{1,3}$/.test(answered)) return;
    const key = versionKey(app);
    if (this.#versions.get(key) === answered) return;
    this.#versions.set(key, answered);
    if (answered !== app.graphVersion) this.#deps.observer.otherVersion(app.appId, app.graphVersion, answered);
  }

  /** The version that Graph answered the app with last; undefined before the first answer. */
  answeredVersion(app: AppCredentials): string | undefined {
    return this.#versions.get(versionKey(app));
  }
}

/**
 * Those come by the thousand; an app's own edges are few, and a POST of its subscription waits for
 * our own webhook.
 */
function isOfPage({ operation }: GraphCall): boolean {
  return OPERATIONS[operation].of === 'page';
}

function versionKey(app: AppCredentials): string {
  return `${app.appId} ${app.graphVersion}`;
}

function paramSecrets(call: GraphCall): readonly Secret[] {
  return Object.values(call.params).flatMap((value) => (value instanceof Secret && plain(value) !== '' ? [value] : []));
}

function resultOf(error: unknown): GraphResult {
  if (error instanceof RateLimitedError) return 'wait';
  if (error instanceof TerminalError) return 'terminal';
  if (error instanceof NotLeaderError) return 'aborted';
  return error instanceof AppCredentialError ? 'app-credential' : 'transient';
}
