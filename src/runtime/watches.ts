import type { KubeObject } from '../api/meta.js';
import { keyOf, type NamespacedName } from '../core/domain/object-key.js';
import { isBeingDeleted } from './finalizers.js';
import type { QueueClass } from './observer.js';
import type { Predicate } from './predicates.js';
import type { Enqueue, Informer, StoreChange } from './ports.js';

/** One reason for a controller to run. Subscribes at once. @returns the unsubscribe function */
export type Watch = (enqueue: Enqueue) => () => void;

interface Wakes {
  /** Left out: `change`. */
  readonly as?: QueueClass;
  /** Collects what comes within this time; left out: at once. */
  readonly afterMs?: number;
}

export interface WatchRule<T extends KubeObject> extends Omit<Wakes, 'as'> {
  /** Which changes matter; left out: all. */
  readonly when?: Predicate<T>;
  /** The keys that a change of this object wakes. */
  readonly wake: (object: T) => Iterable<NamespacedName>;
  readonly as?: QueueClass | ((change: StoreChange<T>) => QueueClass);
}

/** Changes of objects. `source` undefined: they are not watched here. */
export function on<T extends KubeObject>(source: Pick<Informer<T>, 'subscribe'> | undefined, rule: WatchRule<T>): Watch {
  const { when, wake, as = 'change', afterMs } = rule;
  return (enqueue) =>
    source?.subscribe((change) => {
      if (when?.(change) === false) return;
      const cls = typeof as === 'function' ? as(change) : as;
      for (const key of wake(change.object)) add(enqueue, key, { as: cls, ...(afterMs === undefined ? {} : { afterMs }) });
    }) ?? ((): void => undefined);
}

/** Anything that reports keys: Secrets that changed, an app whose pages are to run again. */
export function onKey(
  subscribe: (handler: (key: NamespacedName) => void) => () => void,
  { wake, ...wakes }: Wakes & { readonly wake: (key: NamespacedName) => Iterable<NamespacedName> },
): Watch {
  return (enqueue) =>
    subscribe((key) => {
      for (const one of wake(key)) add(enqueue, one, wakes);
    });
}

/** Every object that is there already; those that are being deleted first. */
export function existing<T extends KubeObject>(informer: Pick<Informer<T>, 'list'>): Watch {
  return (enqueue) => {
    for (const object of informer.list()) enqueue.add(keyOf(object), isBeingDeleted(object) ? 'change' : 'background');
    return () => undefined;
  };
}

/** All of them, in this order. */
export function watchAll(...watches: readonly Watch[]): Watch {
  return (enqueue) => {
    const stops = watches.map((watch) => watch(enqueue));
    return () => {
      for (const stop of stops) stop();
    };
  };
}

/** `change`, but `background` for what the first list brings, unless it is being deleted. */
export function afterFirstList<T extends KubeObject>(informer: Pick<Informer<T>, 'hasSynced'>): (change: StoreChange<T>) => QueueClass {
  return ({ type, object }) => (type === 'updated' || informer.hasSynced() || isBeingDeleted(object) ? 'change' : 'background');
}

function add(enqueue: Enqueue, key: NamespacedName, { as = 'change', afterMs }: Wakes): void {
  if (afterMs === undefined) enqueue.add(key, as);
  else enqueue.addAfter(key, afterMs, as);
}
