import type { PageCounters } from '../controller/messengerpage/ports.js';
import type { ControllerName } from '../observability/controller-metrics.js';
import type { QueueObserver, ReconcileOutcome } from '../runtime/observer.js';

/** Receives what the leader does. */
export interface LeaderObserver {
  queue(name: ControllerName): QueueObserver;
  /** How each pass ended. */
  passes(name: ControllerName): (outcome: ReconcileOutcome, seconds: number) => void;
  readonly counters: PageCounters;
}
