import { describe, expect, it } from '@jest/globals';
import { AppCredentialError } from '../../../src/core/domain/errors.js';
import { anApp, aPage, aSettledWorld, aWorld, MAIN, SHOP, type World } from './support/world.js';

/** Deleted and made anew before anybody looks: one pass sees both at once. */
function recreatePage(world: World): void {
  world.pages.update(SHOP, (page) => ({ ...page, metadata: { ...page.metadata, finalizers: [] } }));
  world.pages.delete(SHOP);
  world.pages.create(aPage());
}

describe('an object that is made anew under the same name', () => {
  it('begins without what was remembered of the old page, and the old one is counted no more', async () => {
    const world = aWorld();
    world.graph.addToken('token-1', '1001', { expiresAt: Math.floor(world.clock.nowMs() / 1_000) + 5 * 86_400 });
    await world.settle();
    const [before] = [...world.tokenEnds.keys()];
    expect(before).toBe(world.pages.require(SHOP).metadata.uid);

    recreatePage(world);
    await world.settle();

    expect([...world.tokenEnds]).toEqual([[world.pages.require(SHOP).metadata.uid, 7]]);
    expect(world.pages.require(SHOP).status?.claim).toMatchObject({ state: 'Held', epoch: 2 });
    expect(world.ready()).toBe('True');
  });

  it('is not parked for what Graph said about the app before', async () => {
    const world = await aSettledWorld();
    world.graph.failWith.set('observe', new AppCredentialError('AppSecretInvalid', 'the proof is refused'));
    await world.reconcile();
    world.graph.failWith.clear();
    world.apps.update(MAIN, (app) => ({ ...app, metadata: { ...app.metadata, finalizers: [] } }));
    world.apps.delete(MAIN);
    world.apps.create(anApp());
    world.graph.setFields('1001', ['feed']);

    await world.advance(30_000);

    expect(world.graph.fieldsOf('1001')).toEqual(['messages', 'messaging_postbacks']);
    expect(world.ready()).toBe('True');
  });
});
