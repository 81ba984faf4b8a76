import type { Socket } from 'node:net';
import type { Clock } from '../../kit/clock.js';
import { AFew, NEXT_FEW_AFTER_MS } from './close-quota.js';

/**
 * Connections that have not made a request yet. Those that make none are ended, oldest first and a few at a time: ten
 * thousand that came together would else end together, and everybody's requests would wait behind that.
 */
export class Newcomers {
  readonly #clock: Clock;
  readonly #patienceMs: number;
  readonly #end: (socket: Socket) => void;
  /** Since when, oldest first. */
  readonly #since = new Map<Socket, number>();
  #cancel: (() => void) | undefined;
  readonly #few = new AFew();

  /** Of all sockets the same function. */
  readonly #closed: (this: Socket) => void;

  constructor(clock: Clock, patienceMs: number, end: (socket: Socket) => void) {
    this.#clock = clock;
    this.#patienceMs = patienceMs;
    this.#end = end;
    const since = this.#since;
    this.#closed = function (): void {
      since.delete(this);
    };
  }

  get size(): number {
    return this.#since.size;
  }

  add(socket: Socket): void {
    this.#since.set(socket, this.#clock.monotonicMs());
    socket.once('close', this.#closed);
    this.#cancel ??= this.#clock.setTimer(this.#patienceMs, this.#check);
  }

  /** It has made a request, or is gone. */
  forget(socket: Socket): void {
    this.#since.delete(socket);
  }

  /** Those that have not said a word, all at once: there is nothing to finish. */
  endSilent(): void {
    for (const socket of this.#since.keys()) if (socket.bytesRead === 0) socket.destroy();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  readonly #check = (): void => {
    const now = this.#clock.monotonicMs();
    const dueMs = now - this.#patienceMs;
    const atOnce = this.#few.begin(now);
    let ended = 0;
    let waitMs: number | undefined;
    for (const [socket, sinceMs] of this.#since) {
      if (ended === atOnce || sinceMs > dueMs) {
        waitMs = Math.max(NEXT_FEW_AFTER_MS, sinceMs - dueMs);
        break;
      }
      ended++;
      this.#since.delete(socket);
      this.#end(socket);
    }
    this.#few.end(ended);
    this.#cancel = waitMs === undefined ? undefined : this.#clock.setTimer(waitMs, this.#check);
  };
}
