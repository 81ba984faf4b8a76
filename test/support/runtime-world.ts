import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PAGES } from '../../src/api/kinds.js';
import type { KubeObject } from '../../src/api/meta.js';
import type { MessengerPage } from '../../src/api/v1alpha1/types.gen.js';
import { systemClock } from '../../src/kit/clock.js';
import type { LogFields, Logger } from '../../src/kit/log.js';
import { loadKubeClient } from '../../src/k8s/kube-client.js';
import type { KubeClient } from '../../src/k8s/kube-http.js';
import type { ReflectorOptions } from '../../src/k8s/reflector-options.js';
import { Reflector } from '../../src/k8s/reflector.js';
import { Store } from '../../src/runtime/store.js';
import { startControlPlane, type ControlPlane } from './control-plane.js';
import { messengerPage, namespaceNamed } from './page-manifests.js';

export const NAMESPACE = 'runtime-test';
export const PAGES_PATH = `/apis/messenger-operator.dev/v1alpha1/namespaces/${NAMESPACE}/messengerpages`;

/** The runtime's own parts before a real API server, without the operator around them. */
export class RuntimeWorld {
  readonly plane: ControlPlane;
  readonly client: KubeClient;
  readonly logged: { readonly message: string; readonly fields: LogFields }[] = [];
  readonly log: Logger;
  readonly #life = new AbortController();
  readonly #clients: KubeClient[] = [];
  readonly #running: Promise<void>[] = [];

  constructor(plane: ControlPlane) {
    this.plane = plane;
    const line = (message: string, fields: LogFields = {}): void => void this.logged.push({ message, fields });
    this.log = { error: line, warn: line, info: line, debug: line, child: () => this.log };
    this.client = this.clientFor(plane.adminKubeconfig);
  }

  static async start(): Promise<RuntimeWorld> {
    const plane = await startControlPlane();
    await plane.admin.apply(namespaceNamed(NAMESPACE));
    for (const file of readdirSync('crds')) await plane.admin.applyYaml(readFileSync(join('crds', file), 'utf8'));
    return new RuntimeWorld(plane);
  }

  clientFor(kubeconfig: string): KubeClient {
    const client = loadKubeClient({ kubeconfig, clock: systemClock });
    this.#clients.push(client);
    return client;
  }

  /** A client with the token of a new ServiceAccount, which has no rights yet. */
  async clientOf(account: string): Promise<KubeClient> {
    await this.plane.admin.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: account, namespace: NAMESPACE } });
    return this.clientFor(await this.plane.kubeconfigFor({ serviceAccount: account, namespace: NAMESPACE }));
  }

  /** Follows the pages of the namespace until the test's end. */
  follow(options: Partial<ReflectorOptions<MessengerPage>> = {}): { readonly store: Store<MessengerPage>; readonly events: string[] } {
    const store = new Store<MessengerPage>({ clock: systemClock, namespaces: [NAMESPACE] });
    const events: string[] = [];
    const reflector = new Reflector({
      client: this.client,
      resource: PAGES,
      namespace: NAMESPACE,
      store,
      clock: systemClock,
      log: this.log,
      observe: (event) => events.push(event),
      ...options,
    });
    this.run((signal) => reflector.run(signal));
    return { store, events };
  }

  /** Runs something until the test's end. */
  run(work: (signal: AbortSignal) => Promise<void>): void {
    this.#running.push(work(this.#life.signal));
  }

  get signal(): AbortSignal {
    return this.#life.signal;
  }

  async createPage(name: string, pageId = '1001'): Promise<MessengerPage> {
    return this.plane.admin.create<MessengerPage>(
      PAGES_PATH,
      messengerPage({ name, namespace: NAMESPACE }, { pageId, appRef: { name: 'main' } }),
    );
  }

  /** name → resourceVersion, as the server has them. */
  async onServer(): Promise<Readonly<Record<string, string>>> {
    return versions(await this.plane.admin.list<KubeObject>(PAGES_PATH));
  }

  async stop(): Promise<void> {
    this.#life.abort(new Error('the test is over'));
    await Promise.all(this.#running);
    await Promise.all(this.#clients.map((client) => client.close()));
    await this.plane.stop();
  }
}

export function versions(objects: readonly KubeObject[]): Readonly<Record<string, string>> {
  return Object.fromEntries(objects.map(({ metadata }) => [metadata.name, metadata.resourceVersion ?? '']));
}
