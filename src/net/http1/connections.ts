import type { Socket } from 'node:net';
import type { Clock } from '../../kit/clock.js';
import { Deadlines } from '../../kit/deadlines.js';
import { BotConnection, type Owner, type PendingRequest } from './bot-connection.js';

/** Below the 5 s after which Node servers close an idle connection; a server's own hint counts. */
const IDLE_MS = 4_000;
/** How long before the bot itself would close it, so that no request meets a closing connection. */
const BEFORE_THE_BOT_MS = 2_000;

export interface ConnectionsDeps {
  readonly clock: Clock;
  readonly dial: () => Promise<Socket>;
  /** Connections open at a time; further requests wait in order. */
  readonly most: number;
  /** A place among the connections of all backends. Left out: there are enough. */
  readonly places?: Places;
}

export interface Places {
  /** @returns whether one more may be opened; if so, `giveBack` is called when it has ended */
  take(): boolean;
  giveBack(): void;
}

/**
 * The connections to one backend. The one that was used last serves next, so that no more stay open
 * than are needed. Each carries one request at a time, and is not used again after a request failed
 * on it.
 */
export class Connections implements Owner {
  readonly #deps: ConnectionsDeps;
  readonly #all = new Set<BotConnection>();
  /** The one used last is at the end. */
  readonly #free: BotConnection[] = [];
  #waiting: PendingRequest[] = [];
  #waitingAt = 0;
  /** Of those that are free. */
  readonly #deadlines: Deadlines;
  #isClosing = false;
  #isDestroyed = false;
  #onEmpty: () => void = () => undefined;

  constructor(deps: ConnectionsDeps) {
    this.#deps = deps;
    this.#deadlines = new Deadlines(deps.clock);
  }

  /** Settles the request, in any case and once. */
  send(request: PendingRequest): void {
    if (this.#isDestroyed) {
      request.refuse();
      return;
    }
    const connection = this.#takeFree();
    if (connection !== undefined) connection.send(request);
    else if (this.#all.size < this.#deps.most && this.#deps.places?.take() !== false) {
      this.#all.add(new BotConnection(this.#deps.dial, this, request));
    } else if (this.#all.size > 0) this.#waiting.push(request);
    else request.refuse();
  }

  freed(connection: BotConnection, idleSeconds: number | undefined): void {
    const next = this.#next();
    if (next !== undefined) {
      connection.send(next);
      return;
    }
    const idleMs = idleSeconds === undefined ? IDLE_MS : idleSeconds * 1_000 - BEFORE_THE_BOT_MS;
    if (this.#isClosing || idleMs <= 0) {
      connection.destroy();
      return;
    }
    connection.deadlineMs = this.#deps.clock.monotonicMs() + idleMs;
    this.#free.push(connection);
    this.#deadlines.add(connection);
  }

  gone(connection: BotConnection): void {
    if (this.#all.delete(connection)) this.#deps.places?.giveBack();
    this.#deadlines.remove(connection);
    const at = this.#free.indexOf(connection);
    if (at >= 0) this.#free.splice(at, 1);
    const next = this.#next();
    if (next !== undefined) this.send(next);
    this.#noteEnd();
  }

  /** Closes the one that has been idle the longest. @returns whether there was one */
  closeIdle(): boolean {
    const [connection] = this.#free;
    connection?.destroy();
    return connection !== undefined;
  }

  /** Resolves when all requests, those that wait included, have ended. */
  close(): Promise<void> {
    this.#stop();
    const closed = new Promise<void>((resolve) => (this.#onEmpty = resolve));
    for (const connection of this.#free.splice(0)) connection.destroy();
    this.#noteEnd();
    return closed;
  }

  /** Ends everything at once. Requests that were not started may be tried elsewhere. */
  destroy(): void {
    this.#isDestroyed = true;
    this.#stop();
    for (let next = this.#next(); next !== undefined; next = this.#next()) next.refuse();
    for (const connection of this.#all) connection.destroy();
  }

  #stop(): void {
    this.#isClosing = true;
    this.#deadlines.stop();
  }

  #takeFree(): BotConnection | undefined {
    for (;;) {
      const connection = this.#free.pop();
      if (connection === undefined) return undefined;
      this.#deadlines.remove(connection);
      if (connection.deadlineMs > this.#deps.clock.monotonicMs()) return connection;
      connection.destroy();
    }
  }

  /** The first that still waits: the time of some is up in the meantime. */
  #next(): PendingRequest | undefined {
    while (this.#waitingAt < this.#waiting.length) {
      const request = this.#waiting[this.#waitingAt++];
      if (this.#waitingAt > 256 && this.#waitingAt * 2 > this.#waiting.length) {
        this.#waiting = this.#waiting.slice(this.#waitingAt);
        this.#waitingAt = 0;
      }
      if (request !== undefined && !request.settled) return request;
    }
    if (this.#waitingAt > 0) {
      this.#waiting = [];
      this.#waitingAt = 0;
    }
    return undefined;
  }

  #noteEnd(): void {
    if (this.#isClosing && this.#all.size === 0) this.#onEmpty();
  }
}
