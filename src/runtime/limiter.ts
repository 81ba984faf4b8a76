import { Semaphore } from '../kit/semaphore.js';

/**
 * Lets at most `limit` pieces of work run at once; the others wait in their order, and leave when
 * their signal is aborted.
 */
export class Limiter {
  readonly #places: Semaphore;

  constructor(limit: number) {
    this.#places = new Semaphore(limit);
  }

  run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    return this.#places.run(work, signal);
  }

  /**
   * For work that runs already: gives its place away while it waits for `other`, and takes one
   * again before it goes on, however long that takes; a place that is held is always given back.
   */
  async lend<T>(other: () => Promise<T>): Promise<T> {
    this.#places.release();
    try {
      return await other();
    } finally {
      await this.#places.acquire();
    }
  }
}
