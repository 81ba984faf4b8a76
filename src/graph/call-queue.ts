import { TransientError } from '../core/domain/errors.js';
import { Semaphore } from '../kit/semaphore.js';

export type Lane = 'interactive' | 'background';

/** Lane → its rank in the semaphore. */
const RANK = { interactive: 0, background: 1 } as const satisfies Record<Lane, number>;
const MAX_WAITING = 20_000;

/**
 * Lets at most `max` calls run at once, `interactive` ones first; `background` ones never take the
 * last `reserved` places.
 */
export class CallQueue {
  readonly #places: Semaphore;
  readonly #maxWaiting: number;

  constructor(max = 32, reserved = Math.floor(max / 4), maxWaiting = MAX_WAITING) {
    this.#places = new Semaphore(max, max - reserved);
    this.#maxWaiting = maxWaiting;
  }

  /**
   * Runs `job` when there is room. @throws the signal's reason if that is aborted before;
   * TransientError over the bound.
   */
  async run<T>(lane: Lane, signal: AbortSignal, job: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    const rank = RANK[lane];
    if (this.#places.waiting(rank) >= this.#maxWaiting)
      throw new TransientError('GraphUnavailable', 'too many calls are waiting for Graph');
    return await this.#places.run(job, signal, rank);
  }
}
