import type { NamespacedName } from '../core/domain/object-key.js';

/**
 * What became of the finalizer. `kept`: it could not be removed; `skipped`: the object is not one
 * to free.
 */
export type FinalizerOutcome = 'freed' | 'would be freed' | 'kept' | 'skipped';

/** What became of the Page at Graph; undefined where no unsubscribe was asked for. */
export type GraphOutcome = 'unsubscribed' | 'would be unsubscribed' | 'nothing to do' | 'left subscribed';

/** Why an object is skipped. */
export type SkipReason = 'NoFinalizer' | 'OtherClass' | 'NotBeingDeleted';

/** One line of the report. */
export interface ReleasedObject extends NamespacedName {
  /** `MessengerPage`, … */
  readonly kind: string;
  /** Of a page: its Facebook Page. */
  readonly pageId?: string;
  readonly finalizer: FinalizerOutcome;
  readonly graph?: GraphOutcome;
  /** Set where the finalizer was skipped. */
  readonly why?: SkipReason;
  /**
   * For people: why, and what is left to do. Empty where there is nothing to say. Holds no secret.
   */
  readonly message: string;
}

export interface ReleaseReport {
  /** Kind after kind, pages first, each by namespace and name. */
  readonly objects: readonly ReleasedObject[];
  /** Sentences for the reader, shown beside the lines. */
  readonly notes: readonly string[];
}

/** What should have been freed and was not. */
export function notFreed({ objects }: ReleaseReport): readonly ReleasedObject[] {
  return objects.filter(({ finalizer }) => finalizer === 'kept');
}
