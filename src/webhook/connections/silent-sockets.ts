import type { Socket } from 'node:net';

/**
 * Connections that have not sent a byte. They cost next to nothing while they stay open, and more
 * when they are closed and reconnect. So they stay until their place is needed; then the one that
 * has been silent the longest is closed. A client that has something to send always finds a place.
 */
export class SilentSockets {
  readonly #maxOpen: number;
  /** Oldest first. */
  readonly #silent = new Set<Socket>();
  #open = 0;
  /** One function for all sockets. */
  readonly #onClose: (this: Socket) => void;

  /** @param maxOpen connections, silent or not, beyond which silent ones are closed */
  constructor(maxOpen: number) {
    this.#maxOpen = maxOpen;
    // No arrow function: the emitter passes the closed socket as `this`.
    const closed = (socket: Socket): void => {
      this.#open--;
      this.#silent.delete(socket);
    };
    this.#onClose = function (): void {
      closed(this);
    };
  }

  /** Open connections, silent or not. */
  get open(): number {
    return this.#open;
  }

  add(socket: Socket): void {
    this.#open++;
    socket.once('close', this.#onClose);
    if (this.#open > this.#maxOpen) this.#destroyOldest();
    this.#silent.add(socket);
  }

  /** Its first byte has arrived: it is silent no longer. */
  delete(socket: Socket): void {
    this.#silent.delete(socket);
  }

  /** Closes all of them at once: none has a request to finish. */
  destroyAll(): void {
    for (const socket of this.#silent) socket.destroy();
  }

  #destroyOldest(): void {
    const [oldest] = this.#silent;
    if (oldest === undefined) return;
    this.#silent.delete(oldest);
    oldest.destroy();
  }
}
