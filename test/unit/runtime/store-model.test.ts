import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { keyOf, keyText } from '../../../src/core/object-key.js';
import { Store } from '../../../src/runtime/store.js';
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

/** What a subscriber that believes every change holds; fails on a change that does not fit what it holds. */
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
        const store = new Store<Thing>({ clock: new FakeClock(), indexes: { color: (each) => [each.spec?.color ?? ''] } });
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
      }),
      { numRuns: 300 },
    );
  });
});
