import { UNSUBSCRIBE_FINALIZER } from '../../api/v1alpha1/constants.js';
import type { MessengerPage } from '../../api/v1alpha1/types.gen.js';
import type { Clock } from '../../kit/clock.js';
import { keyOf, keyText } from '../../core/domain/object-key.js';
import { findCondition } from '../../runtime/conditions.js';
import { sameData } from '../../runtime/equality.js';
import { hasFinalizer, isBeingDeleted } from '../../runtime/finalizers.js';
import type { Enqueue, Informer, StoreChange } from '../../runtime/ports.js';
import { reconcileRequestOf } from '../../relations/relations.js';
import type { StatusMemory } from '../status-memory.js';

type Updated = Extract<StoreChange<MessengerPage>, { type: 'updated' }>;

const REQUEST_EVERY_MS = 10_000;

export interface PageChangesDeps {
  readonly pages: Informer<MessengerPage>;
  readonly statuses: StatusMemory<MessengerPage>;
  readonly clock: Clock;
}

/** What a change of one page wakes: itself, unless only our own writing came back, and those that want the same Page. */
export class PageChanges {
  readonly #watches: PageChangesDeps;
  readonly #enqueue: Enqueue;
  /** page → when the annotation last woke it, or is about to; only of pages that there are */
  readonly #requestedMs = new Map<string, number>();

  constructor(watches: PageChangesDeps, enqueue: Enqueue) {
    this.#watches = watches;
    this.#enqueue = enqueue;
  }

  page(change: StoreChange<MessengerPage>): void {
    const key = keyOf(change.object);
    switch (change.type) {
      case 'added':
        this.#enqueue.add(key, this.#watches.pages.hasSynced() || isBeingDeleted(change.object) ? 'change' : 'background');
        this.#wakeRivals(change.object);
        break;
      case 'deleted':
        this.#requestedMs.delete(keyText(key));
        this.#enqueue.add(key, 'change');
        this.#wakeRivals(change.object);
        break;
      case 'updated':
        this.#updated(change);
        break;
    }
  }

  #updated(change: Updated): void {
    const { object, previous } = change;
    const statusChanged = !sameData(object.status, previous.status);
    const foreign = statusChanged && !this.#watches.statuses.seen(object);
    if (foreign || specChanged(change)) this.#enqueue.add(keyOf(object), 'change');
    else if (reconcileRequestOf(object) !== reconcileRequestOf(previous)) this.#request(object);
    if (!sameData(mattersToRivals(object), mattersToRivals(previous))) this.#wakeRivals(object);
  }

  /** One reconcile in ten seconds, however often the annotation is changed. */
  #request(page: MessengerPage): void {
    const key = keyOf(page);
    const nowMs = this.#watches.clock.monotonicMs();
    const lastMs = this.#requestedMs.get(keyText(key));
    // One is on its way already.
    if (lastMs !== undefined && lastMs > nowMs) return;
    const waitMs = lastMs === undefined ? 0 : Math.max(0, lastMs + REQUEST_EVERY_MS - nowMs);
    this.#requestedMs.set(keyText(key), nowMs + waitMs);
    if (waitMs === 0) this.#enqueue.add(key, 'change');
    else this.#enqueue.addAfter(key, waitMs, 'change');
  }

  #wakeRivals(page: MessengerPage): void {
    for (const rival of this.#watches.pages.byIndex('pageId', page.spec.pageId)) {
      if (rival.metadata.uid !== page.metadata.uid) this.#enqueue.add(keyOf(rival), 'change');
    }
  }
}

function specChanged({ object, previous }: Updated): boolean {
  return (
    object.metadata.generation !== previous.metadata.generation ||
    object.metadata.deletionTimestamp !== previous.metadata.deletionTimestamp ||
    (hasFinalizer(previous, UNSUBSCRIBE_FINALIZER) && !hasFinalizer(object, UNSUBSCRIBE_FINALIZER))
  );
}

/** Who gets the claim depends on these. */
function mattersToRivals({ metadata, status }: MessengerPage): unknown {
  const token = findCondition(status?.conditions, 'TokenValid');
  return [metadata.deletionTimestamp, status?.claim, status?.token?.fingerprint, token?.status, token?.reason];
}
