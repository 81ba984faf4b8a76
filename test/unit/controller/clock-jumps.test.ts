import { describe, expect, it } from '@jest/globals';
import { TransientError } from '../../../src/core/domain/errors.js';
import { aPage, aSettledWorld, MAIN, SHOP, type World } from './support/world.js';

const DAY_MS = 86_400_000;
const DOWN = new TransientError('GraphUnavailable', 'Graph cannot be reached');
const holders = (world: World) =>
  world.pages.live.filter(({ status }) => status?.claim?.state === 'Held').map(({ metadata }) => metadata.name);

describe('a wall clock that jumps', () => {
  it('does not end the ten minutes that the holder of a claim has for a new token', async () => {
    const world = await aSettledWorld();
    world.secrets.put('bots/second', { token: 'token-2' });
    world.graph.addToken('token-2', '1001');
    world.pages.create(aPage({ accessTokenSecretRef: { name: 'second' } }, { name: 'second' }));
    await world.settle();
    world.graph.revoke('token-1');
    await world.reconcile();

    world.clock.jump(DAY_MS);
    await world.advance(120_000, 10_000);

    expect(holders(world)).toEqual(['shop']);
  });

  it.each([
    ['forward', DAY_MS],
    ['back', -DAY_MS],
  ])('%s does not change how long a deletion is tried for', async (_where, ms) => {
    const world = await aSettledWorld();
    world.graph.failWith.set('*', DOWN);
    world.pages.delete(SHOP);
    await world.settle();

    world.clock.jump(ms);
    await world.advance(590_000, 5_000);
    expect(world.pages.find(SHOP)).toBeDefined();
    await world.advance(30_000, 1_000);

    expect(world.pages.find(SHOP)).toBeUndefined();
    expect(world.reasons()).toContain('LeftSubscribed');
  });

  it('that is a day behind the one of the API server strands neither a page nor its app', async () => {
    const world = await aSettledWorld();
    world.graph.failWith.set('*', DOWN);
    world.pages.delete(SHOP);
    world.apps.delete(MAIN);
    world.clock.jump(-DAY_MS);
    await world.settle();

    await world.advance(620_000, 5_000);

    expect(world.pages.find(SHOP)).toBeUndefined();
    expect(world.apps.find(MAIN)).toBeUndefined();
  });
});
