import { abortReason } from './abort.js';

/**
 * Lets a limited number of pieces of work run at once. The others wait in their order, and leave
 * when their signal is aborted. Work has a rank: a place that becomes free goes to rank 0 first.
 * Each rank has its own limit, so that later ranks can leave places free for earlier ones.
 */
export class Semaphore {
  readonly #limits: readonly number[];
  readonly #waiting: readonly Set<() => void>[];
  #held = 0;

  /** @param limits one for each rank: it gets a place only while fewer are taken by all ranks */
  constructor(...limits: readonly [number, ...number[]]) {
    this.#limits = limits;
    this.#waiting = limits.map(() => new Set());
  }

  /** How many of this rank wait for a place. */
  waiting(rank: number): number {
    return this.#waiting[rank]?.size ?? 0;
  }

  /** Runs `work` once it has a place. @throws the signal's reason if that is aborted before */
  async run<T>(work: () => Promise<T>, signal: AbortSignal, rank = 0): Promise<T> {
    await this.acquire(signal, rank);
    try {
      return await work();
    } finally {
      this.release();
    }
  }

  /**
   * Takes a place, which must be released; without a signal it waits as long as that takes.
   * @throws the signal's reason if that is aborted before
   */
  async acquire(signal?: AbortSignal, rank = 0): Promise<void> {
    signal?.throwIfAborted();
    if (this.#hasRoom(rank)) this.#held++;
    else await this.#place(rank, signal);
  }

  release(): void {
    this.#held--;
    for (const [rank, waiting] of this.#waiting.entries()) {
      for (const enter of waiting) {
        if (!this.#hasRoom(rank)) break;
        waiting.delete(enter);
        this.#held++;
        enter();
      }
    }
  }

  #hasRoom(rank: number): boolean {
    return this.#held < (this.#limits[rank] ?? 0);
  }

  #place(rank: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiting[rank]?.delete(enter);
        if (signal !== undefined) reject(abortReason(signal));
      };
      const enter = (): void => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting[rank]?.add(enter);
    });
  }
}
