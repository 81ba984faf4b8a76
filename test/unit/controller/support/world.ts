import { APPS, PAGES } from '../../../../src/api/kinds.js';
import type { KubeObject, Namespace, Service } from '../../../../src/api/meta.js';
import type { MessengerApp, MessengerPage } from '../../../../src/api/v1alpha1/types.gen.js';
import { NotLeaderError } from '../../../../src/core/domain/errors.js';
import { silentLogger } from '../../../../src/kit/log.js';
import { keyText, parseKey, type NamespacedName } from '../../../../src/core/domain/object-key.js';
import { controllers, type ControllerOptions } from '../../../../src/controller/controllers.js';
import { APP_INDEXES, PAGE_INDEXES } from '../../../../src/controller/indexes.js';
import { findCondition } from '../../../../src/runtime/conditions.js';
import type { QueueClass } from '../../../../src/runtime/observer.js';
import type { Enqueue, KubeEvent, Reconciler, Result } from '../../../../src/runtime/ports.js';
import { Store } from '../../../../src/runtime/store.js';
import { FakeClock, flush } from '../../../support/fake-clock.js';
import { FakeGraph } from './fake-graph.js';
import { FakeKind } from './fake-kind.js';
import { FakeSecrets } from './fake-secrets.js';

export const SHOP: NamespacedName = { namespace: 'bots', name: 'shop' };
export const MAIN: NamespacedName = { namespace: 'bots', name: 'main' };
export const CALLBACK = 'https://bots.example.com/webhooks/messenger';
const FIELDS = ['messages', 'messaging_postbacks'];

/** A page that needs no explanation. */
export function aPage(spec: Partial<MessengerPage['spec']> = {}, metadata: Partial<MessengerPage['metadata']> = {}): MessengerPage {
  return {
    metadata: { ...SHOP, ...metadata },
    spec: {
      pageId: '1001',
      appRef: { name: 'main' },
      accessTokenSecretRef: { name: 'shop' },
      subscribedFields: FIELDS,
      backend: { service: { name: 'bot', port: 5000 } },
      ...spec,
    },
  };
}

/** An app that observes, and is subscribed to what the pages want. */
export function anApp(spec: Partial<MessengerApp['spec']> = {}, metadata: Partial<MessengerApp['metadata']> = {}): MessengerApp {
  return {
    metadata: { ...MAIN, ...metadata },
    spec: { appId: '151', appSecretRef: { name: 'main' }, verifyTokenRef: { name: 'main' }, ...spec },
  };
}

interface Queued {
  readonly key: string;
  readonly atMs: number;
  readonly cls: QueueClass;
}

/** A queue that keeps what it is told, for one kind. */
class FakeQueue implements Enqueue {
  readonly #clock: FakeClock;
  readonly entries = new Map<string, Queued>();
  readonly log: string[] = [];

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  add(key: NamespacedName, cls: QueueClass = 'change'): void {
    this.addAfter(key, 0, cls);
  }

  addAfter(key: NamespacedName, ms: number, cls: QueueClass = 'retry'): void {
    const text = keyText(key);
    this.log.push(`${text} ${cls}`);
    const atMs = this.#clock.monotonicMs() + ms;
    if ((this.entries.get(text)?.atMs ?? Infinity) > atMs) this.entries.set(text, { key: text, atMs, cls });
  }

