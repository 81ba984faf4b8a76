import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { keyOf, keyText } from '../../../src/core/domain/object-key.js';
import { silentLogger, type Logger } from '../../../src/kit/log.js';
import { Store, type StoreOptions } from '../../../src/runtime/store.js';
import { FakeClock } from '../../support/fake-clock.js';
import { names, thing, type Thing } from './things.js';

const object = fc
  .record({
    name: fc.constantFrom('a', 'b', 'c'),
    uid: fc.constantFrom('1', '2'),
    version: fc.nat(30),
    color: fc.constantFrom('red', 'blue'),
  })
  .map(({ name, uid, version, color }) => thing(name, uid, String(version), { color }));
const step = fc.oneof(
  fc.record({ op: fc.constant('apply' as const), object }),
  fc.record({ op: fc.constant('remove' as const), object }),
  fc.record({
    op: fc.constant('replace' as const),
    objects: fc.uniqueArray(object, { selector: (each) => each.metadata.name, maxLength: 3 }),
  }),
);

const byName = (objects: Iterable<Thing>): Thing[] => [...objects].sort((a, b) => a.metadata.name.localeCompare(b.metadata.name));

/** A store swallows what a handler throws, and logs it: here that is a failure. */
function storeOf(failures: unknown[], indexes: StoreOptions<Thing>['indexes'] = {}): Store<Thing> {
  const log: Logger = { ...silentLogger, error: (_, fields) => failures.push(fields?.['error']) };
  return new Store<Thing>({ clock: new FakeClock(), indexes, log });
}

const COLOR = { color: (each: Thing): readonly string[] => [each.spec?.color ?? ''] };

/**
 * What a subscriber that believes every change holds; fails on a change that does not fit what it
 * holds.
 */
function believer(store: Store<Thing>): ReadonlyMap<string, Thing> {
  const held = new Map<string, Thing>();
  store.subscribe((change) => {
    const key = keyText(keyOf(change.object));
    expect(held.has(key)).toBe(change.type !== 'added');
    if (change.type === 'updated')
      expect([change.previous, change.previous.metadata.uid]).toEqual([held.get(key), change.object.metadata.uid]);
    if (change.type === 'deleted') held.delete(key);
    else held.set(key, change.object);
  });
  return held;
}

function expectNoneOlder(before: readonly Thing[], after: readonly Thing[]): void {
  for (const old of before) {
    const now = after.find(({ metadata }) => metadata.name === old.metadata.name && metadata.uid === old.metadata.uid);
    if (now !== undefined) expect(Number(now.metadata.resourceVersion)).toBeGreaterThanOrEqual(Number(old.metadata.resourceVersion));
  }
}

describe('Store, against a model', () => {
  it('holds what its changes add up to, indexes included, equals each list, and never goes back in time between two lists', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const failures: unknown[] = [];
        const store = storeOf(failures, COLOR);
        const held = believer(store);
        for (const each of steps) {
          const before = store.list();
          if (each.op === 'replace') {
            store.replace(each.objects);
            expect(byName(store.list())).toEqual(byName(each.objects));
          } else {
            store[each.op](each.object);
            expectNoneOlder(before, store.list());
          }
          expect(byName(held.values())).toEqual(byName(store.list()));
          for (const color of ['red', 'blue']) {
            expect(names(store.byIndex('color', color))).toEqual(names(store.list().filter(({ spec }) => spec?.color === color)));
          }
        }
        expect(failures).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it('shows a whole list to whoever is told of any of its changes, indexes included', () => {
    const lists = fc.array(fc.uniqueArray(object, { selector: (each) => each.metadata.name, maxLength: 3 }), { maxLength: 8 });
    fc.assert(
      fc.property(lists, (all) => {
        const failures: unknown[] = [];
        const store = storeOf(failures, COLOR);
        let wanted: readonly Thing[] = [];
        store.subscribe(() => {
          expect(byName(store.list())).toEqual(byName(wanted));
          const indexed = [...store.byIndex('color', 'red'), ...store.byIndex('color', 'blue')];
          expect(byName(indexed)).toEqual(byName(wanted));
        });
        for (wanted of all) store.replace(wanted);
        expect(failures).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it('never takes a deleted object back from a line that is not newer than its deletion, until a list says otherwise', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const store = storeOf([]);
        const goneAt = new Map<string, number>();
        for (const each of steps) {
          if (each.op === 'replace') {
            goneAt.clear();
            store.replace(each.objects);
            continue;
          }
          const before = store.get(keyOf(each.object));
          store[each.op](each.object);
          const { uid = '', resourceVersion } = each.object.metadata;
          if (each.op === 'remove') goneAt.set(uid, Number(resourceVersion));
          const there = store.get(keyOf(each.object));
          const stale = there?.metadata.uid === uid && Number(resourceVersion) <= (goneAt.get(uid) ?? -1);
          if (each.op === 'apply' && stale) expect(there).toBe(before);
        }
      }),
      { numRuns: 300 },
    );
  });
});
