import { RateLimitedError, TransientError } from '../../src/core/errors.js';
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
} from '../../src/core/graph.js';
import type { Secret } from '../../src/core/secret.js';
import { rowKey } from './graph-model.js';
import { noAnswer, type Host } from './host.js';
import type { World } from './world.js';

const TIMEOUT_MS = 15_000;

/** The calls of one process to Graph. */
export class SimGraph implements PageGraph, AppGraph {
  readonly #host: Host;
  readonly #world: World;

  constructor(host: Host, world: World) {
    this.#host = host;
    this.#world = world;
  }

  inspectToken(app: AppCredentials, token: Secret, options: GraphCallOptions): Promise<TokenInfo> {
    return this.#call('inspect', options, () => this.#world.graph.inspect(app, token.reveal()));
  }

  /** Never fails: a name decides nothing, and one that is learnt late is a write at rest. */
  async pageInfo({ pageId }: PageCredentials, { signal }: GraphCallOptions): Promise<PageInfo> {
    const effect = (): PageInfo => ({ id: pageId, name: `Page ${pageId}` });
    return this.#host.call({ name: 'name', effect, signal, timeoutMs: Infinity, lost: noAnswer });
  }

  observe(page: PageCredentials, options: GraphCallOptions): Promise<ObservedSubscription> {
    return this.#call(`observe ${rowKey(page)}`, options, () => this.#world.graph.observe(page));
  }

  subscribe(page: PageCredentials, fields: readonly string[], options: GraphCallOptions): Promise<void> {
    const key = rowKey(page);
    const written = [...fields].sort();
    const unconfirmed = this.#world.oracle.graphWriteBegins(this.#host, key, written);
    return this.#call(
      `POST ${key} ${written.join()}`,
      options,
      () => {
        this.#world.graph.subscribe(page, written);
      },
      unconfirmed,
    );
  }

  unsubscribe(page: PageCredentials, options: GraphCallOptions): Promise<void> {
    const key = rowKey(page);
    const unconfirmed = this.#world.oracle.graphWriteBegins(this.#host, key, undefined);
    return this.#call(
      `DELETE ${key}`,
      options,
      () => {
        this.#world.graph.unsubscribe(page);
      },
      unconfirmed,
    );
  }

  subscriptions(app: AppCredentials, options: GraphCallOptions): Promise<readonly AppSubscription[]> {
    return this.#call(`subscriptions ${app.appId}`, options, () => this.#world.graph.subscriptions(app));
  }

  subscribeApp(app: AppCredentials, wanted: Parameters<AppGraph['subscribeApp']>[1], options: GraphCallOptions): Promise<void> {
    this.#world.oracle.writeBegins(this.#host, `POST app ${app.appId}`);
    this.#world.oracle.appWrites += 1;
    const effect = (): void => {
      this.#world.graph.subscribeApp(app, wanted.callbackUrl, wanted.fields);
    };
    return this.#call(`POST app ${app.appId} ${wanted.fields.join()}`, options, effect);
  }

  #call<T>(name: string, { signal }: GraphCallOptions, effect: () => T, unconfirmed: () => void = () => undefined): Promise<T> {
    const fault = this.#fault();
    return this.#host.call<T>({
      name,
      effect: () => {
        const limited = this.#throttled();
        this.#world.trace(this.#host.name, `Graph ${name}`, fault ?? limited?.message);
        if (limited !== undefined) throw limited;
        return effect();
      },
      signal,
      timeoutMs: TIMEOUT_MS,
      fault,
      lost: () => new TransientError('GraphUnavailable', 'Graph gave no answer'),
      settled: (outcome) => {
        if (outcome === 'failed') unconfirmed();
      },
    });
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
