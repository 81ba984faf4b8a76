const NEVER = new AbortController().signal;

/**
 * Lets at most `limit` pieces of work run at once; the others wait in their order, and leave when
 * their signal is aborted.
 */
export class Limiter {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(limit: number) {
    this.#free = limit;
  }

  async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#enter(signal);
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  /**
   * For work that runs already: gives its place away while it waits for `other`, and takes one
   * again before it goes on, however long that takes; a place that is held is always given back.
   */
  async lend<T>(other: () => Promise<T>): Promise<T> {
    this.#leave();
    try {
      return await other();
    } finally {
      await this.#enter(NEVER);
    }
  }

  #enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#free > 0) {
      this.#free--;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiting.delete(enter);
        const reason: unknown = signal.reason;
        reject(reason instanceof Error ? reason : new Error('aborted'));
      };
      const enter = (): void => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      if (signal !== NEVER) signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.add(enter);
    });
  }

  #leave(): void {
    for (const enter of this.#waiting) {
      this.#waiting.delete(enter);
      enter();
      return;
    }
    this.#free++;
  }
}
