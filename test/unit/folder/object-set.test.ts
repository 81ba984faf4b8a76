import { describe, expect, it } from '@jest/globals';
import type { KubeObject } from '../../../src/api/meta.js';
import { StaleReadError } from '../../../src/core/domain/errors.js';
import { ObjectSet } from '../../../src/folder/object-set.js';
import type { StoredObject } from '../../../src/folder/state-folder.js';
import { Store } from '../../../src/runtime/store.js';
import { FakeClock } from '../../support/fake-clock.js';

const META = { name: 'a', namespace: 'bots', labels: {}, annotations: {} };
const KEY = { namespace: 'bots', name: 'a' };

function setUp(kept: readonly StoredObject[] = []) {
  const clock = new FakeClock();
  const store = new Store<KubeObject>({ clock });
  const disk = new Map(kept.map((object) => [object.metadata.name, object]));
  const keeper = {
    full: false,
    load: () => [...disk.values()],
    save: (object: StoredObject) => {
      if (keeper.full) throw new Error('ENOSPC');
      disk.set(object.metadata.name, object);
    },
    drop: ({ name }: { readonly name: string }) => {
      disk.delete(name);
    },
  };
  let version = 0;
  const nextVersion = (): string => String(++version);
  const set = new ObjectSet({
    apiVersion: 'g/v1',
    kind: 'Thing',
    clock,
    sink: store,
    nextVersion,
    keeper,
    initialStatus: { observedGeneration: -1 },
  });
  const told: string[] = [];
  store.subscribe(({ type, object }) => told.push(`${type} ${object.metadata.name}`));
  set.publish();
  const get = (): StoredObject => {
    const object = set.get(KEY);
    if (object === undefined) throw new Error('not there');
    return object;
  };
  return { clock, store, disk, keeper, set, told, get };
}

describe('ObjectSet', () => {
  it('makes an object as the API server does', () => {
    const { set, store, disk } = setUp();

    set.apply({ ...META, labels: { team: 'x' } }, { spec: { n: 1 } });

    expect(store.get(KEY)).toEqual({
      apiVersion: 'g/v1',
      kind: 'Thing',
      metadata: {
        name: 'a',
        namespace: 'bots',
        uid: expect.stringMatching(/^[0-9a-f-]{36}$/),
        generation: 1,
        resourceVersion: expect.stringMatching(/^\d+$/),
        creationTimestamp: '2026-11-23T00:00:00Z',
        labels: { team: 'x' },
      },
      spec: { n: 1 },
      status: { observedGeneration: -1 },
    });
    expect(disk.get('a')).toEqual(store.get(KEY));
  });

  it('counts the generation up for the spec alone, and says nothing when nothing changed', () => {
    const { set, told, get } = setUp();
    set.apply(META, { spec: { n: 1 } });
    set.apply(META, { spec: { n: 1 } });
    expect(told).toEqual(['added a']);

    set.apply({ ...META, annotations: { x: 'y' } }, { spec: { n: 1 } });
    expect(get().metadata).toMatchObject({ generation: 1, annotations: { x: 'y' } });
    set.apply(META, { spec: { n: 2 } });
    expect(get().metadata).toMatchObject({ generation: 2 });
    expect(get().metadata.annotations).toBeUndefined();
    expect(told).toEqual(['added a', 'updated a', 'updated a']);
  });

  it('keeps the status over a change of the spec, and the uid over a restart', () => {
    const { set, get, disk } = setUp();
    set.apply(META, { spec: { n: 1 } });
    set.writeStatus(get(), { seen: true });
    set.apply(META, { spec: { n: 2 } });
    expect(get().status).toEqual({ seen: true });

    const restarted = setUp([...disk.values()]);
    restarted.set.apply(META, { spec: { n: 2 } });
    expect(restarted.get().metadata).toMatchObject({ uid: get().metadata.uid, generation: 2 });
    expect(restarted.told).toEqual(['added a']);
  });

  it('keeps an object with finalizers until the last one is gone', () => {
    const { set, get, told, disk } = setUp();
    set.apply(META, { spec: { n: 1 } });
    set.addFinalizer(get(), 'ours');
    set.addFinalizer(get(), 'theirs');

    set.remove(KEY);
    expect(get().metadata).toMatchObject({ deletionTimestamp: '2026-11-23T00:00:00Z', generation: 2, finalizers: ['ours', 'theirs'] });
    set.removeFinalizer(get(), 'ours');
    expect(get().metadata.finalizers).toEqual(['theirs']);
    set.removeFinalizer(get(), 'theirs');

    expect(set.get(KEY)).toBeUndefined();
    expect(disk.size).toBe(0);
    expect(told.at(-1)).toBe('deleted a');
  });

  it('removes an object without finalizers at once', () => {
    const { set, store } = setUp();
    set.apply(META, { spec: {} });
    set.remove(KEY);
    expect(store.list()).toEqual([]);
  });

  it('does not take in a manifest for an object that is being deleted, and makes a new one after that', () => {
    const { set, get } = setUp();
    set.apply(META, { spec: { n: 1 } });
    const { uid } = get().metadata;
    set.addFinalizer(get(), 'ours');
    set.remove(KEY);
    set.apply(META, { spec: { n: 2 } });
    expect(get().spec).toEqual({ n: 1 });

    set.removeFinalizer(get(), 'ours');
    set.apply(META, { spec: { n: 2 } });
    expect(get().metadata.uid).not.toBe(uid);
    expect(get().metadata.generation).toBe(1);
  });

  it('refuses to write to an object that was replaced meanwhile', () => {
    const { set, get } = setUp();
    set.apply(META, { spec: {} });
    const old = get();
    set.remove(KEY);
    set.apply(META, { spec: {} });

    expect(() => {
      set.writeStatus(old, {});
    }).toThrow(StaleReadError);
    expect(() => set.addFinalizer(old, 'ours')).toThrow(StaleReadError);
    set.removeFinalizer(old, 'ours');
  });

  it('refuses a finalizer on an object that is being deleted', () => {
    const { set, get } = setUp();
    set.apply(META, { spec: {} });
    set.addFinalizer(get(), 'ours');
    set.remove(KEY);
    expect(() => set.addFinalizer(get(), 'late')).toThrow(StaleReadError);
  });

  it('tells the store nothing that the disk did not take', () => {
    const { set, get, keeper, told } = setUp();
    set.apply(META, { spec: { n: 1 } });
    keeper.full = true;

    expect(() => {
      set.apply(META, { spec: { n: 2 } });
    }).toThrow('ENOSPC');
    expect(get().spec).toEqual({ n: 1 });
    expect(told).toEqual(['added a']);
  });

  it('writes no status that is the same', () => {
    const { set, get, told } = setUp();
    set.apply(META, { spec: {} });
    set.writeStatus(get(), { observedGeneration: -1 });
    expect(told).toEqual(['added a']);
  });
});
