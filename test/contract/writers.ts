import { describe, expect, it } from '@jest/globals';
import { PAGES } from '../../src/api/kinds.js';
import { UNSUBSCRIBE_FINALIZER } from '../../src/api/v1alpha1/constants.js';
import type { MessengerPage, MessengerPageStatus } from '../../src/api/v1alpha1/types.gen.js';
import { StaleReadError } from '../../src/core/domain/errors.js';
import { RFC3339, SIGNAL, type Bench } from './bench.js';
import { freshName, NAMESPACE, page } from './manifests.js';
import { Told } from './world.js';

/** What the leader writes. */
export function writerContract(bench: Bench): void {
  const { get, seen, gone, made } = bench;

  describe('status', () => {
    const status: MessengerPageStatus = { observedGeneration: 1, pageName: 'Clinic', subscribedFields: ['messages'] };

    it('is written whole, and changes neither spec nor generation', async () => {
      const before = await made(page(freshName(), { suspend: true }));
      const { name } = before.metadata;
      await bench.cluster.kind(PAGES).status.write(before, status, SIGNAL);
      const first = await seen(name, (one) => one.status?.pageName === 'Clinic');
      expect(first).toMatchObject({ spec: before.spec, metadata: { generation: 1, uid: before.metadata.uid } });
      expect(first.status).toEqual(status);

      await bench.cluster.kind(PAGES).status.write(first, { observedGeneration: 1, pageName: 'Other' }, SIGNAL);
      expect((await seen(name, (one) => one.status?.pageName === 'Other')).status).toEqual({ observedGeneration: 1, pageName: 'Other' });
    });

    it('outlives a change of the spec', async () => {
      const before = await made(page(freshName()));
      await bench.cluster.kind(PAGES).status.write(before, status, SIGNAL);
      await bench.world.apply(page(before.metadata.name, { suspend: true }));
      const after = await seen(before.metadata.name, ({ spec }) => spec.suspend === true);
      expect(after.status).toEqual(status);
      expect(after.metadata.generation).toBe(2);
    });

    it('is not written when it is the same', async () => {
      const before = await made(page(freshName()));
      await bench.cluster.kind(PAGES).status.write(before, status, SIGNAL);
      const written = await seen(before.metadata.name, (one) => one.status?.pageName === 'Clinic');
      const told = new Told(bench.cluster.kind(PAGES).informer, before.metadata.name);
      await bench.cluster.kind(PAGES).status.write(written, { ...status }, SIGNAL);
      await made(page(freshName()));
      expect(told.changes).toEqual([]);
    });

    it('is never written to an object that was replaced, or is gone', async () => {
      const manifest = page(freshName());
      const old = await made(manifest);
      await bench.world.remove(manifest);
      await gone(old.metadata.name);
      await expect(bench.cluster.kind(PAGES).status.write(old, status, SIGNAL)).rejects.toBeInstanceOf(StaleReadError);
      await made(manifest);
      await expect(bench.cluster.kind(PAGES).status.write(old, status, SIGNAL)).rejects.toBeInstanceOf(StaleReadError);
      expect(get(old.metadata.name)?.status).toEqual({ observedGeneration: -1 });
    });
  });

  describe('finalizers', () => {
    const add = (one: MessengerPage, finalizer = UNSUBSCRIBE_FINALIZER): Promise<MessengerPage> =>
      bench.cluster.kind(PAGES).finalizers.add(one, finalizer, SIGNAL);
    const remove = (one: MessengerPage, finalizer = UNSUBSCRIBE_FINALIZER): Promise<void> =>
      bench.cluster.kind(PAGES).finalizers.remove(one, finalizer, SIGNAL);

    it('keep an object that is being deleted, with its spec, until the last one is gone', async () => {
      const manifest = page(freshName(), { suspend: true });
      const { name } = (await made(manifest)).metadata;
      const added = await add(await seen(name));
      expect(added.metadata.finalizers).toEqual([UNSUBSCRIBE_FINALIZER]);
      await add(added, 'example.com/other');

      await bench.world.remove(manifest);
      const deleting = await seen(name, ({ metadata }) => metadata.deletionTimestamp !== undefined);
      expect(deleting).toMatchObject({
        spec: { suspend: true },
        metadata: { uid: added.metadata.uid, generation: 2, deletionTimestamp: expect.stringMatching(RFC3339) },
      });
      await remove(deleting);
      expect((await seen(name, ({ metadata }) => metadata.finalizers?.length === 1)).metadata.finalizers).toEqual(['example.com/other']);
      await remove(deleting, 'example.com/other');
      await gone(name);
    });

    it('are not added twice, and removing what is not there is fine', async () => {
      const before = await made(page(freshName()));
      const first = await add(before);
      expect((await add(first)).metadata.resourceVersion).toBe(first.metadata.resourceVersion);
      await remove(first);
      await remove(first);
      expect((await seen(before.metadata.name, ({ metadata }) => metadata.finalizers === undefined)).metadata.generation).toBe(1);
    });

    it('are not added to an object that is being deleted, was replaced, or is gone', async () => {
      const manifest = page(freshName());
      const old = await made(manifest);
      await add(old, 'example.com/other');
      await bench.world.remove(manifest);
      const deleting = await seen(old.metadata.name, ({ metadata }) => metadata.deletionTimestamp !== undefined);
      await expect(add(deleting)).rejects.toBeInstanceOf(StaleReadError);
      await remove(deleting, 'example.com/other');
      await gone(old.metadata.name);
      await expect(add(deleting)).rejects.toBeInstanceOf(StaleReadError);
      await remove(deleting);
    });

    it('let status be written while the object is being deleted', async () => {
      const manifest = page(freshName());
      await add(await made(manifest));
      await bench.world.remove(manifest);
      const { name } = manifest.metadata;
      const deleting = await seen(name, ({ metadata }) => metadata.deletionTimestamp !== undefined);
      await bench.cluster.kind(PAGES).status.write(deleting, { observedGeneration: 2, pageName: 'leaving' }, SIGNAL);
      await remove(await seen(name, (one) => one.status?.pageName === 'leaving'));
      await gone(name);
    });
  });

  describe('a live read', () => {
    it('has the object as it is, and says when it is gone', async () => {
      const manifest = page(freshName());
      const { name, uid } = (await made(manifest)).metadata;
      const key = { namespace: NAMESPACE, name };
      expect((await bench.cluster.kind(PAGES).live.get(key, SIGNAL))?.metadata.uid).toBe(uid);
      await bench.world.remove(manifest);
      await gone(name);
      expect(await bench.cluster.kind(PAGES).live.get(key, SIGNAL)).toBeUndefined();
    });
  });

  it('takes Events without waiting', async () => {
    const found = await made(page(freshName()));
    bench.cluster.events.record(found, { type: 'Normal', reason: 'Tested', action: 'Test', note: 'it works' });
  });
}
