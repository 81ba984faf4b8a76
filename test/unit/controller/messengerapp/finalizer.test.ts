import { describe, expect, it } from '@jest/globals';
import { IN_USE_FINALIZER } from '../../../../src/api/v1alpha1/constants.js';
import { TransientError } from '../../../../src/core/domain/errors.js';
import { anApp, aPage, aSettledWorld, MAIN, SHOP, World } from '../support/world.js';

describe('the in-use finalizer', () => {
  const finalizers = (world: World) => world.apps.find(MAIN)?.metadata.finalizers ?? [];

  it('is on the app while a page refers to it, and off when none does', async () => {
    const world = await aSettledWorld();
    expect(finalizers(world)).toEqual([IN_USE_FINALIZER]);

    world.pages.delete(SHOP);
    await world.advance(5_000);

    expect(finalizers(world)).toEqual([]);
  });

  it('holds a deleted app until its pages are unsubscribed', async () => {
    const world = await aSettledWorld();
    world.apps.delete(MAIN);
    await world.settle();
    expect(world.apps.find(MAIN)).toBeDefined();

    world.pages.delete(SHOP);
    await world.settle();

    expect(world.apps.find(MAIN)).toBeUndefined();
  });

  it('holds it no longer than the deletion timeout', async () => {
    const world = await aSettledWorld();
    world.apps.delete(MAIN);

    await world.advance(590_000);
    expect(world.apps.find(MAIN)).toBeDefined();
    await world.advance(30_000);

    expect(world.apps.find(MAIN)).toBeUndefined();
  });

  it('is not put on for pages that the app does not let in', async () => {
    const world = new World();
    world.apps.create(anApp());
    world.pages.create(aPage({ appRef: MAIN }, { namespace: 'stranger' }));

    await world.settle();

    expect(finalizers(world)).toEqual([]);
    expect(world.apps.require(MAIN).status?.pages).toEqual({ total: 0, ready: 0 });
  });
});

describe('an app that cannot be looked at', () => {
  it('says so once, keeps all else, and says when it is over', async () => {
    const world = await aSettledWorld();
    const writes = world.apps.statusWrites.length;
    let n = 0;
    Object.defineProperty(world.graph, 'failWith', {
      value: { get: () => new TransientError('GraphUnavailable', `attempt ${n++}`) },
    });

    await world.advance(40 * 60_000, 30_000);

    expect(world.apps.statusWrites).toHaveLength(writes + 1);
    expect(world.appCondition('CredentialsValid')?.status).toBe('True');
    expect(world.appCondition('Subscribed')?.status).toBe('True');
    expect(world.appCondition('Reconciling')?.status).toBe('True');
  });
});
