import { Leader } from '../../src/app/leader.js';
import { silentLogger } from '../../src/kit/log.js';
import { References } from '../../src/relations/references.js';
import { LeaderElection } from '../../src/k8s/leader-election.js';
import { LeaseLock } from '../../src/k8s/lease.js';
import { withBug } from './bugs.js';
import { Caches } from './caches.js';
import type { Host } from './host.js';
import { portsOf } from './leader.js';
import { OPTIONS } from './options.js';
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
    const { pages, apps, namespaces, secrets } = this.caches;
    const stores = { pages, apps, namespaces, secrets, configMaps: undefined };
    const references = new References({ roles: ['controller'], className: OPTIONS.className, ...stores });
    references.start();
    this.caches.start(this.#life.signal);
    while (!this.caches.synced()) await this.#sleep(SYNC_POLL_MS);
    await this.#election.lead((signal) => this.#lead(signal), this.#life.signal).catch(() => undefined);
    references.close();
    this.#life.abort(new Error('the process ends'));
  }

  /** SIGTERM: the workers end, the lease is given back. */
  stop(): void {
    this.#life.abort(new Error('the process stops'));
  }

  async #lead(signal: AbortSignal): Promise<void> {
    const { host, caches } = this;
    const world = this.#world;
    world.begunToLead(this);
    const fence = world.bug === 'no_fence' ? { check: () => undefined } : this.#election;
    this.leader = new Leader(withBug(world.bug, portsOf({ host, world, caches, client: this.#client, fence })));
    await this.leader.run(signal);
    this.leader = undefined;
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
