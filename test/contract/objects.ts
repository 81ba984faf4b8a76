import { describe, expect, it } from '@jest/globals';
import { APPS, PAGES } from '../../src/api/kinds.js';
import { eventually } from '../support/eventually.js';
import { RFC3339, UUID, type Bench } from './bench.js';
import { app, freshName, NAMESPACE, page } from './manifests.js';
import { Told } from './world.js';

/** How objects come, change and go. */
export function objectContract(bench: Bench): void {
  const { get, seen, gone, made } = bench;

  describe('objects', () => {
    it('come with uid, generation, creationTimestamp and the status of an object that nobody has looked at', async () => {
      const found = await made(page(freshName(), { suspend: true }, { labels: { team: 'x' }, annotations: { note: 'y' } }));

      expect(found).toMatchObject({
        apiVersion: 'messenger-operator.dev/v1alpha1',
        kind: 'MessengerPage',
        metadata: {
          namespace: NAMESPACE,
          uid: expect.stringMatching(UUID),
          generation: 1,
          resourceVersion: expect.stringMatching(/^\d+$/),
          creationTimestamp: expect.stringMatching(RFC3339),
          labels: { team: 'x' },
          annotations: { note: 'y' },
        },
        spec: { suspend: true },
        status: { observedGeneration: -1 },
      });
      expect(found.metadata.finalizers).toBeUndefined();
      expect(found.metadata.deletionTimestamp).toBeUndefined();
      expect(Object.isFrozen(found.spec)).toBe(true);
    });

    it('keep their uid and count the generation up when the spec changes', async () => {
      const before = await made(page(freshName()));
      const { name, uid } = before.metadata;
      const told = new Told(bench.cluster.kind(PAGES).informer, name);

      await bench.world.apply(page(name, { suspend: true }));
      const after = await seen(name, ({ spec }) => spec.suspend === true);

      expect(after.metadata).toMatchObject({ uid, generation: 2, creationTimestamp: before.metadata.creationTimestamp });
      expect(told.changes).toEqual(['updated']);
    });

    it('keep their generation when only labels or annotations change', async () => {
      const { name } = (await made(page(freshName()))).metadata;
      await bench.world.apply(page(name, {}, { labels: { team: 'z' } }));
      expect((await seen(name, ({ metadata }) => metadata.labels?.['team'] === 'z')).metadata.generation).toBe(1);
    });

    it('lose a field that their manifest no longer has', async () => {
      const { name } = (await made(page(freshName(), { suspend: true }, { labels: { team: 'x' } }))).metadata;
      await bench.world.apply(page(name));
      const after = await seen(name, ({ spec }) => spec.suspend === undefined);
      expect(after.metadata.labels ?? {}).toEqual({});
    });

    it('stay as they are when their manifest is applied again', async () => {
      const before = await made(page(freshName(), { suspend: true }, { labels: { team: 'x' } }));
      const { name } = before.metadata;
      await bench.world.apply(page(name, { suspend: true }, { labels: { team: 'x' } }));
      await made(page(freshName()));
      // The API server may count the version up all the same: its own bookkeeping has changed.
      expect(get(name)).toEqual({ ...before, metadata: { ...before.metadata, resourceVersion: expect.any(String) } });
    });

    it('go at once without finalizers, and come back as others', async () => {
      const manifest = page(freshName());
      const { name, uid } = (await made(manifest)).metadata;
      const told = new Told(bench.cluster.kind(PAGES).informer, name);
      await bench.world.remove(manifest);
      await gone(name);
      const again = await made(manifest);

      expect(again.metadata.uid).not.toBe(uid);
      expect(again.metadata.generation).toBe(1);
      expect(told.changes).toEqual(['deleted', 'added']);
    });

    it('of both kinds are found by their indexes', async () => {
      const [pageName, appName] = [freshName(), freshName()];
      await made(page(pageName, { pageId: '77001', appRef: { name: appName } }));
      await bench.world.apply(app(appName, { appId: '77' }));
      await eventually(() => bench.cluster.kind(APPS).informer.get({ namespace: NAMESPACE, name: appName }));

      expect(
        bench.cluster
          .kind(PAGES)
          .informer.byIndex('pageId', '77001')
          .map(({ metadata }) => metadata.name),
      ).toEqual([pageName]);
      expect(bench.cluster.kind(PAGES).informer.byIndex('app', `${NAMESPACE}/${appName}`)).toHaveLength(1);
      expect(
        bench.cluster
          .kind(APPS)
          .informer.byIndex('appId', '77')
          .map(({ metadata }) => metadata.name),
      ).toEqual([appName]);
    });
  });

  describe('manifests that make no sense', () => {
    it.each<[string, Readonly<Record<string, unknown>>, string]>([
      ['a page id of letters', { pageId: 'clinic' }, 'pageId must be the numeric id of the Facebook Page'],
      ['service and url', { backend: { service: { name: 'bot', port: 1 }, url: 'https://a.example' } }, 'set service or url, not both'],
      ['no backend in a backend', { backend: {} }, 'backend needs a service'],
      ['an http url', { backend: { url: 'http://a.example' } }, 'url must be an https:// URL'],
      ['too short an interval', { interval: '10s' }, 'interval must be at least 5m'],
    ])('are refused, with words that mend it: %s', async (_, spec, words) => {
      const name = freshName();
      expect(await bench.world.apply(page(name, spec))).toContain(words);
      await made(page(freshName()));
      expect(get(name)).toBeUndefined();
    });

    it('leave the object as it was: what may not change', async () => {
      const { name } = (await made(page(freshName(), { pageId: '1' }))).metadata;
      expect(await bench.world.apply(page(name, { pageId: '2' }))).toContain('pageId cannot be changed');
      expect(get(name)).toMatchObject({ spec: { pageId: '1' }, metadata: { generation: 1 } });
    });
  });
}
