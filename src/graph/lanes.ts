import { TransientError } from '../core/domain/errors.js';

export type Lane = 'interactive' | 'background';

interface Waiting {
  readonly start: () => void;
}

const MAX_WAITING = 20_000;

/**
 * Lets at most `max` jobs run at once, `interactive` ones first; `background` ones never take the
 * last `reserved` places.
 */
export class Lanes {
  readonly #max: number;
  readonly #reserved: number;
  readonly #maxWaiting: number;
  readonly #waiting: Record<Lane, Set<Waiting>> = { interactive: new Set(), background: new Set() };
  #running = 0;

  constructor(max = 32, reserved = Math.floor(max / 4), maxWaiting = MAX_WAITING) {
    this.#max = max;
    this.#reserved = reserved;
    this.#maxWaiting = maxWaiting;
  }

  /**
   * Runs `job` when there is room. @throws the signal's reason if that is aborted before;
   * TransientError over the bound.
   */
  async run<T>(lane: Lane, signal: AbortSignal, job: () => Promise<T>): Promise<T> {
    await this.#enter(lane, signal);
    try {
      return await job();
    } finally {
      this.#running -= 1;
      this.#next();
    }
  }

  #enter(lane: Lane, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#hasRoom(lane)) {
      this.#running += 1;
      return Promise.resolve();
    }
    const waiting = this.#waiting[lane];
    if (waiting.size >= this.#maxWaiting) throw new TransientError('GraphUnavailable', 'too many calls are waiting for Graph');
    return new Promise((resolve, reject) => {
      const entry = {
        start: (): void => {
          signal.removeEventListener('abort', giveUp);
          resolve();
        },
      };
      const giveUp = (): void => {
        waiting.delete(entry);
        reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
      };
      signal.addEventListener('abort', giveUp, { once: true });
      waiting.add(entry);
    });
  }

  #hasRoom(lane: Lane): boolean {
    return this.#running < (lane === 'interactive' ? this.#max : this.#max - this.#reserved);
  }

  #next(): void {
    for (const lane of ['interactive', 'background'] as const) {
      for (const entry of this.#waiting[lane]) {
        if (!this.#hasRoom(lane)) break;
        this.#waiting[lane].delete(entry);
        this.#running += 1;
        entry.start();
      }
    }
  }
}
