import { describe, expect, it } from '@jest/globals';
import type { KubeObject, ObjectMeta } from '../../../src/api/meta.js';
import type { StoreChange } from '../../../src/runtime/ports.js';
import {
  allOf,
  annotationChanged,
  anyOf,
  fieldChanged,
  deletionBegan,
  finalizerRemoved,
  generationChanged,
  labelsChanged,
  not,
  statusChangedByOthers,
  updatesWhere,
  type Predicate,
} from '../../../src/runtime/predicates.js';

interface Thing extends KubeObject {
  readonly spec?: { readonly secret: string };
  readonly status?: unknown;
}

const thing = (metadata: Partial<ObjectMeta>, rest: Partial<Thing> = {}): Thing => ({
  metadata: { name: 'a', uid: 'u1', generation: 1, ...metadata },
  ...rest,
});
const update = (previous: Thing, object: Thing): StoreChange<Thing> => ({ type: 'updated', previous, object });
type Row = readonly [name: string, want: boolean, predicate: Predicate<Thing>, ...versions: [before: Thing, after: Thing]];
const yes: Predicate<Thing> = () => true;
const no: Predicate<Thing> = not(yes);

describe('predicates', () => {
  it.each<Row>([
    ['a spec change', true, generationChanged(), thing({}), thing({ generation: 2 })],
    ['a status change is no spec change', false, generationChanged(), thing({}), thing({ resourceVersion: '2' }, { status: 1 })],
    ['an annotation added', true, annotationChanged('now'), thing({}), thing({ annotations: { now: '1' } })],
    ['an annotation removed', true, annotationChanged('other', 'now'), thing({ annotations: { now: '1' } }), thing({})],
    [
      'another annotation',
      false,
      annotationChanged('now'),
      thing({ annotations: { now: '1' } }),
      thing({ annotations: { now: '1', x: 'y' } }),
    ],
    ['a label changed', true, labelsChanged(), thing({ labels: { a: '1' } }), thing({ labels: { a: '2' } })],
    ['no labels and empty labels', false, labelsChanged(), thing({}), thing({ labels: {} })],
    ['deletion asked for', true, deletionBegan(), thing({}), thing({ deletionTimestamp: 'now' })],
    ['a finalizer removed', true, finalizerRemoved('x'), thing({ finalizers: ['x', 'y'] }), thing({ finalizers: ['y'] })],
    ['finalizers as they were', false, finalizerRemoved('x'), thing({ finalizers: ['x'] }), thing({ finalizers: ['x'], generation: 2 })],
    [
      'another secret',
      true,
      fieldChanged((o) => o.spec?.secret),
      thing({}, { spec: { secret: 'a' } }),
      thing({}, { spec: { secret: 'b' } }),
    ],
    ['the same secret', false, fieldChanged((o) => o.spec), thing({}, { spec: { secret: 'a' } }), thing({}, { spec: { secret: 'a' } })],
    ['a status of others', true, statusChangedByOthers(() => false), thing({}), thing({}, { status: 1 })],
    ['a status of our own', false, statusChangedByOthers(() => true), thing({}), thing({}, { status: 1 })],
    ['the same status', false, statusChangedByOthers(() => false), thing({}, { status: 1 }), thing({}, { status: 1 })],
    ['an update alone', true, updatesWhere(yes), thing({}), thing({})],
    ['one of two', true, anyOf(no, yes), thing({}), thing({})],
    ['not both', false, allOf(no, yes), thing({}), thing({})],
  ])('%s → %s', (...[, want, predicate, before, after]) => {
    expect(predicate(update(before, after))).toBe(want);
  });

  it('let additions and deletions through, turned round or not', () => {
    for (const predicate of [generationChanged<Thing>(), not(generationChanged<Thing>()), no]) {
      expect(predicate({ type: 'added', object: thing({}) })).toBe(true);
      expect(predicate({ type: 'deleted', object: thing({}) })).toBe(true);
      expect(updatesWhere(predicate)({ type: 'added', object: thing({}) })).toBe(false);
    }
  });
});
