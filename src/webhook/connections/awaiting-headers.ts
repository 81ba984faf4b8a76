import type { Socket } from 'node:net';
import type { Clock } from '../../kit/clock.js';
import { CloseQuota, NEXT_BATCH_AFTER_MS } from './close-quota.js';

/**
 * Connections whose first request has not arrived yet. After the timeout they are closed, oldest
 * first and a few at a time: ten thousand that opened together would otherwise close together, and
 * every other request would wait for that.
 */
export class AwaitingHeaders {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #onTimeout: (socket: Socket) => void;
  /** When each connection was added, oldest first. */
  readonly #sinceMs = new Map<Socket, number>();
  #cancel: (() => void) | undefined;
  readonly #quota = new CloseQuota();
  /** One function for all sockets. */
  readonly #onClose: (this: Socket) => void;

  /** @param onTimeout closes a connection that took too long */
  constructor(clock: Clock, timeoutMs: number, onTimeout: (socket: Socket) => void) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#onTimeout = onTimeout;
    const sinceMs = this.#sinceMs;
    this.#onClose = function (): void {
      sinceMs.delete(this);
    };
  }

  get size(): number {
    return this.#sinceMs.size;
  }

  add(socket: Socket): void {
    this.#sinceMs.set(socket, this.#clock.monotonicMs());
    socket.once('close', this.#onClose);
    this.#cancel ??= this.#clock.setTimer(this.#timeoutMs, this.#check);
  }

  /** Its request has arrived. */
  delete(socket: Socket): void {
    this.#sinceMs.delete(socket);
  }

  /** Closes those that have not sent a byte, all at once: none has a request to finish. */
  destroySilent(): void {
    for (const socket of this.#sinceMs.keys()) if (socket.bytesRead === 0) socket.destroy();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  readonly #check = (): void => {
    const now = this.#clock.monotonicMs();
    const dueMs = now - this.#timeoutMs;
    const allowance = this.#quota.allowance(now);
    let closed = 0;
    let waitMs: number | undefined;
    for (const [socket, sinceMs] of this.#sinceMs) {
      if (closed === allowance || sinceMs > dueMs) {
        waitMs = Math.max(NEXT_BATCH_AFTER_MS, sinceMs - dueMs);
        break;
      }
      closed++;
      this.#sinceMs.delete(socket);
      this.#onTimeout(socket);
    }
    this.#quota.closed(closed);
    this.#cancel = waitMs === undefined ? undefined : this.#clock.setTimer(waitMs, this.#check);
  };
}
