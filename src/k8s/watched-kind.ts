import type { KubeObject } from '../api/meta.js';
import { Store, type StoreOptions } from '../runtime/store.js';
import type { KubeClient } from './kube-http.js';
import type { ReflectorEvent } from './observer.js';
import type { ReflectorTiming } from './reflector-options.js';
import { Reflector, type ReflectorHealth } from './reflector.js';
import type { ResourceType } from './resources.js';

export interface WatchedKindOptions<T extends KubeObject> extends Omit<StoreOptions<T>, 'namespaces' | 'log'> {
  readonly client: KubeClient;
  readonly resource: ResourceType;
  /** undefined: all namespaces, in one watch; else one watch for each. */
  readonly namespaces: readonly string[] | undefined;
  readonly log: NonNullable<StoreOptions<T>['log']>;
  readonly observe: ((event: ReflectorEvent) => void) | undefined;
  readonly timing: Partial<ReflectorTiming> | undefined;
}

/** One kind in a store, with the reflectors that keep it up to date. */
export class WatchedKind<T extends KubeObject> {
  readonly store: Store<T>;
  readonly #reflectors: readonly Reflector<T>[];

  constructor({ client, resource, observe, timing, ...options }: WatchedKindOptions<T>) {
    this.store = new Store(options);
    const { clock, log } = options;
    const scopes: readonly (string | undefined)[] = options.namespaces ?? [undefined];
    this.#reflectors = scopes.map(
      (namespace) =>
        new Reflector({
          client,
          resource,
          namespace,
          store: this.store,
          clock,
          log,
          ...(observe && { observe }),
          ...(timing && { timing }),
        }),
    );
  }

  get health(): readonly ReflectorHealth[] {
    return this.#reflectors.map((reflector) => reflector.health);
  }

  /**
   * What readiness still waits for. A refused namespace is not waited for, unless every one is
   * refused: then nothing is known.
   */
  get waiting(): readonly ReflectorHealth[] {
    const unlisted = this.health.filter(({ synced }) => !synced);
    return unlisted.length === this.#reflectors.length ? unlisted : unlisted.filter(({ settled }) => !settled);
  }

  /**
   * Resolves once all that was written before this call is in the store. @throws the signal's
   * reason
   */
  async refresh(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#reflectors.map((reflector) => reflector.refresh(signal)));
  }

  /** Follows until the signal is aborted. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#reflectors.map((reflector) => reflector.run(signal)));
  }
}
