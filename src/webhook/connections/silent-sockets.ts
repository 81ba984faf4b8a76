import type { Socket } from 'node:net';

/**
 * Connections that have not said a word. They cost next to nothing as long as they are left alone, and something when they are
 * ended and come back; so they stay until their place is needed, and then the one that has been silent for longest goes. However
 * many a stranger opens, who has something to say finds the listener open.
 */
export class Silent {
  readonly #most: number;
  /** Oldest first. */
  readonly #silent = new Set<Socket>();
  #open = 0;
  /** Of all sockets the same function. */
  readonly #closed: (this: Socket) => void;

  /** `most`: connections of all kinds, beyond which silent ones go. */
  constructor(most: number) {
    this.#most = most;
    // Not an arrow: a socket that closes says so as `this`.
    const closed = (socket: Socket): void => {
      this.#open--;
      this.#silent.delete(socket);
    };
    this.#closed = function (): void {
      closed(this);
    };
  }

  /** Connections that are open, silent or not. */
  get open(): number {
    return this.#open;
  }

  add(socket: Socket): void {
    this.#open++;
    socket.once('close', this.#closed);
    if (this.#open > this.#most) this.#endOldest();
    this.#silent.add(socket);
  }

  /** Its first byte has come. */
  forget(socket: Socket): void {
    this.#silent.delete(socket);
  }

  /** All at once: there is nothing to finish. */
  end(): void {
    for (const socket of this.#silent) socket.destroy();
  }

  #endOldest(): void {
    const [oldest] = this.#silent;
    if (oldest === undefined) return;
    this.#silent.delete(oldest);
    oldest.destroy();
  }
}
