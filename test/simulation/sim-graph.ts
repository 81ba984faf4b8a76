import { RateLimitedError, TransientError } from '../../src/core/domain/errors.js';
import type {
  AppCredentials,
  AppGraph,
  AppSubscription,
  GraphCallOptions,
  ObservedSubscription,
  PageCredentials,
  PageGraph,
  PageInfo,
  TokenInfo,
} from '../../src/core/ports/graph.js';
import type { Secret } from '../../src/core/secrets/secret.js';
import { TIMEOUT_MS } from '../../src/graph/transport.js';
import { WRITE_TIMEOUT_MS } from '../../src/kit/lease-times.js';
import { rowKey } from './graph-model.js';
import { noAnswer, type Host } from './host.js';
import type { World } from './world.js';

interface GraphCall<T> extends GraphCallOptions {
  readonly name: string;
  readonly effect: () => T;
  /** Which Page it is about. */
  readonly page?: PageCredentials;
  /** Of a write: called when its outcome is not known to the writer. */
  readonly unconfirmed?: () => void;
  /** Called when there is no good answer; of a write: `unconfirmed`. */
  readonly failed?: (() => void) | undefined;
}

/** The calls of one process to Graph. */
export class SimGraph implements PageGraph, AppGraph {
  readonly #host: Host;
  readonly #world: World;

  constructor(host: Host, world: World) {
    this.#host = host;
    this.#world = world;
  }

  inspectToken(app: AppCredentials, token: Secret, options: GraphCallOptions): Promise<TokenInfo> {
    return this.#call({ name: 'inspect', ...options, effect: () => this.#world.graph.inspect(app, token.reveal()) });
  }

  /** Never fails: a name decides nothing, and one that is learnt late is a write at rest. */
  async pageInfo({ pageId }: PageCredentials, { signal }: GraphCallOptions): Promise<PageInfo> {
    const effect = (): PageInfo => ({ id: pageId, name: `Page ${pageId}` });
    return this.#host.call({ name: 'name', effect, signal, timeoutMs: Infinity, lost: noAnswer });
  }

  observe(page: PageCredentials, options: GraphCallOptions): Promise<ObservedSubscription> {
    const failed = (): void => {
      this.#world.oracle.lookFailed(this.#host, rowKey(page));
    };
    return this.#call({ name: `observe ${rowKey(page)}`, ...options, page, effect: () => this.#world.graph.observe(page), failed });
  }

  subscribe(page: PageCredentials, fields: readonly string[], options: GraphCallOptions): Promise<void> {
    const written = [...fields].sort();
    const unconfirmed = this.#world.oracle.graphWriteBegins(this.#host, {
      key: rowKey(page),
      fields: written,
      timeoutMs: WRITE_TIMEOUT_MS,
    });
    const effect = (): void => {
      this.#world.graph.subscribe(page, written);
    };
    return this.#call({ name: `POST ${rowKey(page)} ${written.join()}`, ...options, page, effect, unconfirmed });
  }

  unsubscribe(page: PageCredentials, options: GraphCallOptions): Promise<void> {
    const unconfirmed = this.#world.oracle.graphWriteBegins(this.#host, { key: rowKey(page), timeoutMs: WRITE_TIMEOUT_MS });
    const effect = (): void => {
      this.#world.graph.unsubscribe(page);
    };
    return this.#call({ name: `DELETE ${rowKey(page)}`, ...options, page, effect, unconfirmed });
  }

  subscriptions(app: AppCredentials, options: GraphCallOptions): Promise<readonly AppSubscription[]> {
    return this.#call({ name: `subscriptions ${app.appId}`, ...options, effect: () => this.#world.graph.subscriptions(app) });
  }

  subscribeApp(app: AppCredentials, wanted: Parameters<AppGraph['subscribeApp']>[1], options: GraphCallOptions): Promise<void> {
    const unconfirmed = this.#world.oracle.appWriteBegins(this.#host, app.appId, WRITE_TIMEOUT_MS);
    const effect = (): void => {
      this.#world.oracle.apps.arrives(app.appId, wanted.fields);
      this.#world.graph.subscribeApp(app, wanted.callbackUrl, wanted.fields);
    };
    return this.#call({ name: `POST app ${app.appId} ${wanted.fields.join()}`, ...options, effect, unconfirmed });
  }

  #call<T>({ name, signal, effect, page, unconfirmed, failed = unconfirmed }: GraphCall<T>): Promise<T> {
    const fault = this.#fault();
    return this.#host.call<T>({
      name,
      effect: () => {
        const refusal = this.#throttled() ?? this.#failure(page);
        this.#world.trace(this.#host.name, `Graph ${name}`, fault ?? refusal?.message);
        if (refusal !== undefined) throw refusal;
        return effect();
      },
      signal,
      // What GraphTransport gives them.
      timeoutMs: unconfirmed === undefined ? TIMEOUT_MS : WRITE_TIMEOUT_MS,
      fault,
      lost: () => new TransientError('GraphUnavailable', 'Graph gave no answer'),
      settled: (outcome) => {
        if (outcome === 'failed') failed?.();
      },
    });
  }

  /**
   * Graph has something against this Page, for good: mostly it fails, sometimes it asks to be left
   * alone for long.
   */
  #failure(page: PageCredentials | undefined): Error | undefined {
    if (page === undefined || !this.#world.graph.broken.has(page.pageId)) return undefined;
    if (this.#host.random.chance(0.7)) return new TransientError('GraphUnavailable', 'Graph fails for this Page');
    return new RateLimitedError('too many calls', 3_600_000, { scope: 'page' });
  }

  #fault(): 'refused' | 'answer_lost' | undefined {
    const { random } = this.#host;
    if (this.#world.graph.down) return random.chance(0.8) ? 'refused' : 'answer_lost';
    if (!this.#world.chaos || !random.chance(0.03)) return undefined;
    return random.chance(0.5) ? 'refused' : 'answer_lost';
  }

  #throttled(): RateLimitedError | undefined {
    const { random } = this.#host;
    if (!this.#world.chaos || !random.chance(0.02)) return undefined;
    return new RateLimitedError('too many calls', random.between(1_000, 20_000), { scope: random.chance(0.3) ? 'app' : 'page' });
  }
}
