import type { KubeObject } from '../api/meta.js';
import type { Clock } from '../kit/clock.js';
import type { Logger } from '../kit/log.js';
import { keyOf, type NamespacedName } from '../core/domain/object-key.js';
import { ReadRefusedError, type Coverage, type FetchData, type FetchedData, type MetadataSource } from '../runtime/data-ports.js';
import { Store } from '../runtime/store.js';
import { identityOnly } from '../runtime/transform.js';
import { isStatus, unavailable } from './kube-error.js';
import type { KubeClient } from './kube-http.js';
import type { ReflectorEvent } from './observer.js';
import type { ReflectorTiming } from './reflector-options.js';
import { Reflector, type ReflectorHealth } from './reflector.js';
import { objectPath, SECRETS, type ResourceType } from './resources.js';

/**
 * Helm keeps every release in a Secret, and old clusters a token for every ServiceAccount: neither
 * is ever referred to.
 */
const NOT_OURS = 'type!=helm.sh/release.v1,type!=kubernetes.io/service-account-token';

export interface KubeMetadataOptions {
  readonly client: KubeClient;
  /** SECRETS or CONFIG_MAPS. */
  readonly resource: ResourceType;
  /**
   * Where to list and watch; undefined: everywhere, in one piece. In other namespaces objects are
   * read by name.
   */
  readonly namespaces: readonly string[] | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  readonly observe?: (event: ReflectorEvent) => void;
  readonly timing?: Partial<ReflectorTiming>;
}

const EVERYWHERE = '';

/**
 * The metadata of Secrets or ConfigMaps, watched: name, uid and resourceVersion are kept and
 * nothing else, because the last-applied annotation holds the data in clear, and because the memory
 * must not grow with what no object refers to. A namespace that may not be listed, or is not to be,
 * is `polled`: the objects referred to are read by name.
 */
export class KubeMetadataSource implements MetadataSource {
  readonly #store: Store<KubeObject>;
  readonly #reflectors: ReadonlyMap<string, Reflector<KubeObject>>;
  readonly #refused = new Set<string>();
  readonly #handlers = new Set<(key: NamespacedName | undefined) => void>();

  constructor({ client, resource, namespaces, clock, log, observe, timing }: KubeMetadataOptions) {
    this.#store = new Store({ clock, log, transform: identityOnly, namespaces });
    this.#store.subscribe(({ object }) => {
      this.#tell(keyOf(object));
    });
    const scopes = namespaces ?? [EVERYWHERE];
    this.#reflectors = new Map(
      scopes.map((scope) => {
        const reflector = new Reflector({
          client,
          resource,
          store: this.#store,
          metadataOnly: true,
          fieldSelector: resource === SECRETS ? NOT_OURS : undefined,
          namespace: scope === EVERYWHERE ? undefined : scope,
          clock,
          log,
          onListed: () => {
            this.#tell(undefined);
          },
          onRefused: (refused) => {
            this.#setRefused(scope, refused);
          },
          ...(observe && { observe }),
          ...(timing && { timing }),
        });
        return [scope, reflector];
      }),
    );
  }

  /** Objects known by their metadata. */
  get size(): number {
    return this.#store.size;
  }

  get health(): readonly ReflectorHealth[] {
    return [...this.#reflectors.values()].map((reflector) => reflector.health);
  }

  get refusedScopes(): number {
    return this.#store.refusedScopes;
  }

  /** What readiness still waits for. */
  get waiting(): readonly ReflectorHealth[] {
    const isWhole = this.#reflectors.has(EVERYWHERE);
    return this.health.filter(({ synced, settled }) => (isWhole ? !synced : !settled));
  }

  /** Follows until the signal is aborted. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.#reflectors.values()].map((reflector) => reflector.run(signal)));
  }

  coverage(namespace: string): Coverage {
    const scope = this.#reflectors.has(EVERYWHERE) ? EVERYWHERE : namespace;
    const reflector = this.#reflectors.get(scope);
    if (reflector === undefined || this.#refused.has(scope)) return 'polled';
    return reflector.health.synced ? 'watched' : 'pending';
  }

  resourceVersion(key: NamespacedName): string | undefined {
    return this.#store.get(key)?.metadata.resourceVersion;
  }

  /**
   * Whether each scope was listed once. A single namespace that is refused counts: its objects are
   * read by name.
   */
  hasSynced(): boolean {
    return this.waiting.length === 0;
  }

  ageMs(): number {
    return this.#store.ageMs();
  }

  subscribe(handler: (key: NamespacedName | undefined) => void): () => void {
    const own = (key: NamespacedName | undefined): void => {
      handler(key);
    };
    this.#handlers.add(own);
    return () => this.#handlers.delete(own);
  }

  #setRefused(scope: string, refused: boolean): void {
    if (refused) this.#refused.add(scope);
    else this.#refused.delete(scope);
    this.#tell(undefined);
  }

  #tell(key: NamespacedName | undefined): void {
    for (const handler of this.#handlers) handler(key);
  }
}

/** Reads a Secret or ConfigMap by name. The data stays in the answer; errors hold none of it. */
export function fetchData(client: KubeClient, resource: ResourceType): FetchData {
  return async (key, signal) => {
    try {
      const body = await client.request({ method: 'GET', path: objectPath(resource, key), signal });
      return dataOf(body as DataObject, resource === SECRETS ? 'base64' : 'utf8');
    } catch (error) {
      if (isStatus(error, 404)) return undefined;
      if (isStatus(error, 403)) throw new ReadRefusedError(error.message, { cause: error });
      throw unavailable(error, signal);
    }
  };
}

interface DataObject extends KubeObject {
  readonly type?: string;
  /** Of a Secret: base64. Of a ConfigMap: text. */
  readonly data?: Readonly<Record<string, string>>;
  readonly binaryData?: Readonly<Record<string, string>>;
}

function dataOf({ metadata, type, data = {}, binaryData = {} }: DataObject, encoding: 'base64' | 'utf8'): FetchedData {
  const entries = [
    ...Object.entries(data).map(([key, text]) => [key, Buffer.from(text, encoding)] as const),
    ...Object.entries(binaryData).map(([key, text]) => [key, Buffer.from(text, 'base64')] as const),
  ];
  return {
    uid: metadata.uid ?? '',
    resourceVersion: metadata.resourceVersion ?? '',
    type,
    labels: metadata.labels ?? {},
    data: new Map(entries),
  };
}
