import { unlessAborted } from '../runtime/deadline.js';

/**
 * Lets one piece of work a key run at a time, in the order of arrival. Keys of which nothing runs
 * are not kept.
 */
export class KeyMutex {
  readonly #tails = new Map<string, Promise<void>>();

  /** How many keys are being worked on. */
  get size(): number {
    return this.#tails.size;
  }

  /**
   * Runs `work` once nothing else runs for `key`. @throws the signal's reason if it is aborted
   * while waiting, else what `work` throws
   */
  async run<T>(key: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key) ?? Promise.resolve();
    let release = (): void => undefined;
    const own = new Promise<void>((resolve) => {
      release = resolve;
    });
    const tail = before.then(() => own);
    this.#tails.set(key, tail);
    // Only once everything before has ended as well: a caller that stops waiting must let no other
    // past.
    void tail.then(() => {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    });
    try {
      await unlessAborted(before, signal);
      return await work();
    } finally {
      release();
    }
  }
}
