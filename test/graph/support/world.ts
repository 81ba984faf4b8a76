import type { KubeObject, Namespace, Service } from '../../../src/api/meta.js';
import { DEFAULT_SUBSCRIBED_FIELDS } from '../../../src/api/v1alpha1/constants.js';
import type { MessengerApp, MessengerAppSpec, MessengerPage, MessengerPageSpec } from '../../../src/api/v1alpha1/types.gen.js';
import type { Cluster } from '../../../src/runtime/cluster.js';
import { KindMap } from '../../../src/runtime/kinds.js';
import { APPS, PAGES } from '../../../src/api/kinds.js';
import { runControllers, type ControllersConfig } from '../../../src/app/controller.js';
import type { ProcessContext } from '../../../src/app/context.js';
import { APP_INDEXES, PAGE_INDEXES } from '../../../src/controller/indexes.js';
import type { Logger } from '../../../src/kit/log.js';
import { rfc3339 } from '../../../src/kit/clock.js';
import { Redactor } from '../../../src/core/secrets/redact.js';
import { Metrics } from '../../../src/observability/metrics.js';
import { findCondition } from '../../../src/runtime/conditions.js';
import type { KubeEvent } from '../../../src/runtime/ports.js';
import { Store } from '../../../src/runtime/store.js';
import type { CallRecord } from '../../../src/simulator/model.js';
import { startSimulator, type RunningSimulator } from '../../../src/simulator/simulator.js';
import { FakeKind } from '../../unit/controller/support/fake-kind.js';
import { FakeSecrets } from '../../unit/controller/support/fake-secrets.js';
import { Traffic } from './traffic.js';
import { VirtualClock } from './virtual-clock.js';

export const NAMESPACE = 'bots';
export const APP_ID = '1517776481860111';
export const CALLBACK = 'https://bots.example.com/webhooks/messenger';
const APP_SECRET = 'an-app-secret-0123456789abcdef';
const DAY_MS = 86_400_000;

export interface TestPage {
  readonly name: string;
  readonly pageId: string;
  readonly alias: string;
}

export interface ToldEvent {
  readonly name: string;
  readonly atMs: number;
  readonly event: KubeEvent;
}

/**
 * The leader's work as it is composed for a cluster, with the real Graph client, over sockets to
 * the simulator, in virtual time. Only the API server is not real: it is in memory.
 */
