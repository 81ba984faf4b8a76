import type { Namespace, Service } from '../../../src/api/meta.js';
import type {
  MessengerApp,
  MessengerAppSpec,
  MessengerPage,
  MessengerPageSpec,
  MessengerPageStatus,
} from '../../../src/api/v1alpha1/types.gen.js';
import { keyText, type NamespacedName } from '../../../src/core/domain/object-key.js';
import type { DataCache, DataState } from '../../../src/runtime/ports.js';
import { Store } from '../../../src/runtime/store.js';
import { FakeClock } from '../../support/fake-clock.js';

/** Secrets or ConfigMaps as a state; who retains what can be asked. */
export class FakeData implements DataCache {
  readonly #states = new Map<string, DataState>();
  readonly #retained = new Map<string, readonly NamespacedName[]>();
  readonly #handlers = new Set<(key: NamespacedName) => void>();
  isSynced = true;
  #version = 0;

  hasSynced(): boolean {
    return this.isSynced;
  }
  ageMs(): number {
    return 0;
  }
  peek(key: NamespacedName): DataState {
    return this.#states.get(keyText(key)) ?? { kind: 'unknown' };
  }
  read(key: NamespacedName): Promise<DataState> {
    return Promise.resolve(this.peek(key));
  }
  retain(owner: string, keys: readonly NamespacedName[]): void {
    if (keys.length === 0) this.#retained.delete(owner);
    else this.#retained.set(owner, keys);
  }
  subscribe(handler: (key: NamespacedName) => void): () => void {
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  }

  /** Puts an object there; undefined: it is absent. */
  set(key: string, data: Readonly<Record<string, string>> | undefined): void {
    const [namespace = '', name = ''] = key.split('/');
    const bytes = new Map(Object.entries(data ?? {}).map(([field, text]) => [field, Buffer.from(text)]));
    const resourceVersion = String((this.#version += 1));
    this.#states.set(
      key,
      data === undefined
        ? { kind: 'absent' }
        : { kind: 'present', uid: key, resourceVersion, type: 'Opaque', labels: {}, data: bytes, goneSinceMs: undefined },
    );
    for (const handler of this.#handlers) handler({ namespace, name });
  }

  /** `namespace/name`, sorted, each once. */
  get retained(): readonly string[] {
    return [...new Set([...this.#retained.values()].flat().map(keyText))].sort();
  }
}

/** An accepted app `bots/main` with appId 77. */
export function anApp(spec: Partial<MessengerAppSpec> = {}, metadata: Partial<MessengerApp['metadata']> = {}): MessengerApp {
  const name = metadata.name ?? 'main';
  return {
    metadata: { namespace: 'bots', uid: `uid-${name}`, creationTimestamp: '2026-01-01T00:00:00Z', ...metadata, name },
    spec: { appId: '77', appSecretRef: { name: 'main-app' }, verifyTokenRef: { name: 'main-app' }, ...spec },
  };
}

/** The app with a decision of the leader about it. */
export function decided(app: MessengerApp, status: 'True' | 'False', reason = 'Accepted'): MessengerApp {
  return {
    ...app,
    status: { conditions: [{ type: 'Accepted', status, reason, message: '', lastTransitionTime: '2026-01-01T00:00:00Z' }] },
  };
}

/**
 * A page `bots/clinic-a` with pageId 1001 that holds its claim, with a numeric backend in its
 * namespace.
 */
export function aPage(
  overrides: {
    readonly spec?: Partial<MessengerPageSpec>;
    readonly metadata?: Partial<MessengerPage['metadata']>;
    readonly status?: MessengerPageStatus;
  } = {},
): MessengerPage {
  const name = overrides.metadata?.name ?? 'clinic-a';
  return {
    metadata: { namespace: 'bots', uid: `uid-${name}`, ...overrides.metadata, name },
    spec: {
      pageId: '1001',
      appRef: { name: 'main' },
      accessTokenSecretRef: { name },
      backend: { service: { name: 'bot', port: 5000 } },
      ...overrides.spec,
    },
    status: overrides.status ?? held(),
  };
}

export function held(epoch = 1, claim: Partial<NonNullable<MessengerPageStatus['claim']>> = {}): MessengerPageStatus {
  return { claim: { appId: '77', pageId: '1001', state: 'Held', epoch, ...claim } };
}

export function aService(
  name = 'bot',
  spec: Service['spec'] = { type: 'ClusterIP', ports: [{ name: 'http', port: 8080 }, { port: 5000 }, { port: 80 }, { port: 1 }] },
  namespace = 'bots',
): Service {
  return { metadata: { name, namespace, uid: `svc-${name}` }, spec };
}

/** The stores behind an index, all listed. */
export function aWorld() {
  const clock = new FakeClock();
  const pages = new Store<MessengerPage>({ clock });
  const apps = new Store<MessengerApp>({ clock });
  const services = new Store<Service>({ clock });
  const namespaces = new Store<Namespace>({ clock });
  for (const store of [pages, apps, services, namespaces]) store.replace([]);
  const secrets = new FakeData();
  const configMaps = new FakeData();
  return { clock, pages, apps, services, namespaces, secrets, configMaps, className: '' };
}
