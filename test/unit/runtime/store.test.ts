import { describe, expect, it } from '@jest/globals';
import type { StoreChange } from '../../../src/runtime/ports.js';
import { Store, type StoreOptions } from '../../../src/runtime/store.js';
import { FakeClock } from '../../support/fake-clock.js';
import { names, thing, type Thing } from './things.js';

function setUp(options: Partial<StoreOptions<Thing>> = {}) {
  const clock = new FakeClock();
  const store = new Store<Thing>({ clock, indexes: { color: (object) => [object.spec?.color ?? 'none'] }, ...options });
  const changes: string[] = [];
  store.subscribe(({ type, object }) => changes.push(`${type} ${object.metadata.name} ${object.metadata.uid ?? ''}`));
  return { clock, store, changes };
}

describe('Store', () => {
  it('is synced only after the first list, even an empty one', () => {
    const { store } = setUp();
    expect(store.hasSynced()).toBe(false);
    expect(store.ageMs()).toBe(Infinity);

    store.replace([]);

    expect(store.hasSynced()).toBe(true);
    expect(store.ageMs()).toBe(0);
  });

  it('turns objects that a new list lacks into deletions, once the whole list is in', () => {
    const { store } = setUp();
    store.replace([thing('a', '1', '1'), thing('b', '2', '2')]);
    const seen: string[] = [];
    store.subscribe(({ type, object }) => seen.push(`${type} ${object.metadata.name}, store has ${names(store.list()).join('')}`));

    store.replace([thing('b', '2', '3'), thing('c', '3', '4')]);

    expect(seen).toEqual(['deleted a, store has bc', 'updated b, store has bc', 'added c, store has bc']);
  });

  it('tells a recreated object as deleted and added, whether the watch or a list shows it', () => {
    const { store, changes } = setUp();
    store.replace([thing('a', '1', '1')]);
    store.apply(thing('a', '2', '5'));
    store.replace([thing('a', '3', '9')]);
    expect(changes).toEqual(['added a 1', 'deleted a 1', 'added a 2', 'deleted a 2', 'added a 3']);
  });

  it('does not let an older version of the same object overwrite a newer one', () => {
    const { store, changes } = setUp();
    store.replace([thing('a', '1', '10', { color: 'blue' })]);
    store.apply(thing('a', '1', '9', { color: 'red' }));
    store.apply(thing('a', '1', '10', { color: 'red' }));
    expect(store.get({ namespace: 'bots', name: 'a' })?.spec?.color).toBe('blue');
    expect(changes).toEqual(['added a 1']);
  });

  it('compares versions as numbers, not as text', () => {
    const { store } = setUp();
    store.replace([thing('a', '1', '9', { color: 'red' })]);
    store.apply(thing('a', '1', '10', { color: 'blue' }));
    expect(store.get({ namespace: 'bots', name: 'a' })?.spec?.color).toBe('blue');
  });

  it('takes a list for the truth even where it is older: a restored etcd', () => {
    const { store } = setUp();
    store.replace([thing('a', '1', '10', { color: 'blue' })]);
    store.replace([thing('a', '1', '4', { color: 'red' })]);
    expect(store.get({ namespace: 'bots', name: 'a' })?.spec?.color).toBe('red');
    store.replace([thing('a', '1', '4', { color: 'green' })]);
    expect(store.get({ namespace: 'bots', name: 'a' })?.spec?.color).toBe('green');
  });

  it('does not tell an unchanged object again when it is listed again', () => {
    const { store, changes } = setUp();
    store.replace([thing('a', '1', '1')]);
    const before = store.get({ namespace: 'bots', name: 'a' });
    store.replace([thing('a', '1', '1')]);
    expect(changes).toEqual(['added a 1']);
    expect(store.get({ namespace: 'bots', name: 'a' })).toBe(before);
  });

  it('does not bring a deleted object back when an older line arrives late', () => {
    const { store } = setUp();
    store.replace([thing('a', '1', '1')]);
    store.remove(thing('a', '1', '7'));
    store.apply(thing('a', '1', '6'));
    expect(store.list()).toEqual([]);
    store.apply(thing('a', '2', '8'));
    store.apply(thing('a', '1', '6'));
    expect(store.get({ namespace: 'bots', name: 'a' })?.metadata.uid).toBe('2');
  });

  it('keeps the new object when the deletion of its predecessor arrives late', () => {
    const { store } = setUp();
    store.replace([]);
    store.apply(thing('a', '2', '8'));
    store.remove(thing('a', '1', '7'));
    expect(store.get({ namespace: 'bots', name: 'a' })?.metadata.uid).toBe('2');
  });

  it('freezes what it holds', () => {
    const { store } = setUp();
    store.replace([thing('a', '1', '1')]);
    const stored = store.get({ namespace: 'bots', name: 'a' }) as { spec: { color: string } };
    expect(() => (stored.spec.color = 'blue')).toThrow(TypeError);
    expect(Object.isFrozen(store.list())).toBe(true);
  });

  it('drops managedFields and the last-applied annotation, which holds the data in clear', () => {
    const { store } = setUp();
    const metadata = {
      ...thing('a', '1', '1').metadata,
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{"data":"s3cret"}', mine: 'kept' },
      managedFields: [{ manager: 'kubectl' }],
    };
    store.replace([{ metadata }]);
    expect(JSON.stringify(store.list())).not.toMatch(/s3cret|managedFields/);
    expect(store.list()[0]?.metadata.annotations).toEqual({ mine: 'kept' });
  });

  it('finds objects by an index through changes and deletions', () => {
    const { store } = setUp();
    store.replace([thing('a', '1', '1', { color: 'red' }), thing('b', '2', '1', { color: 'red' })]);
    store.apply(thing('a', '1', '2', { color: 'blue' }));
    expect(names(store.byIndex('color', 'red'))).toEqual(['b']);
    expect(names(store.byIndex('color', 'blue'))).toEqual(['a']);
    store.remove(thing('b', '2', '3'));
    expect(store.byIndex('color', 'red')).toEqual([]);
    expect(() => store.byIndex('size', 'xl')).toThrow('no index size');
  });

  it('keeps its other objects when an index function fails on one', () => {
    const { store } = setUp({
      indexes: {
        color: (object) => {
          if (object.spec === undefined) throw new Error('no spec');
          return [object.spec.color];
        },
      },
    });
    store.replace([{ metadata: { name: 'odd', namespace: 'bots' } }, thing('b', '2', '1', { color: 'red' })]);
    expect(names(store.list())).toEqual(['b', 'odd']);
    expect(names(store.byIndex('color', 'red'))).toEqual(['b']);
  });

  it('replaces one namespace without touching the others, and is synced when all are', () => {
    const { store, changes } = setUp({ namespaces: ['bots', 'shop'] });
    store.replace([thing('a', '1', '1')], { namespace: 'bots' });
    expect(store.hasSynced()).toBe(false);
    store.replace([thing('x', '9', '2', { namespace: 'shop' })], { namespace: 'shop' });
    expect(store.hasSynced()).toBe(true);

    store.replace([], { namespace: 'shop' });

    expect(names(store.list())).toEqual(['a']);
    expect(changes).toEqual(['added a 1', 'added x 9', 'deleted x 9']);
  });

  it('is as old as the source that has been silent for longest', async () => {
    const { store, clock } = setUp({ namespaces: ['bots', 'shop'] });
    store.replace([], { namespace: 'bots' });
    store.replace([], { namespace: 'shop' });
    await clock.advance(5_000);
    store.touch('shop');
    expect(store.ageMs()).toBe(5_000);
    store.apply(thing('a', '1', '1'));
    expect(store.ageMs()).toBe(0);
  });

  it('tells the other handlers when one fails, and no handler twice', () => {
    const { store, changes } = setUp();
    const twice: string[] = [];
    const handler = ({ type }: StoreChange<Thing>): void => void twice.push(type);
    store.subscribe(() => {
      throw new Error('a bug');
    });
    const unsubscribe = store.subscribe(handler);
    store.subscribe(handler);
    store.replace([thing('a', '1', '1')]);
    unsubscribe();
    store.remove(thing('a', '1', '2'));
    expect(twice).toEqual(['added', 'added', 'deleted']);
    expect(changes).toEqual(['added a 1', 'deleted a 1']);
  });
});
