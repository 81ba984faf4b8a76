import type { NamespacedName } from '../core/domain/object-key.js';

export type ReleasedKind = 'MessengerPage' | 'MessengerApp';

/** What became of the finalizer. `kept`: it could not be taken off; `skipped`: it was not to be. */
export type FinalizerOutcome = 'freed' | 'would be freed' | 'kept' | 'skipped';

/** What became of the Page at Graph; undefined where nobody asked for an unsubscribe. */
export type GraphOutcome = 'unsubscribed' | 'would be unsubscribed' | 'nothing to do' | 'left subscribed';

/** One line of the report. */
export interface ReleasedObject extends NamespacedName {
  readonly kind: ReleasedKind;
  /** Of a page: its Facebook Page. */
  readonly pageId?: string;
  readonly finalizer: FinalizerOutcome;
  readonly graph?: GraphOutcome;
  /** Why, and where something is left to do: how to mend it. Empty where there is nothing to say. No secret is in it. */
  readonly message: string;
}

export interface ReleaseReport {
  /** By namespace and name, pages before apps. */
  readonly objects: readonly ReleasedObject[];
  /** What there is to know besides, in sentences. */
  readonly notes: readonly string[];
}

/** What was to be freed and was not. */
export function notFreed({ objects }: ReleaseReport): readonly ReleasedObject[] {
  return objects.filter(({ finalizer }) => finalizer === 'kept');
}
