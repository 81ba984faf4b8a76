import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { UNSUBSCRIBE_FINALIZER } from '../../src/api/v1alpha1/constants.js';
import type { MessengerPage, MessengerPageStatus } from '../../src/api/v1alpha1/types.gen.js';
import type { Cluster } from '../../src/app/cluster.js';
import { StaleReadError } from '../../src/core/errors.js';
import type { DataState } from '../../src/runtime/ports.js';
import { eventually } from '../support/eventually.js';
import { Told, type Manifest, type World } from './world.js';

const NAMESPACE = 'contract';
const SIGNAL = new AbortController().signal;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const RFC3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;

let names = 0;
const freshName = (): string => `object-${++names}`;

function page(name: string, spec: Readonly<Record<string, unknown>> = {}, metadata: Readonly<Record<string, unknown>> = {}): Manifest {
  return {
    apiVersion: 'messenger-operator.dev/v1alpha1',
    kind: 'MessengerPage',
    metadata: { name, namespace: NAMESPACE, ...metadata },
    spec: { pageId: '1001', appRef: { name: 'main' }, accessTokenSecretRef: { name }, ...spec },
  };
}

function app(name: string, spec: Readonly<Record<string, unknown>> = {}): Manifest {
  return {
    apiVersion: 'messenger-operator.dev/v1alpha1',
    kind: 'MessengerApp',
    metadata: { name, namespace: NAMESPACE },
    spec: { appId: '42', appSecretRef: { name }, verifyTokenRef: { name }, ...spec },
  };
}

const secret = (name: string, stringData: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>> = {}): Manifest => ({
  apiVersion: 'v1',
  kind: 'Secret',
  type: 'Opaque',
  metadata: { name, namespace: NAMESPACE, ...(Object.keys(labels).length === 0 ? {} : { labels }) },
  stringData,
});

const textOf = (state: DataState | undefined, key: string): string | undefined =>
  state?.kind === 'present' ? Buffer.from(state.data.get(key) ?? []).toString() : state?.kind;

