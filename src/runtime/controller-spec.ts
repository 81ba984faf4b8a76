import type { NamespacedName } from '../core/domain/object-key.js';
import type { Reconciler } from './ports.js';
import type { WorkQueueOptions } from './queue/work-queue.js';
import type { Watch } from './watches.js';

/** One controller: the leader makes its queue and its loop from this. */
export interface ControllerSpec<Name extends string = string> {
  /** For logs and metrics: the kind's singular. */
  readonly name: Name;
  readonly reconciler: Reconciler;
  /** What wakes its keys. */
  readonly watch: Watch;
  /**
   * Passes under way at once, those that wait for Graph included; left out: as many as there are
   * workers.
   */
  readonly passes?: number;
  readonly queue?: Pick<WorkQueueOptions<NamespacedName>, 'groupOf' | 'backoff'>;
}
