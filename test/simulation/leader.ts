import type { MessengerApp, MessengerPage } from '../../src/api/v1alpha1/types.gen.js';
import { AppHealth } from '../../src/controller/app-health.js';
import { ClaimArbiter } from '../../src/controller/claims/arbiter.js';
import { KeyMutex } from '../../src/controller/key-mutex.js';
import { AppMemories } from '../../src/controller/messengerapp/memory.js';
import { MessengerAppReconciler } from '../../src/controller/messengerapp/reconciler.js';
import { watchForApps } from '../../src/controller/messengerapp/setup.js';
import { PageMemories } from '../../src/controller/messengerpage/memory.js';
import type { ClaimSettler, PageReconcilerDeps } from '../../src/controller/messengerpage/ports.js';
import { MessengerPageReconciler } from '../../src/controller/messengerpage/reconciler.js';
import { watchForPages } from '../../src/controller/messengerpage/setup.js';
import { Proofs } from '../../src/controller/proofs.js';
import { StatusMemory } from '../../src/controller/status-memory.js';
import { silentLogger } from '../../src/core/log.js';
import { keyText } from '../../src/core/object-key.js';
import type { KubeObject } from '../../src/api/meta.js';
import { Controller } from '../../src/runtime/controller.js';
import type { FinalizerWriter, LiveReader, Reconciler, StatusWriter, WriteFence } from '../../src/runtime/ports.js';
import { WorkQueue } from '../../src/runtime/work-queue.js';
import type { AppGraph, PageGraph } from '../../src/core/graph.js';
import type { Caches } from './caches.js';
import type { Host } from './host.js';
import { OPTIONS } from './options.js';
import type { World } from './world.js';

export interface Writers<T extends KubeObject & { readonly status?: unknown }> {
  readonly live: LiveReader<T>;
  readonly status: StatusWriter<T>;
  readonly finalizers: FinalizerWriter<T>;
}

/** Everything through which a leader acts; where a bug is put in on purpose, it is put in here. */
export interface Ports {
  readonly host: Host;
  readonly world: World;
  readonly caches: Caches;
  readonly pages: Writers<MessengerPage>;
  readonly apps: Writers<MessengerApp>;
  readonly fence: WriteFence;
  readonly graph: PageGraph & AppGraph;
  /** Lets a bug into who succeeds; left out: none. */
  readonly arbiter?: (deps: ConstructorParameters<typeof ClaimArbiter>[0]) => ClaimSettler;
}

/** What a leader runs, wired as the operator wires it. */
export class Leader {
  readonly queues: { readonly pages: WorkQueue; readonly apps: WorkQueue };
  readonly #controllers: readonly Controller[];
  readonly #stopWatching: readonly (() => void)[];

  constructor(ports: Ports) {
    const { host, caches } = ports;
    const shared = {
      statuses: new StatusMemory<MessengerPage>(),
      appStatuses: new StatusMemory<MessengerApp>(),
      health: new AppHealth(host.clock),
      proofs: new Proofs(host.clock),
    };
    const random = (): number => host.random.next();
    const queue = (): WorkQueue => new WorkQueue({ clock: host.clock, collectBackgroundMs: 5_000, random });
    this.queues = { pages: queue(), apps: queue() };
    const watched = { ...shared, pages: caches.pages, apps: caches.apps, namespaces: caches.namespaces, secrets: caches.secrets };
    this.#controllers = [
      this.#controller(ports, 'messengerapp', this.queues.apps, appReconciler(ports, shared)),
      this.#controller(ports, 'messengerpage', this.queues.pages, pageReconciler(ports, shared)),
    ];
    this.#stopWatching = [
      watchForApps({ ...watched, statuses: shared.appStatuses }, this.queues.apps),
      watchForPages({ ...watched, services: caches.services, clock: host.clock }, this.queues.pages),
    ];
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#controllers.map((one) => one.run(signal)));
    for (const stop of this.#stopWatching) stop();
  }

  #controller({ host, world }: Ports, name: string, queue: WorkQueue, reconciler: Reconciler): Controller {
    const tell = (message: string, fields?: unknown): void => {
      world.trace(host.name, message, fields);
    };
    const log = { ...silentLogger, error: tell, debug: tell };
    const traced: Reconciler = {
      reconcile: async (key, signal) => {
        tell(`looks at ${name} ${keyText(key)}`);
        const result = await reconciler.reconcile(key, signal);
        tell(`has looked at ${name} ${keyText(key)}`, result);
        return result;
      },
    };
    return new Controller({ name, reconciler: traced, queue, workers: 4, clock: host.clock, log });
  }
}

interface Shared {
  readonly statuses: StatusMemory<MessengerPage>;
  readonly appStatuses: StatusMemory<MessengerApp>;
  readonly health: AppHealth;
  readonly proofs: Proofs;
}

function common({ host, world, caches, fence, graph }: Ports) {
  return {
    namespaces: caches.namespaces,
    secrets: caches.secrets,
    events: {
      record: (object: KubeObject, event: { readonly reason: string }) => {
        if (host.alive) world.oracle.eventTold(object, event.reason);
      },
    },
    fence,
    graph,
    mutex: new KeyMutex(),
    clock: host.clock,
    log: silentLogger,
    options: OPTIONS,
    random: () => host.random.next(),
  };
}

function appReconciler(ports: Ports, { health, appStatuses }: Shared): Reconciler {
  const { caches, apps } = ports;
  return new MessengerAppReconciler({
    ...common(ports),
    apps: caches.apps,
    pages: caches.pages,
    liveApps: apps.live,
    status: appStatuses.writer(apps.status),
    statuses: appStatuses,
    finalizers: apps.finalizers,
    health,
    memories: new AppMemories(),
  });
}

function pageReconciler(ports: Ports, shared: Shared): Reconciler {
  const { caches, pages } = ports;
  const { statuses } = shared;
  const own = { ...common(ports), ...shared, pages: caches.pages, apps: caches.apps, livePages: pages.live };
  const arbiterDeps = { ...own, status: pages.status, className: OPTIONS.className };
  const deps: PageReconcilerDeps = {
    ...own,
    services: caches.services,
    status: statuses.writer(pages.status),
    finalizers: pages.finalizers,
    claims: ports.arbiter?.(arbiterDeps) ?? new ClaimArbiter(arbiterDeps),
    memories: new PageMemories(),
    counters: { leftSubscribed: () => undefined },
  };
  return new MessengerPageReconciler(deps);
}