  takeDue(): string | undefined {
    const due = [...this.entries.values()].find(({ atMs }) => atMs <= this.#clock.monotonicMs());
    if (due !== undefined) this.entries.delete(due.key);
    return due?.key;
  }
}

export const OPTIONS: ControllerOptions = {
  graphVersion: 'v25.0',
  intervalMs: 1_800_000,
  minIntervalMs: 60_000,
  tokenCheckIntervalMs: 43_200_000,
  deletionTimeoutMs: 600_000,
  secretGraceMs: 600_000,
  readOnly: false,
  className: '',
};

export interface WorldOptions extends Partial<ControllerOptions> {
  readonly publicReady?: () => boolean;
  readonly withoutNamespaces?: boolean;
}

/** A small cluster with Graph, and the controllers at work on it. */
export class World {
  readonly clock = new FakeClock();
  readonly graph = new FakeGraph();
  readonly secrets = new FakeSecrets(this.clock);
  readonly pages = new FakeKind<MessengerPage>(this.clock, 'page', PAGE_INDEXES);
  readonly apps = new FakeKind<MessengerApp>(this.clock, 'app', APP_INDEXES);
  readonly services = new Store<Service>({ clock: this.clock });
  readonly namespaces = new Store<Namespace>({ clock: this.clock });
  readonly events: { readonly name: string; readonly event: KubeEvent }[] = [];
  readonly errors: unknown[] = [];
  /** `reader namespace/name` of Secrets that another role may not read. */
  readonly refusedReads = new Set<string>();
  leading = true;
  leftSubscribed = 0;
  /** uid of the page → within how many days its token ends. */
  readonly tokenEnds = new Map<string, number>();
  pageQueue = new FakeQueue(this.clock);
  appQueue = new FakeQueue(this.clock);
  #reconcilers: Readonly<Record<string, Reconciler>>;
  readonly #options: WorldOptions;
  #stop: () => void = () => undefined;

  constructor(options: WorldOptions = {}) {
    this.#options = options;
    this.services.replace([{ metadata: { namespace: 'bots', name: 'bot' }, spec: { type: 'ClusterIP', ports: [{ port: 5000 }] } }]);
    this.namespaces.replace([{ metadata: { name: 'bots', labels: {} } }]);
    this.secrets.put('bots/main', { appSecret: 'app-secret', verifyToken: 'verify-me' });
    this.secrets.put('bots/shop', { token: 'token-1' });
    this.graph.appSecrets.set('151', 'app-secret');
    this.graph.addToken('token-1', '1001');
    this.graph.appRows.set('151', [{ object: 'page', callbackUrl: CALLBACK, active: true, fields: [...FIELDS, 'feed'] }]);
    this.#reconcilers = this.#start();
  }

  /** The process ends and another one begins: all that was in memory only is gone. */
  restart(): void {
    this.#stop();
    this.pageQueue = new FakeQueue(this.clock);
    this.appQueue = new FakeQueue(this.clock);
    this.#reconcilers = this.#start();
  }

  /** One pass over one page; what it throws is thrown. */
  async reconcile(key: NamespacedName = SHOP): Promise<Result> {
    return this.#reconcilerOf(PAGES.singular).reconcile(key, new AbortController().signal);
  }

  async reconcileApp(key: NamespacedName = MAIN): Promise<Result> {
    return this.#reconcilerOf(APPS.singular).reconcile(key, new AbortController().signal);
  }

  /** Works until nothing is due, as workers do; failures wait for the next `advance`. */
  async settle(): Promise<void> {
    for (let passes = 0; passes < 200; passes++) {
      const app = this.appQueue.takeDue();
      const page = app === undefined ? this.pageQueue.takeDue() : undefined;
      if (app === undefined && page === undefined) return;
      if (app !== undefined) await this.#work(this.appQueue, app, () => this.reconcileApp(parseKey(app)));
      if (page !== undefined) await this.#work(this.pageQueue, page, () => this.reconcile(parseKey(page)));
    }
    throw new Error('the controllers do not come to rest');
  }

  /** Time passes in small steps, with the workers at work. */
  async advance(ms: number, stepMs = Math.max(1_000, ms / 50)): Promise<void> {
    for (let left = ms; left > 0; left -= stepMs) {
      await this.clock.advance(Math.min(left, stepMs));
      await this.settle();
    }
  }

  condition(type: string, key: NamespacedName = SHOP) {
    return findCondition(this.pages.find(key)?.status?.conditions, type);
  }

  appCondition(type: string, key: NamespacedName = MAIN) {
    return findCondition(this.apps.find(key)?.status?.conditions, type);
  }

  /** `True`, or `False/Reason`. */
  ready(key: NamespacedName = SHOP): string | undefined {
    return textOf(this.condition('Ready', key));
  }

  appReady(key: NamespacedName = MAIN): string | undefined {
    return textOf(this.appCondition('Ready', key));
  }

