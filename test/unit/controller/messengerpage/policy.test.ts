import { describe, expect, it } from '@jest/globals';
import { RECONCILE_AT_ANNOTATION } from '../../../../src/api/v1alpha1/constants.js';
import { anApp, aPage, aSettledWorld, aWorld, MAIN, SHOP } from '../support/world.js';

describe('a page that is not to be written to', () => {
  it.each([
    ['its managementPolicy is Observe', aWorld({ page: aPage({ managementPolicy: 'Observe' }) }), 'True'],
    ['the operator runs read-only', aWorld({ readOnly: true }), 'True'],
    ['its app is suspended', aWorld({ app: anApp({ suspend: true }) }), 'False/Suspended'],
  ])('is looked at and says what would change, but Graph is not written to, when %s', async (_why, world, ready) => {
    await world.settle();
    world.graph.setFields('1001', ['feed']);
    await world.reconcile();

    expect(world.graph.writes).toEqual([]);
    expect(world.condition('Subscribed')).toMatchObject({ status: 'False', reason: 'Observed' });
    expect(world.condition('Subscribed')?.message).toContain('would subscribe the page to messages, messaging_postbacks');
    expect(world.ready()).toBe(ready);
    expect(world.condition('Stalled')).toBeUndefined();
    expect(world.pages.require(SHOP).metadata.finalizers ?? []).toEqual([]);
    expect(world.pages.require(SHOP).status?.subscribedFields).toEqual(['feed']);
  });

  it('of a suspended app is Ready while nothing would have to be changed', async () => {
    const world = aWorld({ app: anApp({ suspend: true }) });
    world.graph.setFields('1001', ['messages', 'messaging_postbacks']);

    await world.settle();

    expect(world.ready()).toBe('True');
  });

  it('is repaired once its app is not suspended any more', async () => {
    const world = aWorld({ app: anApp({ suspend: true }) });
    await world.settle();

    world.apps.update(MAIN, (app) => ({ ...app, spec: { ...app.spec, suspend: false } }));
    await world.settle();

    expect(world.ready()).toBe('True');
  });

  it('is proven, and so routed, when it is suspended itself; nothing else is asked or written', async () => {
    const world = aWorld({ page: aPage({ suspend: true }) });

    await world.settle();

    expect(world.graph.count('inspect')).toBe(1);
    expect(world.graph.count('observe')).toBe(0);
    expect(world.graph.writes.filter((write) => write.includes('1001'))).toEqual([]);
    expect(world.pages.require(SHOP).status?.claim?.state).toBe('Held');
    expect(world.ready()).toBe('False/Suspended');
    expect(world.condition('Reconciling') ?? world.condition('Stalled')).toBeUndefined();
  });

  it('loses its claim with the consent even while it is suspended', async () => {
    const world = await aSettledWorld({ page: aPage({ suspend: true }) });

    world.apps.delete(MAIN);
    await world.advance(700_000);

    expect(world.apps.find(MAIN)).toBeUndefined();
    expect(world.pages.require(SHOP).status?.claim?.state).toBe('Refused');
  });

  it('is unsubscribed when it is deleted while suspended', async () => {
    const world = await aSettledWorld();
    world.pages.update(SHOP, (page) => ({ ...page, spec: { ...page.spec, suspend: true } }));
    await world.settle();

    world.pages.delete(SHOP);
    await world.settle();

    expect(world.graph.fieldsOf('1001')).toBeUndefined();
    expect(world.pages.find(SHOP)).toBeUndefined();
  });
});

