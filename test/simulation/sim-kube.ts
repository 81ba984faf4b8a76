import { KubeClient, type KubeRequest } from '../../src/k8s/kube-http.js';
import { parsePath, type ApiServer } from './api-server.js';
import { noAnswer, type Host } from './host.js';
import type { Oracle } from './oracle.js';
import type { World } from './world.js';

const TIMEOUT_MS = 15_000;

interface LeaseBody {
  readonly spec?: { readonly holderIdentity?: string };
}

/** The requests of one process to the API server. */
export class SimKube extends KubeClient {
  readonly #host: Host;
  readonly #server: ApiServer;
  readonly #oracle: Oracle;
  readonly #world: World;
  /** Called when one of this process's writes sets out. */
  onWrite: () => void = () => undefined;

  constructor(host: Host, world: World) {
    const origin = { origin: '', basePath: '', namespace: undefined, proxyUrl: undefined };
    super({ clock: host.clock, credentials: { ...origin, current: () => new Promise(() => undefined), refresh: () => undefined } });
    this.#host = host;
    this.#server = world.server;
    this.#oracle = world.oracle;
    this.#world = world;
  }

  override async request(request: KubeRequest): Promise<unknown> {
    const { plural } = parsePath(request.path);
    const isWrite = request.method !== 'GET';
    const isLease = plural === 'leases';
    if (isWrite && !isLease) this.#writeBegins(request);
    const beganMs = this.#world.clock.monotonicMs();
    const answer = await this.#host.call({
      name: `${request.method} ${request.path}`,
      effect: () => {
        this.#world.trace(this.#host.name, `${request.method} ${request.path}`, isWrite ? request.body : undefined);
        return this.#server.handle(request);
      },
      signal: request.signal,
      timeoutMs: request.timeoutMs ?? TIMEOUT_MS,
      fault: this.#fault(isLease),
      lost: noAnswer,
    });
    const { holderIdentity } = (answer as LeaseBody).spec ?? {};
    if (isLease && isWrite) this.#oracle.leaseRenewed(this.#host, holderIdentity === this.#host.name ? beganMs : -Infinity);
    return answer;
  }

  #writeBegins(request: KubeRequest): void {
    this.#oracle.clusterWriteBegins(this.#host, `${request.method} ${request.path}`, request.timeoutMs ?? TIMEOUT_MS);
    this.onWrite();
  }

  #fault(isLease: boolean): 'refused' | 'answer_lost' | undefined {
    if (this.#host.partitioned) return this.#host.random.chance(0.9) ? 'refused' : 'answer_lost';
    if (!this.#world.chaos || isLease || !this.#host.random.chance(0.02)) return undefined;
    return this.#host.random.chance(0.5) ? 'refused' : 'answer_lost';
  }
}
