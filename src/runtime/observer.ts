/** How a reconcile ended; the closed set of the metric's label. */
export const RECONCILE_OUTCOMES = ['success', 'requeue_after', 'requeue', 'error', 'terminal', 'rate_limited', 'aborted'] as const;
export type ReconcileOutcome = (typeof RECONCILE_OUTCOMES)[number];

/**
 * Why a key is queued, the class that is served first in front. A lower class ages, so that none
 * starves.
 */
export const QUEUE_CLASSES = ['change', 'retry', 'background'] as const;
export type QueueClass = (typeof QUEUE_CLASSES)[number];

/** Receives what the queue does; every method is optional. Times in milliseconds. */
export interface QueueObserver {
  /** Keys that are ready, not those that wait for their time. */
  depth?(keys: number): void;
  added?(cls: QueueClass): void;
  retried?(): void;
  /** From the time a key was due until a worker got it. */
  waited?(ms: number): void;
  worked?(ms: number): void;
  /** A key was turned away because `maxKeys` are in the queue. */
  dropped?(): void;
}