describe('live before write', () => {
  it.each<[string, (world: ReturnType<typeof aWorld>) => void]>([
    ['its spec changed', (world) => world.pages.update(SHOP, (page) => ({ ...page, spec: { ...page.spec, subscribedFields: ['feed'] } }))],
    [
      'it is being deleted',
      (world) => {
        world.pages.delete(SHOP);
      },
    ],
    [
      'its claim went to another one',
      (world) =>
        world.pages.update(SHOP, (page) => ({
          ...page,
          status: { ...page.status, claim: { appId: '151', pageId: '1001', state: 'Waiting', epoch: 1 } },
        })),
    ],
    ['this process does not lead any more', (world) => (world.leading = false)],
  ])('writes nothing to Graph when, between the look and the write, %s', async (_what, change) => {
    const world = aWorld();
    await world.reconcileApp();
    world.pages.lagging = true;
    world.graph.after = (operation) => {
      if (operation === 'observe') {
        world.graph.after = () => undefined;
        change(world);
      }
    };

    await expect(world.reconcile()).rejects.toThrow();

    expect(world.graph.writes).toEqual([]);
  });

  it('does not judge from a status that the cache has not got yet', async () => {
    const world = aWorld();
    await world.reconcileApp();
    world.pages.lagging = true;
    await world.reconcile();

    await world.reconcile();

    expect(world.reasons()).toEqual(['Subscribed']);
    expect(world.pages.statusWrites).toHaveLength(2);
    world.pages.lagging = false;
    world.pages.deliver();
    await world.settle();
    expect(world.pages.statusWrites).toHaveLength(2);
  });
});

describe('the request to reconcile now', () => {
  const ask = (world: ReturnType<typeof aWorld>, annotations: Record<string, string>): void => {
    world.pages.update(SHOP, (page) => ({ ...page, metadata: { ...page.metadata, annotations } }));
  };
  const answered = (world: ReturnType<typeof aWorld>): string | undefined => world.pages.require(SHOP).status?.lastHandledReconcileAt;

  it('is carried out and answered', async () => {
    const world = await aSettledWorld();
    world.graph.setFields('1001', ['feed']);

    ask(world, { [RECONCILE_AT_ANNOTATION]: 'now' });
    await world.settle();

    expect(answered(world)).toBe('now');
    expect(world.graph.fieldsOf('1001')).toEqual(['messages', 'messaging_postbacks']);
  });

  it('may come from Flux, and ours wins', async () => {
    const world = await aSettledWorld();

    ask(world, { 'reconcile.fluxcd.io/requestedAt': 'flux' });
    await world.settle();
    expect(answered(world)).toBe('flux');
    ask(world, { 'reconcile.fluxcd.io/requestedAt': 'flux-2', [RECONCILE_AT_ANNOTATION]: 'ours' });
    await world.advance(11_000);

    expect(answered(world)).toBe('ours');
  });

  it('is answered once in ten seconds however often it is made', async () => {
    const world = await aSettledWorld();
    const looks = world.graph.count('observe');

    for (let i = 0; i < 20; i++) {
      ask(world, { [RECONCILE_AT_ANNOTATION]: String(i) });
      await world.settle();
    }
    expect(world.graph.count('observe') - looks).toBe(1);
    await world.advance(11_000);

    expect(world.graph.count('observe') - looks).toBe(2);
    expect(answered(world)).toBe('19');
  });
});

describe('what others change', () => {
  it('in the status is put right', async () => {
    const world = await aSettledWorld();
    const status = world.pages.require(SHOP).status;

    world.pages.update(SHOP, (page) => ({ ...page, status: { claim: { appId: '151', pageId: '1001', state: 'Waiting', epoch: 9 } } }));
    await world.settle();

    expect(world.pages.require(SHOP).status?.claim?.state).toBe('Held');
    expect(world.pages.require(SHOP).status?.conditions?.map(({ type }) => type)).toEqual(status?.conditions?.map(({ type }) => type));
  });

  it('at the finalizer is put right', async () => {
    const world = await aSettledWorld();

    world.pages.update(SHOP, (page) => ({ ...page, metadata: { ...page.metadata, finalizers: [] } }));
    await world.settle();

    expect(world.pages.require(SHOP).metadata.finalizers).toHaveLength(1);
  });
});