/** What the rest of the operator may rely on, wherever the objects live. */
export function contract(open: () => Promise<World>): void {
  let world: World;
  let cluster: Cluster;
  const get = (name: string): MessengerPage | undefined => cluster.pages.informer.get({ namespace: NAMESPACE, name });
  const seen = (name: string, holds: (page: MessengerPage) => boolean = () => true): Promise<MessengerPage> =>
    eventually(() => {
      const found = get(name);
      return found !== undefined && holds(found) ? found : undefined;
    });
  const gone = (name: string): Promise<true> => eventually(() => get(name) === undefined || undefined);
  const made = async (manifest: Manifest): Promise<MessengerPage> => {
    expect(await world.apply(manifest)).toBeUndefined();
    return seen(manifest.metadata.name);
  };

  beforeAll(async () => {
    world = await open();
    ({ cluster } = world);
  }, 120_000);
  afterAll(async () => {
    await world.stop();
  }, 60_000);

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
      const told = new Told(cluster.pages.informer, name);

      await world.apply(page(name, { suspend: true }));
      const after = await seen(name, ({ spec }) => spec.suspend === true);

      expect(after.metadata).toMatchObject({ uid, generation: 2, creationTimestamp: before.metadata.creationTimestamp });
      expect(told.changes).toEqual(['updated']);
    });

    it('keep their generation when only labels or annotations change', async () => {
      const { name } = (await made(page(freshName()))).metadata;
      await world.apply(page(name, {}, { labels: { team: 'z' } }));
      expect((await seen(name, ({ metadata }) => metadata.labels?.['team'] === 'z')).metadata.generation).toBe(1);
    });

    it('lose a field that their manifest no longer has', async () => {
      const { name } = (await made(page(freshName(), { suspend: true }, { labels: { team: 'x' } }))).metadata;
      await world.apply(page(name));
      const after = await seen(name, ({ spec }) => spec.suspend === undefined);
      expect(after.metadata.labels ?? {}).toEqual({});
    });

    it('are told of once when nothing changed', async () => {
      const { name } = (await made(page(freshName()))).metadata;
      const told = new Told(cluster.pages.informer, name);
      await world.apply(page(name));
      await made(page(freshName()));
      expect(told.changes).toEqual([]);
    });

    it('go at once without finalizers, and come back as others', async () => {
      const manifest = page(freshName());
      const { name, uid } = (await made(manifest)).metadata;
      const told = new Told(cluster.pages.informer, name);
      await world.remove(manifest);
      await gone(name);
      const again = await made(manifest);

      expect(again.metadata.uid).not.toBe(uid);
      expect(again.metadata.generation).toBe(1);
      expect(told.changes).toEqual(['deleted', 'added']);
    });

    it('of both kinds are found by their indexes', async () => {
      const [pageName, appName] = [freshName(), freshName()];
      await made(page(pageName, { pageId: '77001', appRef: { name: appName } }));
      await world.apply(app(appName, { appId: '77' }));
      await eventually(() => cluster.apps.informer.get({ namespace: NAMESPACE, name: appName }));

      expect(cluster.pages.informer.byIndex('pageId', '77001').map(({ metadata }) => metadata.name)).toEqual([pageName]);
      expect(cluster.pages.informer.byIndex('app', `${NAMESPACE}/${appName}`)).toHaveLength(1);
      expect(cluster.apps.informer.byIndex('appId', '77').map(({ metadata }) => metadata.name)).toEqual([appName]);
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
      expect(await world.apply(page(name, spec))).toContain(words);
      await made(page(freshName()));
      expect(get(name)).toBeUndefined();
    });

    it('leave the object as it was: what may not change', async () => {
      const { name } = (await made(page(freshName(), { pageId: '1' }))).metadata;
      expect(await world.apply(page(name, { pageId: '2' }))).toContain('pageId cannot be changed');
      expect(get(name)).toMatchObject({ spec: { pageId: '1' }, metadata: { generation: 1 } });
    });
  });

  describe('status', () => {
    const status: MessengerPageStatus = { observedGeneration: 1, pageName: 'Clinic', subscribedFields: ['messages'] };

    it('is written whole, and changes neither spec nor generation', async () => {
      const before = await made(page(freshName(), { suspend: true }));
      const { name } = before.metadata;
      await cluster.pages.status.write(before, status, SIGNAL);
      const first = await seen(name, (one) => one.status?.pageName === 'Clinic');
      expect(first).toMatchObject({ spec: before.spec, metadata: { generation: 1, uid: before.metadata.uid } });
      expect(first.status).toEqual(status);

      await cluster.pages.status.write(first, { observedGeneration: 1, pageName: 'Other' }, SIGNAL);
      expect((await seen(name, (one) => one.status?.pageName === 'Other')).status).toEqual({ observedGeneration: 1, pageName: 'Other' });
    });

    it('outlives a change of the spec', async () => {
      const before = await made(page(freshName()));
      await cluster.pages.status.write(before, status, SIGNAL);
      await world.apply(page(before.metadata.name, { suspend: true }));
      const after = await seen(before.metadata.name, ({ spec }) => spec.suspend === true);
      expect(after.status).toEqual(status);
      expect(after.metadata.generation).toBe(2);
    });

    it('is not written when it is the same', async () => {
      const before = await made(page(freshName()));
      await cluster.pages.status.write(before, status, SIGNAL);
      const written = await seen(before.metadata.name, (one) => one.status?.pageName === 'Clinic');
      const told = new Told(cluster.pages.informer, before.metadata.name);
      await cluster.pages.status.write(written, { ...status }, SIGNAL);
      await made(page(freshName()));
      expect(told.changes).toEqual([]);
    });

    it('is never written to an object that was replaced, or is gone', async () => {
      const manifest = page(freshName());
      const old = await made(manifest);
      await world.remove(manifest);
      await gone(old.metadata.name);
      await expect(cluster.pages.status.write(old, status, SIGNAL)).rejects.toBeInstanceOf(StaleReadError);
      await made(manifest);
      await expect(cluster.pages.status.write(old, status, SIGNAL)).rejects.toBeInstanceOf(StaleReadError);
      expect(get(old.metadata.name)?.status).toEqual({ observedGeneration: -1 });
    });
  });

  describe('finalizers', () => {
    const add = (one: MessengerPage, finalizer = UNSUBSCRIBE_FINALIZER): Promise<MessengerPage> =>
      cluster.pages.finalizers.add(one, finalizer, SIGNAL);
    const remove = (one: MessengerPage, finalizer = UNSUBSCRIBE_FINALIZER): Promise<void> =>
      cluster.pages.finalizers.remove(one, finalizer, SIGNAL);

    it('keep an object that is being deleted, with its spec, until the last one is gone', async () => {
      const manifest = page(freshName(), { suspend: true });
      const { name } = (await made(manifest)).metadata;
      const added = await add(await seen(name));
      expect(added.metadata.finalizers).toEqual([UNSUBSCRIBE_FINALIZER]);
      await add(added, 'example.com/other');

      await world.remove(manifest);
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
      await world.remove(manifest);
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
      await world.remove(manifest);
      const { name } = manifest.metadata;
      const deleting = await seen(name, ({ metadata }) => metadata.deletionTimestamp !== undefined);
      await cluster.pages.status.write(deleting, { observedGeneration: 2, pageName: 'leaving' }, SIGNAL);
      await remove(await seen(name, (one) => one.status?.pageName === 'leaving'));
      await gone(name);
    });
  });

  describe('a live read', () => {
    it('has the object as it is, and says when it is gone', async () => {
      const manifest = page(freshName());
      const { name, uid } = (await made(manifest)).metadata;
      const key = { namespace: NAMESPACE, name };
      expect((await cluster.pages.live.get(key, SIGNAL))?.metadata.uid).toBe(uid);
      await world.remove(manifest);
      await gone(name);
      expect(await cluster.pages.live.get(key, SIGNAL)).toBeUndefined();
    });
  });

  describe('Secrets', () => {
    const retained = (name: string): (() => DataState) => {
      cluster.secrets.retain(`test ${name}`, [{ namespace: NAMESPACE, name }]);
      return () => cluster.secrets.peek({ namespace: NAMESPACE, name });
    };

    it('are absent until they are there, and known within two seconds after that', async () => {
      const name = freshName();
      const peek = retained(name);
      await eventually(() => peek().kind === 'absent');
      await world.apply(secret(name, { token: 'one' }, { team: 'x' }));
      await eventually(() => textOf(peek(), 'token') === 'one', 2_000 + 2_000);
      expect(peek()).toMatchObject({
        kind: 'present',
        type: 'Opaque',
        labels: { team: 'x' },
        uid: expect.stringMatching(UUID),
        goneSinceMs: undefined,
      });
    });

    it('are told of when their value changes', async () => {
      const name = freshName();
      const peek = retained(name);
      const told: string[] = [];
      cluster.secrets.subscribe((key) => told.push(key.name));
      await world.apply(secret(name, { token: 'one' }));
      await eventually(() => textOf(peek(), 'token') === 'one');
      await world.apply(secret(name, { token: 'two' }));
      await eventually(() => textOf(peek(), 'token') === 'two');
      expect(told.filter((one) => one === name).length).toBeGreaterThanOrEqual(2);
    });

    it('keep their last value for a while after they are gone', async () => {
      const name = freshName();
      const peek = retained(name);
      await world.apply(secret(name, { token: 'one' }));
      await eventually(() => textOf(peek(), 'token') === 'one');
      await world.remove(secret(name, {}));
      await eventually(() => {
        const state = peek();
        return state.kind === 'present' && state.goneSinceMs !== undefined;
      });
      expect(textOf(peek(), 'token')).toBe('one');
    });

    it('can be read once without being retained', async () => {
      const name = freshName();
      await world.apply(secret(name, { token: 'once' }));
      await eventually(async () => textOf(await cluster.secrets.read({ namespace: NAMESPACE, name }, SIGNAL), 'token') === 'once');
      expect(cluster.secrets.peek({ namespace: NAMESPACE, name })).toEqual({ kind: 'unknown' });
    });
  });

  describe('ConfigMaps, Services and Namespaces', () => {
    it('are known as well', async () => {
      const name = freshName();
      const metadata = { name, namespace: NAMESPACE };
      cluster.configMaps?.retain('test', [metadata]);
      await world.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { config: '{}' } });
      await world.apply({ apiVersion: 'v1', kind: 'Service', metadata, spec: { ports: [{ name: 'http', port: 5000 }] } });

      await eventually(() => textOf(cluster.configMaps?.peek(metadata), 'config') === '{}');
      const service = await eventually(() => cluster.services?.get(metadata));
      expect(service.spec?.ports).toEqual([expect.objectContaining({ name: 'http', port: 5000 })]);
      const namespace = await eventually(() => cluster.namespaces?.get({ namespace: '', name: NAMESPACE }));
      expect(namespace.metadata.labels).toMatchObject({ 'kubernetes.io/metadata.name': NAMESPACE });
    });
  });

  it('lets the one that leads write, and takes Events without waiting', async () => {
    const stop = new AbortController();
    let wrote = false;
    await cluster.lead(async () => {
      cluster.fence.check();
      wrote = true;
      cluster.events.record(await made(page(freshName())), { type: 'Normal', reason: 'Tested', action: 'Test', note: 'it works' });
      stop.abort();
    }, stop.signal);
    expect(wrote).toBe(true);
  });
}
