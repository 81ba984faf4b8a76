import type { ClientRequest } from 'node:http';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';

const STARTED = 'http.client.request.start';
/**
 * So many turns of the event loop without a request under way, and whatever an answer brought forth
 * has begun.
 */
const QUIET_TURNS = 4;

/**
 * Counts the HTTP requests of this process that have no whole answer yet, so that virtual time can
 * wait for them.
 */
export class Traffic {
  #underWay = 0;
  #started = 0;

  readonly #begin = (message: unknown): void => {
    const { request } = message as { readonly request: ClientRequest };
    this.#underWay += 1;
    this.#started += 1;
    request.once('close', () => {
      this.#underWay -= 1;
    });
  };

  constructor() {
    subscribe(STARTED, this.#begin);
  }

  stop(): void {
    unsubscribe(STARTED, this.#begin);
  }

  /** Resolves when nothing is on the wire and nothing goes onto it by itself. */
  readonly idle = async (): Promise<void> => {
    for (let quiet = 0, seen = this.#started; quiet < QUIET_TURNS;) {
      await new Promise((resolve) => setImmediate(resolve));
      quiet = this.#underWay === 0 && seen === this.#started ? quiet + 1 : 0;
      seen = this.#started;
    }
  };
}