export class GraphWorld {
  readonly #traffic = new Traffic();
  readonly clock = new VirtualClock(this.#traffic.idle);
  readonly pages = new FakeKind<MessengerPage>(this.clock, 'page', PAGE_INDEXES);
  readonly apps = new FakeKind<MessengerApp>(this.clock, 'app', APP_INDEXES);
  readonly secrets = new FakeSecrets(this.clock);
  readonly services = new Store<Service>({ clock: this.clock });
  readonly events: ToldEvent[] = [];
  /** Lines of level info and above. */
  readonly logged: { readonly level: string; readonly message: string }[] = [];
  readonly metrics = new Metrics('test');
  sim!: RunningSimulator;
  #running: Promise<void> | undefined;
  #stop = new AbortController();
  #pages = 0;

  static async make(app: Partial<MessengerAppSpec> = {}): Promise<GraphWorld> {
    const world = new GraphWorld();
    world.sim = await startSimulator({ clock: world.clock });
    world.sim.control.makeApp({ id: APP_ID, secret: APP_SECRET, name: 'Main', requireProof: true });
    world.sim.control.setAppSubscription(APP_ID, 'page', { callbackUrl: CALLBACK, fields: [...DEFAULT_SUBSCRIBED_FIELDS, 'feed'] });
    world.services.replace([{ metadata: { namespace: NAMESPACE, name: 'bot' }, spec: { type: 'ClusterIP', ports: [{ port: 5000 }] } }]);
    world.secrets.put(`${NAMESPACE}/main`, { appSecret: APP_SECRET, verifyToken: 'verify-me' });
    world.apps.create({
      metadata: { name: 'main', namespace: NAMESPACE },
      spec: { appId: APP_ID, appSecretRef: { name: 'main' }, verifyTokenRef: { name: 'main' }, ...app },
    });
    return world;
  }

  /**
   * A Page with a token at Graph, its Secret and its object. `subscribed`: Graph lists our app
   * already.
   */
  addPage(options: { readonly subscribed?: boolean; readonly spec?: Partial<MessengerPageSpec>; readonly ageMs?: number } = {}): TestPage {
    const { subscribed = false, spec = {}, ageMs = 30 * DAY_MS } = options;
    const number = ++this.#pages;
    const pageId = spec.pageId ?? String(104_500_000_000_000n + BigInt(number));
    const name = `page-${number}`;
    const alias = `token-${number}`;
    const { control } = this.sim;
    control.makePage({ id: pageId, name: `Page ${number}` });
    const token = control.makeToken({ appId: APP_ID, pageId, alias });
    if (subscribed) control.setFields(APP_ID, pageId, DEFAULT_SUBSCRIBED_FIELDS);
    this.secrets.put(`${NAMESPACE}/${name}`, { token });
    this.pages.create({
      metadata: { name, namespace: NAMESPACE, creationTimestamp: rfc3339(this.clock.nowMs() - ageMs) },
      spec: {
        pageId,
        appRef: { name: 'main' },
        accessTokenSecretRef: { name },
        backend: { service: { name: 'bot', port: 5000 } },
        ...spec,
      },
    });
    return { name, pageId, alias };
  }

  /** The leader begins. */
  start(config: Partial<ControllersConfig> = {}): void {
    this.#stop = new AbortController();
    this.#running = runControllers({ config: this.#config(config), context: this.#context(), cluster: this.#cluster() }, this.#stop.signal);
  }

  /** The leader ends, and all that it kept in memory is gone. */
  async halt(): Promise<void> {
    this.#stop.abort(new Error('the test is over'));
    await this.#running;
  }

  async close(): Promise<void> {
    await this.halt();
    await this.sim.stop();
    this.#traffic.stop();
  }

  /**
   * All calls of Graph's edges since a number, items of batches counted singly, the batches
   * themselves not.
   */
  calls(since = 0): readonly CallRecord[] {
    return this.#records(since).filter(({ shape }) => shape !== '/ (batch)');
  }

  /** HTTP requests since a number. */
  requests(since = 0): readonly CallRecord[] {
    return this.#records(since).filter(({ batch }) => batch === undefined);
  }

  get lastCall(): number {
    return this.#records(0).at(-1)?.seq ?? 0;
  }

  page(name: string): MessengerPage {
    return this.pages.require({ namespace: NAMESPACE, name });
  }

  app(): MessengerApp {
    return this.apps.require({ namespace: NAMESPACE, name: 'main' });
  }

  condition(name: string, type: string) {
    return findCondition(this.page(name).status?.conditions, type);
  }

  appCondition(type: string) {
    return findCondition(this.app().status?.conditions, type);
  }

  /** `True`, or `False/Reason`; `none` without the condition. */
  ready(name: string): string {
    const found = this.condition(name, 'Ready');
    if (found === undefined) return 'none';
    return found.status === 'True' ? 'True' : `${found.status}/${found.reason}`;
  }

  /** Lets time pass in small steps until it holds. @throws after `limitMs` */
  async until(holds: () => boolean, limitMs: number, stepMs = 1_000): Promise<void> {
    for (let left = limitMs; !holds(); left -= stepMs) {
      if (left <= 0) throw new Error(`not within ${limitMs / 1_000} s of virtual time: ${JSON.stringify(this.summary())}`);
      await this.clock.advance(stepMs);
    }
  }

  /** How many pages have each of these: `{True: 500}`. */
  summary(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const { metadata } of this.pages.live) {
      const text = this.ready(metadata.name);
      counts[text] = (counts[text] ?? 0) + 1;
    }
    return counts;
  }

  told(name: string): readonly KubeEvent[] {
    return this.events.filter((one) => one.name === name).map(({ event }) => event);
  }

  #records(since: number): readonly CallRecord[] {
    return this.sim.control.calls(since);
  }

  #config(config: Partial<ControllersConfig>): ControllersConfig {
    return {
      graphVersion: 'v25.0',
      intervalMs: 1_800_000,
      minIntervalMs: 300_000,
      tokenCheckIntervalMs: 43_200_000,
      deletionTimeoutMs: 600_000,
      secretGraceMs: 600_000,
      readOnly: false,
      className: '',
      workers: 16,
      graphUrl: new URL(this.sim.url),
      ...config,
    };
  }

  #context(): ProcessContext {
    const line = (level: string) => (message: string) => void this.logged.push({ level, message });
    const lines: Logger = {
      ...{ error: line('error'), warn: line('warn'), info: line('info') },
      debug: () => undefined,
      child: () => lines,
    };
    return {
      log: { ...lines, close: () => Promise.resolve() },
      redactor: new Redactor(),
      learn: () => undefined,
      forget: () => undefined,
      metrics: this.metrics,
      clock: this.clock,
      signal: this.#stop.signal,
      version: 'test',
    };
  }

  #cluster(): Cluster {
    const access = <T extends MessengerPage | MessengerApp>(kind: FakeKind<T>) => ({
      informer: kind.store,
      live: kind,
      status: kind as never,
      finalizers: kind,
    });
    const namespaces = new Store<Namespace>({ clock: this.clock });
    namespaces.replace([{ metadata: { name: NAMESPACE, labels: {} } }]);
    const kinds = new KindMap().set(PAGES, access(this.pages)).set(APPS, access(this.apps));
    return {
      kind: (kind) => kinds.get(kind),
      services: this.services,
      namespaces,
      secrets: this.secrets,
      configMaps: undefined,
      events: {
        record: ({ metadata }: KubeObject, event) => {
          this.events.push({ name: metadata.name, atMs: this.clock.nowMs(), event });
        },
      },
      fence: { check: () => undefined },
      start: () => undefined,
      unsynced: () => [],
      degraded: () => [],
      refresh: () => Promise.resolve(),
      lead: (work, signal) => work(signal),
      close: () => Promise.resolve(),
    };
  }
}

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export { DAY_MS };
