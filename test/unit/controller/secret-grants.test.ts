import { describe, expect, it } from '@jest/globals';
import { aPage, aWorld, SHOP, type World } from './support/world.js';

async function settled(world: World): Promise<World> {
  await world.settle();
  await world.advance(6_000, 2_000);
  return world;
}

describe('a Secret that another role of the operator may not read', () => {
  it('is told with the Role that is missing, keeps the claim, and is asked about again without a change', async () => {
    const world = await settled(aWorld());
    world.refusedReads.add('pages-api bots/shop');
    world.pageQueue.add(SHOP);
    await world.settle();
    expect(world.ready()).toBe('False/SecretNotReadable');
    expect(world.pages.require(SHOP).status?.claim?.state).toBe('Held');

    world.refusedReads.clear();
    await world.advance(31_000);

    expect(world.ready()).toBe('True');
  });

  it('makes the page not Routable where the webhook may not read the signing Secret', async () => {
    const world = aWorld({ page: aPage({ backend: { url: 'https://b.example.com', signingSecretRef: { name: 'signing' } } }) });
    world.secrets.put('bots/signing', { appSecret: 'signing-secret' });
    world.refusedReads.add('webhook bots/signing');
    await settled(world);

    expect(world.condition('Routable')).toMatchObject({ status: 'False', reason: 'SigningSecretNotFound' });
    expect(world.condition('Routable')?.message).toContain(
      'the webhook may not read Secret bots/signing: give the ServiceAccount op:webhook a Role in bots',
    );
  });

  it('writes no status again while the same Role is missing, and asks less often after ten minutes', async () => {
    const world = aWorld();
    world.refusedReads.add('webhook bots/main');
    await settled(world);
    await world.advance(3 * 60_000);
    const writes = world.apps.statusWrites.length;

    await world.advance(3_600_000, 10_000);
    expect(world.apps.statusWrites).toHaveLength(writes);
    world.refusedReads.clear();
    await world.advance(5 * 60_000, 10_000);

    expect(world.appReady()).toBe('True');
    expect(world.ready()).toBe('True');
  });
});
