/** Resolves when the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      resolve();
    };
    if (signal.aborted) done();
    else signal.addEventListener('abort', done, { once: true });
  });
}

/** The signal's reason as an Error, also where it was aborted with something else. */
export function abortReason(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  return reason instanceof Error ? reason : new Error('aborted');
}

/** A signal that follows others. */
export interface LinkedSignal {
  readonly signal: AbortSignal;
  /** Aborts this signal alone. */
  abort(reason: unknown): void;
  /** Takes the listeners on the others away. Must be called. */
  clear(): void;
}

/**
 * A signal that is aborted with its parent, or by itself. `clear` must be called: it takes the
 * listener on the parent away, where AbortSignal.any leaves something behind on a parent that lives
 * as long as the process.
 */
export function linked(parent: AbortSignal | undefined): LinkedSignal {
  return linkedToAll(parent === undefined ? [] : [parent]);
}

/**
 * A signal that is aborted once all of `parents` are, with the reason of the first one, or by
 * itself. Without parents it is aborted by itself only.
 */
export function linkedToAll(parents: readonly AbortSignal[]): LinkedSignal {
  const controller = new AbortController();
  const onAbort = (): void => {
    if (parents.every(({ aborted }) => aborted)) controller.abort(parents[0]?.reason);
  };
  for (const parent of parents) parent.addEventListener('abort', onAbort, { once: true });
  if (parents.length > 0) onAbort();
  return {
    signal: controller.signal,
    abort: (reason) => {
      controller.abort(reason);
    },
    clear: () => {
      for (const parent of parents) parent.removeEventListener('abort', onAbort);
    },
  };
}
