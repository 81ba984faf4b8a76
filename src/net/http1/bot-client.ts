import type { Clock } from '../../kit/clock.js';
import { Deadlines } from '../../kit/deadlines.js';
import { FairShares, type Holders } from '../../kit/fair-shares.js';
import type { BackendTarget } from '../../core/ports/page-lookup.js';
import { connectTo, type ConnectorDeps } from '../dial/connector.js';
import { BadTargetError, endpointOf, type Endpoint, type EndpointRules } from '../dial/endpoint.js';
import { PendingRequest, type BotAnswer } from './bot-connection.js';
import { Connections } from './connections.js';

/**
 * No connection is older than 60 s, so that a Service's new pods get their share and a changed DNS
 * name is noticed. All connections to a backend are replaced together, five seconds before, so that
 * their requests have ended by then.
 */
const MAX_POOL_AGE_MS = 55_000;
/** How long a replaced pool may take to finish; every request ends sooner. */
const RETIRE_MS = 10_000;
const MAX_CONNECTIONS_PER_BACKEND = 128;
const MAX_POOLS = 5_000;
/** Of all backends; each backend and each namespace has a share of them. */
const MAX_CONNECTIONS = 4_096;
const POOL_IDLE_MS = 120_000;
const SWEEP_EVERY_MS = 30_000;

/** What may not stand in a header's value (RFC 9110, 5.5). */
const NOT_IN_A_VALUE = /[^\t\x20-\x7e]/;

/** `name: value` and the end of the line. @throws if the value would break out of it */
export function headerLine(name: string, value: string): string {
  if (NOT_IN_A_VALUE.test(value)) throw new Error(`the value of ${name} cannot be sent as a header`);
  return `${name}: ${value}\r\n`;
}

export interface BotRequest {
  readonly target: BackendTarget;
  /** Made of {@link headerLine}s. Only Host, Connection and Content-Length are added to them. */
  readonly headers: string;
  readonly body: Buffer;
  /** For everything: DNS, connecting, sending, the answer. */
  readonly timeoutMs: number;
}

export interface BotClientDeps extends ConnectorDeps, EndpointRules {
  readonly clock: Clock;
  /** To all backends together. */
  readonly maxConnections?: number;
}

interface BackendPool {
  readonly namespace: string;
  readonly pool: Connections;
  readonly openedMs: number;
  lastUsedMs: number;
  running: number;
}

/** POSTs to bots. Follows no redirects, and keeps only the status of an answer. */
export class BotClient {
  readonly #deps: BotClientDeps;
  readonly #pools = new Map<string, BackendPool>();
  /** Pools that take no new requests, but finish those they have. */
  readonly #retiring = new Set<Connections>();
  readonly #endpoints = new WeakMap<BackendTarget, Endpoint>();
  readonly #deadlines: Deadlines;
  readonly #connections: FairShares;
  #cancelSweep: (() => void) | undefined;
  #closed = false;

  constructor(deps: BotClientDeps) {
    this.#deps = deps;
    this.#connections = new FairShares(deps.maxConnections ?? MAX_CONNECTIONS);
    this.#deadlines = new Deadlines(deps.clock);
  }

  /**
   * Calls `done` once, at once or later. If no connection could be opened, so that no byte has
   * left, a second one is tried; a request that has begun is never repeated.
   * @throws only where there is a bug, before `done` was called
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
    this.#try(endpoint, request, deadlineMs, (answer, started) => {
      const isUnsent = !started && answer.kind === 'none' && answer.why === 'connect';
      if (isUnsent && this.#deps.clock.monotonicMs() < deadlineMs) this.#try(endpoint, request, deadlineMs, done);
      else done(answer);
    });
  }

  /** Closes every connection. Requests in flight end without an answer. */
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

  #try(endpoint: Endpoint, request: BotRequest, deadlineMs: number, done: (answer: BotAnswer, started: boolean) => void): void {
    const backend = this.#pool(endpoint, namespaceOf(request.target));
    if (backend === undefined) {
      done({ kind: 'none', why: 'connect' }, false);
      return;
    }
    backend.running++;
    const head = `${endpoint.requestHead}${request.headers}content-length: ${request.body.length}\r\n\r\n`;
    const pending = new PendingRequest(head, request.body, deadlineMs, (answer) => {
      this.#deadlines.remove(pending);
      backend.running--;
      done(answer, pending.started);
    });
    this.#deadlines.add(pending);
    backend.pool.send(pending);
  }

  #endpoint(target: BackendTarget): Endpoint {
    let endpoint = this.#endpoints.get(target);
    if (endpoint === undefined) {
      endpoint = endpointOf(target, this.#deps);
      this.#endpoints.set(target, endpoint);
    }
    return endpoint;
  }

  #pool(endpoint: Endpoint, namespace: string): BackendPool | undefined {
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
      backend = { namespace, pool: this.#open(endpoint, [endpoint.origin, namespace]), openedMs: now, lastUsedMs: 0, running: 0 };
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

  #open(endpoint: Endpoint, holders: Holders): Connections {
    const { clock } = this.#deps;
    const places = {
      take: () => this.#takePlace(holders),
      giveBack: () => {
        this.#connections.giveBack(holders, 1);
      },
    };
    return new Connections({ clock, dial: () => connectTo(this.#deps, endpoint), most: MAX_CONNECTIONS_PER_BACKEND, places });
  }

  /** An idle connection is closed for one that is needed. */
  #takePlace(holders: Holders): boolean {
    const why = this.#connections.take(holders, 1);
    if (why === undefined) return true;
    const [, namespace] = holders;
    for (const { pool, namespace: its } of this.#pools.values()) {
      if (why === 'over_share' && its !== namespace) continue;
      if (pool.closeIdle()) return this.#connections.take(holders, 1) === undefined;
    }
    return false;
  }

  readonly #sweep = (): void => {
    this.#closeIdle(POOL_IDLE_MS);
    this.#cancelSweep = this.#pools.size === 0 ? undefined : this.#deps.clock.setTimer(SWEEP_EVERY_MS, this.#sweep);
  };

  /** @returns whether one was closed */
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

/** Who connections to it count for; a URL has a namespace of its own. */
function namespaceOf(target: BackendTarget): string {
  return target.kind === 'service' ? target.namespace : target.url;
}
