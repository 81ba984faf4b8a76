import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface BalancerTarget {
  readonly port: number;
  /** Whether new connections may go there, as the endpoints of a Service say. */
  readonly ready: () => Promise<boolean>;
}

const PROBE_EVERY_MS = 100;
const CONNECT_LIMIT_MS = 1_000;

/**
 * A plain TCP balancer: new connections go round to the targets that are ready; open ones stay
 * where they are, whatever happens.
 */
export class Balancer {
  readonly port: number;
  readonly #server: Server;
  readonly #targets: readonly BalancerTarget[];
  readonly #ready: boolean[];
  readonly #sockets = new Set<Socket>();
  #next = 0;
  #stopped = false;

  private constructor(server: Server, targets: readonly BalancerTarget[]) {
    this.#server = server;
    this.#targets = targets;
    this.#ready = targets.map(() => false);
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (client) => {
      this.#take(client, this.#targets.length);
    });
    void this.#probe();
  }

  static async start(targets: readonly BalancerTarget[]): Promise<Balancer> {
    const server = createServer({ noDelay: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Balancer(server, targets);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #probe(): Promise<void> {
    while (!this.#stopped) {
      await Promise.all(
        this.#targets.map(async ({ ready }, i) => {
          this.#ready[i] = await ready().catch(() => false);
        }),
      );
      await new Promise((resolve) => setTimeout(resolve, PROBE_EVERY_MS));
    }
  }

  /** Connects to the next target; to another one as long as no byte has gone anywhere. */
  #take(client: Socket, triesLeft: number): void {
    const target = triesLeft > 0 ? this.#pick() : undefined;
    if (target === undefined) {
      client.destroy();
      return;
    }
    const upstream = connect({ port: target.port, host: '127.0.0.1', noDelay: true });
    let connected = false;
    upstream.setTimeout(CONNECT_LIMIT_MS, () => upstream.destroy(new Error('connect took too long')));
    upstream.once('connect', () => {
      connected = true;
      upstream.setTimeout(0);
      this.#join(client, upstream);
    });
    upstream.on('error', () => {
      if (connected || client.destroyed) client.destroy();
      else this.#take(client, triesLeft - 1);
    });
    client.on('error', () => upstream.destroy());
  }

  #join(client: Socket, upstream: Socket): void {
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.#sockets.add(one);
      one.pipe(other);
      one.once('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
  }

  #pick(): BalancerTarget | undefined {
    for (let i = 0; i < this.#targets.length; i++) {
      const at = this.#next++ % this.#targets.length;
      if (this.#ready[at] === true) return this.#targets[at];
    }
    return undefined;
  }
}
