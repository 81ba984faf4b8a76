import { describe, expect, it } from '@jest/globals';
import { UNSUBSCRIBE_FINALIZER } from '../../../../src/api/v1alpha1/constants.js';
import { anApp, aPage, aSettledWorld, aWorld, MAIN, SHOP } from '../support/world.js';

describe('MessengerPageReconciler', () => {
  it('brings a page from nothing to Ready: claim, finalizer, subscription, status', async () => {
    const world = aWorld();

    await world.settle();

    const page = world.pages.require(SHOP);
    expect(world.ready()).toBe('True');
    expect(world.graph.writes).toEqual(['POST 1001 messages,messaging_postbacks']);
    expect(page.metadata.finalizers).toEqual([UNSUBSCRIBE_FINALIZER]);
    expect(page.status).toMatchObject({
      observedGeneration: 1,
      claim: { appId: '151', pageId: '1001', state: 'Held', epoch: 1 },
      pageName: 'Page 1001',
      fieldsSummary: '2/2',
      subscribedFields: ['messages', 'messaging_postbacks'],
      effectiveFields: ['messages', 'messaging_postbacks'],
      effective: { deletionPolicy: 'Unsubscribe', backend: 'svc bots/bot:5000' },
      token: { type: 'PAGE', expires: 'never', scopes: ['pages_manage_metadata', 'pages_messaging'] },
      lastWriteTime: '2026-11-23T00:00:00Z',
    });
    expect(page.status?.token?.fingerprint).toMatch(/^[0-9a-f]{16}$/);
    expect(page.status?.conditions?.map(({ type }) => type)).toEqual([
      'Ready',
      'Accepted',
      'TokenValid',
      'Claimed',
      'Subscribed',
      'Routable',
    ]);
    expect(world.reasons()).toEqual(['Subscribed']);
  });

  it('needs one write for the claim, which comes before the subscription, and one for all the rest', async () => {
    const world = aWorld();
    const order: string[] = [];
    world.hook(
      () => undefined,
      (operation) => {
        if (['status', 'subscribe', 'finalizer'].includes(operation)) order.push(operation);
      },
    );
    await world.reconcileApp();
    order.length = 0;

    await world.reconcile();

    expect(order).toEqual(['status', 'finalizer', 'subscribe', 'status']);
  });

  it('writes nothing and tells nothing when run again on a page in its wanted state', async () => {
    const world = await aSettledWorld();
    const before = { statuses: world.pages.statusWrites.length, apps: world.apps.statusWrites.length, events: world.events.length };

    await world.reconcile();
    await world.reconcile();
    await world.advance(8 * 3_600_000);

    expect(world.graph.writes).toHaveLength(1);
    expect({ statuses: world.pages.statusWrites.length, apps: world.apps.statusWrites.length, events: world.events.length }).toEqual(
      before,
    );
    expect(world.errors).toEqual([]);
  });

  it('writes nothing and tells nothing after a restart either', async () => {
    const world = await aSettledWorld();
    const before = { statuses: world.pages.statusWrites.length, apps: world.apps.statusWrites.length, events: world.events.length };

    world.restart();
    await world.settle();
    await world.advance(3_600_000);

    expect(world.graph.writes).toHaveLength(1);
    expect({ statuses: world.pages.statusWrites.length, apps: world.apps.statusWrites.length, events: world.events.length }).toEqual(
      before,
    );
  });

  it('repairs drift that someone made by hand at Graph, and says what drifted', async () => {
    const world = await aSettledWorld();
    world.graph.setFields('1001', ['messages', 'feed']);

    await world.reconcile();

    expect(world.graph.fieldsOf('1001')).toEqual(['messages', 'messaging_postbacks']);
    expect(world.reasons()).toEqual(['Subscribed', 'DriftRepaired']);
    expect(world.note('DriftRepaired')).toContain('missing [messaging_postbacks], extra [feed]');
    expect(world.ready()).toBe('True');
  });

  it('finds that drift by itself within the interval', async () => {
    const world = await aSettledWorld();
    world.graph.setFields('1001', ['messages']);

    await world.advance(1_900_000);

    expect(world.graph.fieldsOf('1001')).toEqual(['messages', 'messaging_postbacks']);
  });

  it('follows an edited spec with one write, and says so as what it is', async () => {
    const world = await aSettledWorld();

    world.pages.update(SHOP, (page) => ({ ...page, spec: { ...page.spec, subscribedFields: ['messages'] } }));
    await world.settle();

    expect(world.graph.writes).toEqual(['POST 1001 messages,messaging_postbacks', 'POST 1001 messages']);
    expect(world.reasons()).toEqual(['Subscribed', 'Subscribed']);
    expect(world.pages.require(SHOP).status).toMatchObject({ observedGeneration: 2, fieldsSummary: '1/1' });
  });

  it('does not block the delete of a page whose token was revoked', async () => {
    const world = await aSettledWorld();
    world.graph.revoke('token-1');

    world.pages.delete(SHOP);
    await world.settle();

    expect(world.pages.find(SHOP)).toBeUndefined();
    expect(world.reasons()).toContain('LeftSubscribed');
    expect(world.leftSubscribed).toBe(1);
  });

  it('unsubscribes a deleted page and lets it go', async () => {
    const world = await aSettledWorld();

    world.pages.delete(SHOP);
    await world.settle();

    expect(world.graph.fieldsOf('1001')).toBeUndefined();
    expect(world.pages.find(SHOP)).toBeUndefined();
    expect(world.reasons()).toEqual(['Subscribed', 'Unsubscribed']);
  });

  it('waits for Graph to show what it took', async () => {
    const world = aWorld();
    await world.reconcileApp();
    world.graph.lagReads = 2;

    const pass = world.reconcile();
    await world.clock.advance(2_000);
    await pass;

    expect(world.graph.writes).toHaveLength(1);
    expect(world.ready()).toBe('True');
  });

  it('does not take a change for done that Graph never shows', async () => {
    const world = aWorld();
    await world.reconcileApp();
    world.graph.lagReads = 99;

    const pass = world.reconcile();
    const failed = expect(pass).rejects.toThrow('does not show them yet');
    await world.clock.advance(10_000);
    await failed;

    expect(world.ready()).toBeUndefined();
  });

  it('adopts a page that somebody had subscribed before, and says once what that means', async () => {
    const world = aWorld();
    world.graph.setFields('1001', ['messages', 'messaging_postbacks']);

    await world.settle();
    await world.reconcile();

    expect(world.graph.writes).toEqual([]);
    expect(world.reasons()).toEqual(['Adopted']);
    expect(world.note('Adopted')).toContain('deleting the object will unsubscribe it');
    expect(world.pages.require(SHOP).metadata.finalizers).toEqual([UNSUBSCRIBE_FINALIZER]);
    expect(world.ready()).toBe('True');
  });

  it('restores a row that vanished at once the first time, then less and less often', async () => {
    const world = await aSettledWorld();
    const writesAfterRemoval = async (): Promise<number> => {
      world.graph.setFields('1001', undefined);
      await world.reconcile();
      return world.graph.writes.length - 1;
    };

    expect(await writesAfterRemoval()).toBe(1);
    expect(world.reasons()).toContain('ResubscribedAfterRemoval');
    expect(await writesAfterRemoval()).toBe(1);
    expect(world.ready()).toBe('False/Contested');
    await world.clock.advance(60_000);
    expect(await writesAfterRemoval()).toBe(2);
    await world.clock.advance(60_000);
    expect(await writesAfterRemoval()).toBe(2);
    await world.clock.advance(60_000);
    expect(await writesAfterRemoval()).toBe(3);
  });

  it('stops no longer when its app gives it other fields', async () => {
    const page = aPage();
    const { subscribedFields, ...spec } = page.spec;
    const world = await aSettledWorld({
      app: anApp({ pageDefaults: { subscribedFields: subscribedFields ?? [] } }),
      page: { ...page, spec },
    });
    for (let change = 0; change < 5; change++) {
      world.graph.setFields('1001', ['feed']);
      await world.reconcile();
    }
    expect(world.ready()).toBe('False/Contested');

    world.apps.update(MAIN, (app) => ({ ...app, spec: { ...app.spec, pageDefaults: { subscribedFields: ['messages'] } } }));
    await world.settle();

    expect(world.graph.fieldsOf('1001')).toEqual(['messages']);
    expect(world.ready()).toBe('True');
  });

  it('stops for an hour after five foreign changes in half an hour, and then repairs once more', async () => {
    const world = await aSettledWorld();
    for (let change = 0; change < 5; change++) {
      world.graph.setFields('1001', ['feed']);
      await world.reconcile();
      await world.clock.advance(60_000);
    }

    expect(world.graph.writes).toHaveLength(5);
    expect(world.ready()).toBe('False/Contested');
    expect(world.condition('Stalled')?.reason).toBe('Contested');
    await world.clock.advance(3_600_000);
    await world.reconcile();
    expect(world.graph.fieldsOf('1001')).toEqual(['messages', 'messaging_postbacks']);
    expect(world.ready()).toBe('True');
  });

  it('ends a contest when the spec is changed', async () => {
    const world = await aSettledWorld();
    for (let change = 0; change < 5; change++) {
      world.graph.setFields('1001', ['feed']);
      await world.reconcile();
    }

    world.pages.update(SHOP, (page) => ({ ...page, spec: { ...page.spec, subscribedFields: ['messages'] } }));
    await world.reconcile();

    expect(world.graph.fieldsOf('1001')).toEqual(['messages']);
  });

  it('does nothing with a page of another class', async () => {
    const world = aWorld({ className: 'other' });

    await world.settle();

    expect(world.graph.calls).toEqual([]);
    expect(world.pages.require(SHOP).status).toBeUndefined();
  });
});
