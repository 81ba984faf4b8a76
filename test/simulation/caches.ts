import type { KubeObject, Namespace, Service } from '../../src/api/meta.js';
import type { MessengerApp, MessengerPage } from '../../src/api/v1alpha1/types.gen.js';
import { APP_INDEXES, PAGE_INDEXES } from '../../src/controller/indexes.js';
import { silentLogger } from '../../src/kit/log.js';
import { keyOf, type NamespacedName } from '../../src/core/domain/object-key.js';
import { SECRETS } from '../../src/k8s/resources.js';
import { fetchData } from '../../src/k8s/secret-source.js';
import { ReferencedData } from '../../src/runtime/data-cache.js';
import type { MetadataSource } from '../../src/runtime/data-ports.js';
import { unlessAborted } from '../../src/runtime/deadline.js';
import { Store } from '../../src/runtime/store.js';
import { identityOnly } from '../../src/runtime/transform.js';
import type { Host } from './host.js';
import { OPTIONS } from './options.js';
import type { SimKube } from './sim-kube.js';
import { SimWatch } from './watch.js';
import type { World } from './world.js';

/** The stores of one process, and the watches that fill them. */
export class Caches {
  readonly pages: Store<MessengerPage>;
  readonly apps: Store<MessengerApp>;
  readonly services: Store<Service>;
  readonly namespaces: Store<Namespace>;
  readonly secrets: ReferencedData;
  readonly watches: readonly SimWatch<never>[];

  constructor(host: Host, world: World, { client, losesSecrets }: { readonly client: SimKube; readonly losesSecrets: boolean }) {
    const { clock } = host;
    this.pages = new Store<MessengerPage>({ clock, indexes: PAGE_INDEXES });
    this.apps = new Store<MessengerApp>({ clock, indexes: APP_INDEXES });
    this.services = new Store<Service>({ clock });
    this.namespaces = new Store<Namespace>({ clock });
    const source = new SecretMetadata(host, losesSecrets);
    this.secrets = new ReferencedData({
      clock,
      log: silentLogger,
      source,
      fetch: fetchData(client, SECRETS),
      graceMs: OPTIONS.secretGraceMs,
      random: () => host.random.next(),
    });
    this.watches = [
      new SimWatch(host, world, 'messengerpages', this.pages),
      new SimWatch(host, world, 'messengerapps', this.apps),
      new SimWatch(host, world, 'services', this.services),
      new SimWatch(host, world, 'namespaces', this.namespaces),
      new SimWatch(host, world, 'secrets', source),
    ] as readonly SimWatch<never>[];
  }

  start(signal: AbortSignal): void {
    this.secrets.start(signal);
    for (const watch of this.watches) watch.list();
  }

  /** As KubeCluster: the kinds that a leader writes. */
  async refresh(signal: AbortSignal): Promise<void> {
    const written = this.watches.filter(({ plural }) => plural === 'messengerpages' || plural === 'messengerapps');
    await unlessAborted(Promise.all(written.map((watch) => watch.refresh())), signal);
  }

  synced(): boolean {
    return [this.pages, this.apps, this.services, this.namespaces, this.secrets].every((one) => one.hasSynced());
  }
}

/**
 * The metadata of Secrets as KubeMetadataSource tells it. `loses`, a bug: what a new list brings is
 * not told.
 */
class SecretMetadata implements MetadataSource {
  readonly #store: Store<KubeObject>;
  readonly #loses: boolean;
  readonly #handlers = new Set<(key: NamespacedName | undefined) => void>();
  #silent = false;

  constructor({ clock }: Host, loses: boolean) {
    this.#store = new Store({ clock, transform: identityOnly });
    this.#loses = loses;
    this.#store.subscribe(({ object }) => {
      this.#tell(keyOf(object));
    });
  }

  coverage(): 'watched' | 'pending' {
    return this.#store.hasSynced() ? 'watched' : 'pending';
  }

  resourceVersion(key: NamespacedName): string | undefined {
    return this.#store.get(key)?.metadata.resourceVersion;
  }

  hasSynced(): boolean {
    return this.#store.hasSynced();
  }

  ageMs(): number {
    return this.#store.ageMs();
  }

  subscribe(handler: (key: NamespacedName | undefined) => void): () => void {
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  }

  replace(objects: readonly KubeObject[]): void {
    this.#silent = this.#loses && this.#store.hasSynced();
    this.#store.replace(objects);
    this.#tell(undefined);
    this.#silent = false;
  }

  apply(object: KubeObject): void {
    this.#store.apply(object);
  }

  remove(object: KubeObject): void {
    this.#store.remove(object);
  }

  #tell(key: NamespacedName | undefined): void {
    if (!this.#silent) for (const handler of this.#handlers) handler(key);
  }
}
