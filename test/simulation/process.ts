import type { KubeObject } from '../../src/api/meta.js';
import type { MessengerApp, MessengerPage } from '../../src/api/v1alpha1/types.gen.js';
import { silentLogger } from '../../src/core/log.js';
import { KubeFinalizerWriter } from '../../src/k8s/finalizer-writer.js';
import { LeaderElection } from '../../src/k8s/leader-election.js';
import { LeaseLock } from '../../src/k8s/lease.js';
import { KubeLiveReader } from '../../src/k8s/live-reader.js';
import { MESSENGER_APPS, MESSENGER_PAGES, type ResourceType } from '../../src/k8s/resources.js';
import { KubeStatusWriter } from '../../src/k8s/status-writer.js';
import type { WriteFence } from '../../src/runtime/ports.js';
import { withBug } from './bugs.js';
import { Caches } from './caches.js';
import type { Host } from './host.js';
import { Leader, type Writers } from './leader.js';
import { SimGraph } from './sim-graph.js';
import { SimKube } from './sim-kube.js';
import type { World } from './world.js';

const LEASE = { namespace: 'messenger-operator', name: 'messenger-operator' };
const SYNC_POLL_MS = 100;

/** One process of the role `controller`, from its start to its end. */
export class Process {
  readonly host: Host;
  readonly caches: Caches;
  readonly #world: World;
  readonly #client: SimKube;
  readonly #election: LeaderElection;
  readonly #life = new AbortController();
  /** While it leads. */
  leader: Leader | undefined;

  constructor(host: Host, world: World) {
    this.host = host;
    this.#world = world;
    this.#client = new SimKube(host, world);
    this.caches = new Caches(host, world, { client: this.#client, losesSecrets: world.bug === 'secret_lost_on_relist' });
    const { clock } = host;
    const random = (): number => host.random.next();
    this.#election = new LeaderElection({
      lock: new LeaseLock(this.#client, LEASE),
      clock,
      log: silentLogger,
      identity: host.name,
      random,
    });
    world.oracle.follow(host, this.caches);
    if (world.staleAfterWrite)
      this.#client.onWrite = () => {
        this.#holdBackWatches();
      };
  }

  get leads(): boolean {
    return this.host.alive && this.#election.isLeader && this.leader !== undefined;
  }

  /** Resolves when it has ended, unless it crashes. */
  async run(): Promise<void> {
    this.caches.start(this.#life.signal);
    while (!this.caches.synced()) await this.#sleep(SYNC_POLL_MS);
    await this.#election.lead((signal) => this.#lead(signal), this.#life.signal).catch(() => undefined);
    this.#life.abort(new Error('the process ends'));
  }

  /** SIGTERM: the workers end, the lease is given back. */
  stop(): void {
    this.#life.abort(new Error('the process stops'));
  }

  async #lead(signal: AbortSignal): Promise<void> {
    this.#world.trace(this.host.name, 'leads');
    this.#world.leaders += 1;
    const fence = this.#world.bug === 'no_fence' ? { check: () => undefined } : this.#election;
    this.leader = new Leader(
      withBug(this.#world.bug, {
        host: this.host,
        world: this.#world,
        caches: this.caches,
        pages: this.#writers<MessengerPage>(MESSENGER_PAGES, fence),
        apps: this.#writers<MessengerApp>(MESSENGER_APPS, fence),
        fence,
        graph: new SimGraph(this.host, this.#world),
      }),
    );
    await this.leader.run(signal);
    this.leader = undefined;
  }

  #writers<T extends KubeObject & { readonly status?: unknown }>(resource: ResourceType, fence: WriteFence): Writers<T> {
    const deps = { client: this.#client, fence };
    return {
      live: new KubeLiveReader<T>(this.#client, resource),
      status: new KubeStatusWriter<T>(deps, resource),
      finalizers: new KubeFinalizerWriter<T>(deps, resource),
    };
  }

  /** After each write the caches go on showing what was, for a while. */
  #holdBackWatches(): void {
    if (!this.#world.chaos) return;
    const ms = this.host.random.between(500, 15_000);
    for (const watch of this.caches.watches) watch.holdBack(ms);
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.host.clock.setTimer(ms, resolve);
    });
  }
}