  reasons(name = 'shop'): readonly string[] {
    return this.events.filter((one) => one.name === name).map(({ event }) => event.reason);
  }

  note(reason: string): string | undefined {
    return this.events.find(({ event }) => event.reason === reason)?.event.note;
  }

  /** Hooks for crashes: called with the name of each operation of cluster and Graph. */
  hook(before: (operation: string) => void, after: (operation: string) => void): void {
    for (const part of [this.pages, this.apps, this.graph]) {
      part.before = before;
      part.after = after;
    }
  }

  #reconcilerOf(name: string): Reconciler {
    const reconciler = this.#reconcilers[name];
    if (reconciler === undefined) throw new Error(`there is no controller ${name}`);
    return reconciler;
  }

  #start(): Readonly<Record<string, Reconciler>> {
    const { publicReady, withoutNamespaces, ...overrides } = this.#options;
    const access = <T extends MessengerPage | MessengerApp>(kind: FakeKind<T>) => ({
      informer: kind.store,
      live: kind,
      status: kind as never,
      finalizers: kind,
    });
    const specs = controllers({
      pages: access(this.pages),
      apps: access(this.apps),
      services: this.services,
      namespaces: withoutNamespaces === true ? undefined : this.namespaces,
      secrets: this.secrets,
      secretAccess: {
        refused: (reader, secret) => Promise.resolve(this.refusedReads.has(`${reader} ${keyText(secret)}`) ? `op:${reader}` : undefined),
      },
      events: {
        record: (object: KubeObject, event) => {
          this.events.push({ name: object.metadata.name, event });
        },
      },
      fence: {
        check: () => {
          if (!this.leading) throw new NotLeaderError();
        },
      },
      graph: this.graph,
      counters: {
        leftSubscribed: () => {
          this.leftSubscribed += 1;
        },
        tokenEnds: (uid, within) => {
          if (within === undefined) this.tokenEnds.delete(uid);
          else this.tokenEnds.set(uid, within);
        },
      },
      ...(publicReady === undefined ? {} : { publicReady }),
      clock: this.clock,
      log: silentLogger,
      options: { ...OPTIONS, ...overrides },
      random: () => 0.5,
    });
    const queues = { [PAGES.singular]: this.pageQueue, [APPS.singular]: this.appQueue };
    const stops = [...specs].reverse().map(({ name, watch }) => watch(queues[name]));
    this.#stop = () => {
      for (const stop of stops) stop();
    };
    return Object.fromEntries(specs.map(({ name, reconciler }) => [name, reconciler]));
  }

  /** A pass may sleep, waiting for Graph: then the time goes on. */
  async #whileTimePasses<T>(pass: Promise<T>): Promise<T> {
    const state = { done: false };
    const finish = (): void => {
      state.done = true;
    };
    pass.then(finish, finish);
    await flush();
    for (let slept = 0; !state.done && slept < 600; slept++) await this.clock.advance(250);
    return pass;
  }

  async #work(queue: FakeQueue, key: string, pass: () => Promise<Result>): Promise<void> {
    try {
      const { requeueAfterMs } = await this.#whileTimePasses(pass());
      if (requeueAfterMs !== undefined) queue.addAfter(parseKey(key), requeueAfterMs, 'background');
    } catch (error) {
      this.errors.push(error);
      queue.addAfter(parseKey(key), 5_000, 'retry');
    }
  }
}

function textOf(condition: { readonly status: string; readonly reason: string } | undefined): string | undefined {
  if (condition === undefined) return undefined;
  return condition.status === 'True' ? 'True' : `${condition.status}/${condition.reason}`;
}

/** A world with one accepted app and one page, not looked at yet. */
export function aWorld(options: WorldOptions & { readonly app?: MessengerApp; readonly page?: MessengerPage } = {}): World {
  const { app = anApp(), page = aPage(), ...rest } = options;
  const world = new World(rest);
  world.apps.create(app);
  world.pages.create(page);
  return world;
}

/** The same, once everything is at rest. */
export async function aSettledWorld(options: Parameters<typeof aWorld>[0] = {}): Promise<World> {
  const world = aWorld(options);
  await world.settle();
  await world.advance(2_000);
  return world;
}
