import type { Client } from 'undici';

import type { Exchange } from './exchange.js';

/**
 * The connections to one backend. The one that was used last serves next, so that no more stay open than are needed; it
 * carries one request at a time, and beyond `most` requests wait in their order. One on which a request failed is not used
 * again. (undici's Pool does the same for more work a request: it looks through its connections and tells itself of each
 * that is free again.)
 */
export class Connections {
  readonly #make: () => Client;
  readonly #most: number;
  readonly #all = new Set<Client>();
  /** The one used last is at the end. */
  readonly #free: Client[] = [];
  #waiting: Exchange[] = [];
  #waitingAt = 0;
  #closing = false;
  #onEmpty: () => void = () => undefined;

  constructor(most: number, make: () => Client) {
    this.#most = most;
    this.#make = make;
  }

  /** Tells the exchange what became of it, in any case and once. */
  send(exchange: Exchange): void {
    const client = this.#free.pop() ?? this.#another();
    if (client === undefined) this.#waiting.push(exchange);
    else exchange.begin(client, this);
  }

  /** By an exchange that has ended. `usable`: its answer was read to the end. */
  giveBack(client: Client, usable: boolean): void {
    const next = this.#next();
    if (next === undefined && usable && !this.#closing) {
      this.#free.push(client);
      return;
    }
    if (next !== undefined && usable) {
      next.begin(client, this);
      return;
    }
    this.#drop(client);
    if (next !== undefined) this.send(next);
    this.#noteEnd();
  }

  /** Resolves when what is under way or waits has ended. */
  close(): Promise<void> {
    this.#closing = true;
    const closed = new Promise<void>((resolve) => (this.#onEmpty = resolve));
    for (const client of this.#free.splice(0)) this.#drop(client);
    this.#noteEnd();
    return closed;
  }

  /** Ends everything at once. What was not begun may be tried elsewhere. */
  async destroy(): Promise<void> {
    this.#closing = true;
    for (let next = this.#next(); next !== undefined; next = this.#next()) next.refuse();
    await Promise.all([...this.#all].map((client) => client.destroy()));
  }

  #another(): Client | undefined {
    if (this.#all.size >= this.#most) return undefined;
    const client = this.#make();
    this.#all.add(client);
    return client;
  }

  /** The first that still waits: some have given up in the meantime. */
  #next(): Exchange | undefined {
    while (this.#waitingAt < this.#waiting.length) {
      const exchange = this.#waiting[this.#waitingAt++];
      if (this.#waitingAt > 256 && this.#waitingAt * 2 > this.#waiting.length) {
        this.#waiting = this.#waiting.slice(this.#waitingAt);
        this.#waitingAt = 0;
      }
      if (exchange !== undefined && !exchange.settled) return exchange;
    }
    if (this.#waitingAt > 0) {
      this.#waiting = [];
      this.#waitingAt = 0;
    }
    return undefined;
  }

  #drop(client: Client): void {
    this.#all.delete(client);
    void client.destroy();
  }

  #noteEnd(): void {
    if (this.#closing && this.#all.size === 0) this.#onEmpty();
  }
}
