import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { KubeObject } from '../../../src/api/meta.js';
import { Store } from '../../../src/runtime/store.js';
import { FakeClock } from '../../support/fake-clock.js';
import { eventually } from '../../support/eventually.js';
import { list, object, ReflectorHarness } from './reflector-harness.js';
import { json, status, Stream } from './scripted-api.js';

const FORBIDDEN = status(403, 'Forbidden');

describe('Reflector without rights', () => {
  let h: ReflectorHarness;

  beforeEach(async () => {
    h = await ReflectorHarness.start({ namespace: 'bots' });
  });

  afterEach(async () => {
    await h.stop();
  });

  it('is not synced, says once a minute what it lacks, and goes on as soon as it is granted', async () => {
    h.api.otherwise(FORBIDDEN);
    h.run();
    await eventually(() => h.refused.length === 1);
    await h.clock.settle(110_000, () => h.logged.length === 2);

    expect(h.store.hasSynced()).toBe(false);
    expect(h.reflector.health).toMatchObject({ synced: false, forbidden: 'list' });
    expect(h.logged.map(({ level, message }) => `${level}: ${message}`)).toEqual(Array(2).fill('error: not allowed to follow the cluster'));
    expect(h.logged[0]?.fields).toMatchObject({ verb: 'list', resource: 'messengerpages.messenger-operator.dev', namespace: 'bots' });

    h.api.next(json(200, list('70', [object('a', '1')]))).otherwise(new Stream().answer);
    await h.clock.settle(20_000, () => h.store.hasSynced());
    expect(h.names()).toEqual(['a']);
    expect(h.refused).toEqual([true, false]);
    expect(h.reflector.health).toMatchObject({ synced: true, forbidden: undefined });
  });

  it('lets a new leader begin without a namespace that is refused, but not without the whole cluster', async () => {
    h.api.otherwise(FORBIDDEN);
    h.run();
    await eventually(() => h.refused.length === 1);
    const refreshed = h.reflector.refresh(h.abort.signal);
    await h.clock.settle(20_000, () => h.api.seen.length === 2);
    await refreshed;
    expect(h.store.refusedScopes).toBe(1);

    h = await h.with({});
    h.api.otherwise(FORBIDDEN);
    h.run();
    await eventually(() => h.refused.length === 1);
    let done = false;
    const waiting = h.reflector.refresh(h.abort.signal).then(
      () => (done = true),
      () => undefined,
    );
    await h.clock.settle(20_000, () => h.api.seen.length >= 2);
    expect(done).toBe(false);
    h.abort.abort();
    await waiting;
  });

  it('keeps what it has when a right is taken away, and lists when it is given back', async () => {
    const watch = new Stream();
    h.api.next(json(200, list('70', [object('a', '1')])), watch.answer).otherwise(FORBIDDEN);
    h.run();
    await h.requests(2);
    watch.send('BOOKMARK', { metadata: { resourceVersion: '71' } }).end();
    await eventually(() => h.refused.length === 1);
    expect(h.reflector.health).toMatchObject({ synced: true, forbidden: 'watch' });
    expect(h.names()).toEqual(['a']);

    h.api.next(json(200, list('80', [object('b', '75')]))).otherwise(new Stream().answer);
    await h.clock.settle(20_000, () => h.refused.length === 2);
    expect(h.names()).toEqual(['b']);
  });

  it('keeps trying while the kind is not served, as before its CRD is there', async () => {
    h.api.next(status(404, 'NotFound'), status(404, 'NotFound'), json(200, list('1', []))).otherwise(new Stream().answer);
    h.run();
    await h.clock.settle(10_000, () => h.store.hasSynced());
    expect(h.store.hasSynced()).toBe(true);
    expect(h.logged).toHaveLength(1);
    expect(h.reflector.health.problem).toBeUndefined();
  });
});

describe('Reflectors of several namespaces', () => {
  it('fill one store, each its own part, which is synced when all are', async () => {
    const store = new Store<KubeObject>({ clock: new FakeClock(), namespaces: ['bots', 'shop'] });
    const bots = await ReflectorHarness.start({ namespace: 'bots', store });
    const shop = await ReflectorHarness.start({ namespace: 'shop', store });
    const inShop = { metadata: { ...object('x', '5').metadata, namespace: 'shop' } };
    bots.api
      .next(json(200, list('70', [object('a', '1')])), status(410, 'Expired'), json(200, list('71', [])))
      .otherwise(new Stream().answer);
    shop.api.next(json(200, list('70', [inShop]))).otherwise(new Stream().answer);
    shop.run();
    await eventually(() => store.size === 1);
    expect(store.hasSynced()).toBe(false);
    bots.run();
    await bots.requests(4);
    expect(store.hasSynced()).toBe(true);
    expect(bots.names()).toEqual(['x']);
    await bots.stop();
    await shop.stop();
  });
});
