import type { KubeObject } from '../api/meta.js';
import { sameData } from './equality.js';
import { hasFinalizer } from './finalizers.js';
import type { StoreChange } from './ports.js';

/**
 * Whether a change is worth a reconcile. Additions and deletions always are; a predicate judges
 * updates.
 */
export type Predicate<T extends KubeObject> = (change: StoreChange<T>) => boolean;

type Updated<T extends KubeObject> = Extract<StoreChange<T>, { type: 'updated' }>;

function onUpdate<T extends KubeObject>(judge: (update: Updated<T>) => boolean): Predicate<T> {
  return (change) => change.type !== 'updated' || judge(change);
}

/** The spec changed. */
export function generationChanged<T extends KubeObject>(): Predicate<T> {
  return onUpdate(({ object, previous }) => object.metadata.generation !== previous.metadata.generation);
}

/** One of these annotations was added, changed or removed. */
export function annotationChanged<T extends KubeObject>(...names: readonly string[]): Predicate<T> {
  return onUpdate(({ object, previous }) =>
    names.some((name) => object.metadata.annotations?.[name] !== previous.metadata.annotations?.[name]),
  );
}

export function labelsChanged<T extends KubeObject>(): Predicate<T> {
  return onUpdate(({ object, previous }) => !sameData(object.metadata.labels ?? {}, previous.metadata.labels ?? {}));
}

/** The object began to be deleted. */
export function deletionBegan<T extends KubeObject>(): Predicate<T> {
  return onUpdate(({ object, previous }) => object.metadata.deletionTimestamp !== previous.metadata.deletionTimestamp);
}

/** This finalizer was removed. */
export function finalizerRemoved<T extends KubeObject>(finalizer: string): Predicate<T> {
  return onUpdate(({ object, previous }) => hasFinalizer(previous, finalizer) && !hasFinalizer(object, finalizer));
}

/** A part of the object changed: what it refers to, its claim, … */
export function fieldChanged<T extends KubeObject>(select: (object: T) => unknown): Predicate<T> {
  return onUpdate(({ object, previous }) => !sameData(select(object), select(previous)));
}

export function anyOf<T extends KubeObject>(...predicates: readonly Predicate<T>[]): Predicate<T> {
  return (change) => predicates.some((predicate) => predicate(change));
}

export function allOf<T extends KubeObject>(...predicates: readonly Predicate<T>[]): Predicate<T> {
  return (change) => predicates.every((predicate) => predicate(change));
}

/** Updates alone that the predicate accepts, no additions and no deletions. */
export function updatesWhere<T extends KubeObject>(predicate: Predicate<T>): Predicate<T> {
  return (change) => change.type === 'updated' && predicate(change);
}

/** Turns the judgement of updates round; additions and deletions still pass. */
export function not<T extends KubeObject>(predicate: Predicate<T>): Predicate<T> {
  return onUpdate((change) => !predicate(change));
}

/** The status changed, and `isOwn` does not know the new one as written by this process. */
export function statusChangedByOthers<T extends KubeObject & { readonly status?: unknown }>(isOwn: (object: T) => boolean): Predicate<T> {
  return onUpdate(({ object, previous }) => !sameData(object.status, previous.status) && !isOwn(object));
}
