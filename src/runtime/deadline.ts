import { abortReason, linked } from '../kit/abort.js';
import type { Clock } from '../kit/clock.js';

/** A signal with an end of its own. */
export interface Deadline {
  /** Aborted with the parent, or with a `DeadlineError` when the time is up. */
  readonly signal: AbortSignal;
  /** Takes the timer and the listener on the parent away. Must be called. */
  clear(): void;
}

/** The reason of a signal whose time was up. */
export class DeadlineError extends Error {
  constructor(ms: number) {
    super(`did not end within ${ms} ms`);
    this.name = 'DeadlineError';
  }
}

/** Links a signal to a parent and a time: unlike AbortSignal.timeout by our clock. */
export function withDeadline(clock: Clock, parent: AbortSignal | undefined, ms: number): Deadline {
  const own = linked(parent);
  const cancelTimer = clock.setTimer(ms, () => {
    own.abort(new DeadlineError(ms));
  });
  return {
    signal: own.signal,
    clear: () => {
      cancelTimer();
      own.clear();
    },
  };
}

/** Waits for `work`, but no longer than until the signal is aborted; the work itself goes on. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      reject(abortReason(signal));
    };
    if (signal.aborted) {
      onAbort();
      work.catch(() => undefined);
      return;
    }
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', onAbort);
    });
  });
}

/**
 * Whether the signal is aborted by now. In a loop over it the compiler takes an earlier answer for
 * the last one.
 */
export function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
