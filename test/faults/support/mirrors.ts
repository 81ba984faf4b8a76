import type { KubeObject } from '../../../src/api/meta.js';
import { systemClock } from '../../../src/kit/clock.js';
import { silentLogger } from '../../../src/kit/log.js';
import { keyOf, keyText } from '../../../src/core/domain/object-key.js';
import { loadKubeClient } from '../../../src/k8s/kube-client.js';
import type { KubeClient } from '../../../src/k8s/kube-http.js';
import { KubeCluster } from '../../../src/k8s/kube-cluster.js';
import { KubeMetadataSource } from '../../../src/k8s/secret-source.js';
import { Store } from '../../../src/runtime/store.js';
import { ROLES, type Role } from '../../support/operator.js';
import { SECRET_NAMESPACES } from './places.js';
import { KINDS_OF, type ServerState, type Watcher } from './kinds.js';

const SHOWN = 3;
const GRACE_MS = 600_000;

/**
 * What the three roles hold, made visible: the same KubeCluster with the same rights through the
 * same proxy, but in this process, where its stores can be looked into.
 */
export class Mirrors {
  readonly #clients: KubeClient[] = [];
  readonly #caches = new Map<string, unknown>();
  readonly #life = new AbortController();

  constructor(kubeconfigs: Readonly<Record<Role, string>>) {
    for (const role of ROLES) this.#follow(role, kubeconfigs[role]);
  }

  /**
   * Where a store is not what the server has, object by object, by uid and resourceVersion. Empty:
   * equal.
   */
  differences(server: ServerState, watchers: readonly Watcher[]): readonly string[] {
    return watchers.flatMap((watcher) => {
      const differing = this.#differing(watcher, objectsFor(server, watcher));
      if (differing.length === 0) return [];
      return [`${watcher.role}'s ${watcher.kind}: ${differing.length} differ (${differing.slice(0, SHOWN).join(', ')})`];
    });
  }

  async stop(): Promise<void> {
    this.#life.abort(new Error('the test is over'));
    await Promise.all(this.#clients.map((client) => client.close()));
  }

  #follow(role: Role, kubeconfig: string): void {
    const client = loadKubeClient({ kubeconfig, clock: systemClock });
    const cluster = new KubeCluster({
      ...{ client, role, clock: systemClock, log: silentLogger, watchNamespaces: [], lead: undefined, secretGraceMs: GRACE_MS },
      secretNamespaces: role === 'webhook' ? SECRET_NAMESPACES : [],
      observer: { cache: (kind, cache) => this.#caches.set(`${role} ${kind}`, cache) },
    });
    this.#clients.push(client);
    cluster.start(this.#life.signal);
  }

  #differing({ role, kind }: Watcher, objects: readonly KubeObject[]): readonly string[] {
    const cache = this.#caches.get(`${role} ${kind}`);
    if (cache instanceof Store) return ofStore(cache as Store<KubeObject>, objects);
    if (cache instanceof KubeMetadataSource) return ofSource(cache, objects);
    throw new Error(`${role} does not follow ${kind}`);
  }
}

/** Of what the server has, the part that the role may follow. */
export function objectsFor(server: ServerState, { role, kind }: Watcher): readonly KubeObject[] {
  if (!KINDS_OF[role].includes(kind)) return [];
  const all = server[kind];
  return role === 'webhook' && kind === 'secrets'
    ? all.filter(({ metadata }) => SECRET_NAMESPACES.includes(metadata.namespace ?? ''))
    : all;
}

const identity = ({ metadata }: KubeObject): string => `${metadata.uid ?? ''} ${metadata.resourceVersion ?? ''}`;

function ofStore(store: Store<KubeObject>, objects: readonly KubeObject[]): readonly string[] {
  const wanted = new Map(objects.map((object) => [keyText(keyOf(object)), identity(object)]));
  const held = new Map(store.list().map((object) => [keyText(keyOf(object)), identity(object)]));
  const keys = new Set([...wanted.keys(), ...held.keys()]);
  return [...keys].filter((key) => wanted.get(key) !== held.get(key));
}

/** It keeps versions only; equal versions and an equal number leave no room for another object. */
function ofSource(source: KubeMetadataSource, objects: readonly KubeObject[]): readonly string[] {
  const wrong = objects.filter((object) => source.resourceVersion(keyOf(object)) !== object.metadata.resourceVersion);
  if (wrong.length > 0) return wrong.map((object) => keyText(keyOf(object)));
  return source.size === objects.length ? [] : [`${source.size} instead of ${objects.length}`];
}
