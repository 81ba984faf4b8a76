import type { Clock } from '../../kit/clock.js';
import { Deadlines } from '../../kit/deadlines.js';
import type { BackendTarget } from '../../core/ports/page-lookup.js';
import { connectTo, type ConnectorDeps } from '../dial/connector.js';
import { BadTargetError, endpointOf, type Endpoint, type EndpointRules } from '../dial/endpoint.js';
import { Connections } from './connections.js';
import { Exchange, type BotAnswer } from './exchange.js';

/**
 * No connection is older than 60 s: a Service's new pods get their share, and a changed name is seen. All of a backend's are
 * exchanged together, five seconds before, so that what is under way has ended by then.
 */
const MAX_POOL_AGE_MS = 55_000;
/** What an exchanged pool gets to finish; every request ends sooner. */
const RETIRE_MS = 10_000;
const MAX_CONNECTIONS_PER_BACKEND = 128;
const MAX_POOLS = 5_000;
const POOL_IDLE_MS = 120_000;
const SWEEP_EVERY_MS = 30_000;

export interface BotRequest {
  readonly target: BackendTarget;
  /** Lines of `headerLine`. All of them: nothing is added but Host, Connection and Content-Length. */
  readonly headers: string;
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

/** A request with where it goes and until when. */
interface Sending {
  readonly endpoint: Endpoint;
  readonly request: BotRequest;
  readonly deadlineMs: number;
  readonly isLastTry: boolean;
  readonly done: (answer: BotAnswer) => void;
}

/** POSTs to bots. Follows no redirects, keeps nothing of an answer but its status. */
export class BotClient {
  readonly #deps: BotClientDeps;
  readonly #pools = new Map<string, BackendPool>();
  /** Take no requests any more, but finish those they have. */
  readonly #retiring = new Set<Connections>();
  readonly #endpoints = new WeakMap<BackendTarget, Endpoint>();
  readonly #deadlines: Deadlines;
  #cancelSweep: (() => void) | undefined;
  #closed = false;

  constructor(deps: BotClientDeps) {
    this.#deps = deps;
    this.#deadlines = new Deadlines(deps.clock);
  }

  /**
   * Calls `done` once, at once or later. Tried once more on another connection if none could be had, and only then: no byte
   * had left. @throws only where there is a bug, before `done` was called
   */
  send(request: BotRequest, done: (answer: BotAnswer) => void): void {
    let endpoint: Endpoint;
    try {
      endpoint = this.#endpoint(request.target);
    } catch (error) {
      if (!(error instanceof BadTargetError)) throw error;
      done({ kind: 'none', why: 'bad_target' });
      return;
    }
    const deadlineMs = this.#deps.clock.monotonicMs() + request.timeoutMs;
    this.#try({ endpoint, request, deadlineMs, isLastTry: false, done });
  }

  /** Closes every connection. Requests under way end without an answer. */
  close(): void {
    this.#closed = true;
    this.#cancelSweep?.();
    const pools = [...[...this.#pools.values()].map(({ pool }) => pool), ...this.#retiring];
    this.#pools.clear();
    for (const pool of pools) pool.destroy();
    this.#deadlines.stop();
  }

  get openPools(): number {
    return this.#pools.size;
  }

  #try(sending: Sending): void {
    const { endpoint, request, deadlineMs } = sending;
    const backend = this.#pool(endpoint);
    if (backend === undefined) {
      sending.done({ kind: 'none', why: 'connect' });
      return;
    }
    backend.running++;
    const head = `${endpoint.requestHead}${request.headers}content-length: ${request.body.length}\r\n\r\n`;
    const exchange = new Exchange(head, request.body, deadlineMs, (answer) => {
      this.#deadlines.remove(exchange);
      backend.running--;
      this.#tried(sending, answer, exchange.started);
    });
    this.#deadlines.add(exchange);
    backend.pool.send(exchange);
  }

  #tried(sending: Sending, answer: BotAnswer, started: boolean): void {
    const mayTryAgain = !started && !sending.isLastTry && answer.kind === 'none' && answer.why === 'connect';
    if (mayTryAgain && this.#deps.clock.monotonicMs() < sending.deadlineMs) this.#try({ ...sending, isLastTry: true });
    else sending.done(answer);
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
    const cancel = this.#deps.clock.setTimer(RETIRE_MS, () => {
      pool.destroy();
    });
    const done = (): void => {
      cancel();
      this.#retiring.delete(pool);
    };
    pool.close().then(done, done);
  }

  #open(endpoint: Endpoint): Connections {
    const { clock } = this.#deps;
    return new Connections({ clock, dial: () => connectTo(this.#deps, endpoint), most: MAX_CONNECTIONS_PER_BACKEND });
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
      pool.destroy();
      closed = true;
    }
    return closed;
  }
}
