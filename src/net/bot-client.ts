import { Client } from 'undici';

import type { Clock } from '../core/clock.js';
import type { BackendTarget } from '../core/page-route.js';

import { Connections } from './connections.js';
import { connectTo, type ConnectorDeps } from './connector.js';
import { BadTargetError, endpointOf, type Endpoint, type EndpointRules } from './endpoint.js';
import { Exchange, type BotAnswer } from './exchange.js';

/**
 * No connection is older than 60 s: a Service's new pods get their share, and a changed name is seen. All of a backend's are
 * exchanged together, five seconds before, so that what is under way has ended by then. (undici's `clientTtl` looks at a
 * connection only when it is idle; under steady load it never is.)
 */
const MAX_POOL_AGE_MS = 55_000;
/** What an exchanged pool gets to finish; every request ends sooner. */
const RETIRE_MS = 10_000;
/** Below the 5 s after which Node servers close an idle connection; a server's own hint counts. */
const IDLE_MS = 4_000;
const MAX_CONNECTIONS_PER_BACKEND = 128;
const MAX_POOLS = 5_000;
const POOL_IDLE_MS = 120_000;
const SWEEP_EVERY_MS = 30_000;

export interface BotRequest {
  readonly target: BackendTarget;
  /** Name, value, name, value, … All of them: nothing is added but Host and Content-Length. */
  readonly headers: string[];
  readonly body: Buffer;
  /** For everything: resolving, connecting, sending, the answer. */
  readonly timeoutMs: number;
}

export interface BotClientDeps extends ConnectorDeps, EndpointRules {
  readonly clock: Clock;
}

interface BackendPool {
  readonly pool: Connections;
  readonly openedMs: number;
  lastUsedMs: number;
  running: number;
}

/** POSTs to bots. Follows no redirects, keeps nothing of an answer but its status. */
export class BotClient {
  readonly #deps: BotClientDeps;
  readonly #pools = new Map<string, BackendPool>();
  /** Take no requests any more, but finish those they have. */
  readonly #retiring = new Set<Connections>();
  readonly #endpoints = new WeakMap<BackendTarget, Endpoint>();
  #cancelSweep: (() => void) | undefined;
  #closed = false;

  constructor(deps: BotClientDeps) {
    this.#deps = deps;
  }

  /** Never rejects. Tried once more on another connection if none could be had, and only then: no byte had left. */
  send(request: BotRequest): Promise<BotAnswer> {
    let endpoint: Endpoint;
    try {
      endpoint = this.#endpoint(request.target);
    } catch (error) {
      if (error instanceof BadTargetError) return Promise.resolve({ kind: 'none', why: 'bad_target' });
      throw error;
    }
    const deadlineMs = this.#deps.clock.monotonicMs() + request.timeoutMs;
    return new Promise((resolve) => {
      this.#try(endpoint, request, deadlineMs, (answer, started) => {
        const again = !started && answer.kind === 'none' && answer.why === 'connect' && this.#deps.clock.monotonicMs() < deadlineMs;
        if (again) this.#try(endpoint, request, deadlineMs, resolve);
        else resolve(answer);
      });
    });
  }

  /** Closes every connection. Requests under way end without an answer. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelSweep?.();
    const pools = [...[...this.#pools.values()].map(({ pool }) => pool), ...this.#retiring];
    this.#pools.clear();
    await Promise.all(pools.map((pool) => pool.destroy()));
  }

  get openPools(): number {
    return this.#pools.size;
  }

  #try(endpoint: Endpoint, request: BotRequest, deadlineMs: number, done: (answer: BotAnswer, started: boolean) => void): void {
    const { clock } = this.#deps;
    const backend = this.#pool(endpoint);
    if (backend === undefined) {
      done({ kind: 'none', why: 'connect' }, true);
      return;
    }
    backend.running++;
    // `blocking` would only matter to requests behind it on its connection, and there is none.
    const post = { path: endpoint.path, method: 'POST', headers: request.headers, body: request.body, blocking: false } as const;
    const exchange = new Exchange(post, (answer) => {
      cancel();
      backend.running--;
      done(answer, exchange.started);
    });
    const cancel = clock.setTimer(deadlineMs - clock.monotonicMs(), () => {
      exchange.expire();
    });
    backend.pool.send(exchange);
  }

  #endpoint(target: BackendTarget): Endpoint {
    let endpoint = this.#endpoints.get(target);
    if (endpoint === undefined) {
      endpoint = endpointOf(target, this.#deps);
      this.#endpoints.set(target, endpoint);
    }
    return endpoint;
  }

  #pool(endpoint: Endpoint): BackendPool | undefined {
    if (this.#closed) return undefined;
    const now = this.#deps.clock.monotonicMs();
    let backend = this.#pools.get(endpoint.origin);
    if (backend !== undefined && now - backend.openedMs >= MAX_POOL_AGE_MS) {
      this.#pools.delete(endpoint.origin);
      this.#retire(backend.pool);
      backend = undefined;
    }
    if (backend === undefined) {
      if (this.#pools.size >= MAX_POOLS && !this.#closeIdle(0)) return undefined;
      backend = { pool: this.#open(endpoint), openedMs: now, lastUsedMs: 0, running: 0 };
      this.#pools.set(endpoint.origin, backend);
      this.#cancelSweep ??= this.#deps.clock.setTimer(SWEEP_EVERY_MS, this.#sweep);
    }
    backend.lastUsedMs = now;
    return backend;
  }

  #retire(pool: Connections): void {
    this.#retiring.add(pool);
    const cancel = this.#deps.clock.setTimer(RETIRE_MS, () => void pool.destroy());
    const done = (): void => {
      cancel();
      this.#retiring.delete(pool);
    };
    pool.close().then(done, done);
  }

  #open(endpoint: Endpoint): Connections {
    const options: Client.Options = {
      keepAliveTimeout: IDLE_MS,
      keepAliveMaxTimeout: MAX_POOL_AGE_MS,
      headersTimeout: 0,
      bodyTimeout: 0,
      allowH2: false,
      connect: (_options, callback) => {
        connectTo(this.#deps, endpoint).then(
          (socket) => {
            callback(null, socket);
          },
          (error: unknown) => {
            callback(error as Error, null);
          },
        );
      },
    };
    return new Connections(MAX_CONNECTIONS_PER_BACKEND, () => new Client(endpoint.origin, options));
  }

  readonly #sweep = (): void => {
    this.#closeIdle(POOL_IDLE_MS);
    this.#cancelSweep = this.#pools.size === 0 ? undefined : this.#deps.clock.setTimer(SWEEP_EVERY_MS, this.#sweep);
  };

  /** Whether one was closed. */
  #closeIdle(idleMs: number): boolean {
    const before = this.#deps.clock.monotonicMs() - idleMs;
    let closed = false;
    for (const [origin, { pool, running, lastUsedMs }] of this.#pools) {
      if (running > 0 || lastUsedMs > before) continue;
      this.#pools.delete(origin);
      void pool.destroy();
      closed = true;
    }
    return closed;
  }
}
