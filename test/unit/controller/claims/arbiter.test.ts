import { describe, expect, it } from '@jest/globals';
import { anApp, aPage, aSettledWorld, MAIN, SHOP, World } from '../support/world.js';

const SECOND = { namespace: 'bots', name: 'second' };
const PLATFORM = { namespace: 'platform', name: 'main' };
const AWAY = { namespace: 'tenant', name: 'shop' };

const claimOf = (world: World, key = SHOP) => world.pages.require(key).status?.claim;
const holders = (world: World) =>
  world.pages.live.filter(({ status }) => status?.claim?.state === 'Held').map(({ metadata }) => metadata.name);

/** An app that all may use, with a page of another namespace. */
async function aTenant(selector?: Record<string, string>): Promise<World> {
  const world = new World();
  world.namespaces.apply({ metadata: { name: 'tenant', labels: { team: 'a' }, resourceVersion: '1' } });
  world.secrets.put('platform/main', { appSecret: 'app-secret', verifyToken: 'verify-me' });
  world.secrets.put('tenant/shop', { token: 'token-1' });
  world.secrets.put('tenant/signing', { appSecret: 'signing' });
  const allowedNamespaces =
    selector === undefined ? { from: 'All' as const } : { from: 'Selector' as const, selector: { matchLabels: selector } };
  world.apps.create(anApp({ allowedNamespaces }, PLATFORM));
  const backend = { url: 'https://bot.example.com', signingSecretRef: { name: 'signing' } };
  world.pages.create(aPage({ appRef: PLATFORM, backend }, AWAY));
  await world.settle();
  await world.advance(6_000);
  return world;
}

describe('the claim of a Page', () => {
  it('goes to the older of two pages that are applied together, whichever is looked at first', async () => {
    const world = new World();
    world.apps.create(anApp());
    world.pages.create(aPage({}, { creationTimestamp: '2026-11-22T00:00:00Z' }));
    world.pages.create(aPage({}, { name: 'second', creationTimestamp: '2026-11-21T00:00:00Z' }));
    await world.reconcileApp();

    await expect(world.reconcile(SHOP)).rejects.toThrow('has not been looked at yet');
    await world.reconcile(SECOND);
    await world.reconcile(SHOP);

    expect(holders(world)).toEqual(['second']);
    expect(claimOf(world)).toMatchObject({ state: 'Waiting', epoch: 0 });
  });

  it('does not wait for long for an older page that nobody looks at', async () => {
    const world = new World();
    world.apps.create(anApp());
    world.pages.create(aPage());
    world.pages.create(aPage({}, { name: 'second', creationTimestamp: '2026-01-01T00:00:00Z' }));
    await world.reconcileApp();

    await expect(world.reconcile(SHOP)).rejects.toThrow();
    await world.clock.advance(10_000);
    await world.reconcile(SHOP);

    expect(holders(world)).toEqual(['shop']);
  });

  it.each<[string, (world: World) => void]>([
    [
      'its token dies',
      (world) => {
        world.graph.revoke('token-1');
      },
    ],
    [
      'its Secret is gone',
      (world) => {
        world.secrets.drop('bots/shop');
      },
    ],
    ['Graph is down', (world) => world.graph.failWith.set('*', new Error('down'))],
  ])('stays with its holder through a restart although %s', async (_what, breakIt) => {
    const world = await aSettledWorld();
    world.secrets.put('bots/second', { token: 'token-2' });
    world.graph.addToken('token-2', '1001');
    world.pages.create(aPage({ accessTokenSecretRef: { name: 'second' } }, { name: 'second', creationTimestamp: '2026-01-01T00:00:00Z' }));
    breakIt(world);

    world.restart();
    await world.advance(120_000);

    expect(holders(world)).toEqual(['shop']);
  });

  it('goes to a proven claimant once the token of its holder has been dead for ten minutes', async () => {
    const world = await aSettledWorld();
    world.secrets.put('bots/second', { token: 'token-2' });
    world.graph.addToken('token-2', '1001');
    world.pages.create(aPage({ accessTokenSecretRef: { name: 'second' } }, { name: 'second' }));
    await world.settle();
    world.graph.revoke('token-1');
    await world.reconcile();

    await world.advance(570_000, 10_000);
    expect(holders(world)).toEqual(['shop']);
    await world.advance(60_000, 10_000);

    expect(claimOf(world, SECOND)).toMatchObject({ state: 'Held', epoch: 2 });
    expect(claimOf(world)).toMatchObject({ state: 'Waiting', epoch: 1 });
    expect(world.ready(SECOND)).toBe('True');
  });

  it('survives a wrong paste: the token of another Page alone stops no bot', async () => {
    const world = await aSettledWorld();
    world.graph.addToken('token-2', '2002');

    world.secrets.put('bots/shop', { token: 'token-2' });
    await world.settle();
    await world.advance(3_600_000, 60_000);

    expect(claimOf(world)).toMatchObject({ state: 'Held', epoch: 1 });
    expect(world.ready()).toBe('False/TokenWrongPage');
  });

  it('goes to a proven page after the token of another Page has been in the Secret for 10 minutes', async () => {
    const world = await aSettledWorld();
    world.graph.addToken('token-2', '2002');
    world.secrets.put('bots/second', { token: 'token-1' });
    world.pages.create(aPage({ accessTokenSecretRef: { name: 'second' } }, { name: 'second' }));
    world.secrets.put('bots/shop', { token: 'token-2' });
    await world.settle();
    await world.advance(540_000, 30_000);
    expect(holders(world)).toEqual(['shop']);

    await world.advance(120_000, 30_000);

    expect(holders(world)).toEqual(['second']);
    expect(claimOf(world)).toMatchObject({ state: 'Waiting', epoch: 1 });
  });

  describe('of a page whose Secret is not there yet', () => {
    const aPageWithoutSecret = (name: string, pageId: string, namespace = 'bots') =>
      aPage({ pageId, accessTokenSecretRef: { name: 'later' } }, { name, namespace });

    it('is undecided for two minutes, then it waits: its events are those of an unknown page', async () => {
      const world = new World();
      world.apps.create(anApp());
      world.pages.create(aPageWithoutSecret('shop', '1001'));
      await world.settle();
      await world.advance(115_000, 5_000);
      expect(claimOf(world)).toBeUndefined();

      await world.advance(10_000, 1_000);

      expect(claimOf(world)).toMatchObject({ state: 'Waiting', epoch: 0 });
    });

    it('is decided at once when the Secret comes', async () => {
      const world = new World();
      world.apps.create(anApp());
      world.pages.create(aPageWithoutSecret('shop', '1001'));
      await world.settle();
      world.secrets.put('bots/later', { token: 'token-1' });
      await world.settle();
      await world.advance(2_000);

      expect(claimOf(world)).toMatchObject({ state: 'Held', epoch: 1 });
    });

    it('does not become undecided again when the page is deleted and created anew', async () => {
      const world = new World();
      world.apps.create(anApp());
      world.pages.create(aPageWithoutSecret('shop', '1001'));
      await world.settle();
      await world.advance(125_000, 5_000);
      world.pages.delete(SHOP);
      await world.settle();
      world.pages.create(aPageWithoutSecret('shop', '1001'));
      await world.settle();
      await world.advance(1_000);

      expect(claimOf(world)).toMatchObject({ state: 'Waiting' });
    });

    it('is undecided for ten keys of a namespace at most', async () => {
      const world = new World();
      world.apps.create(anApp());
      for (let i = 0; i < 12; i++) world.pages.create(aPageWithoutSecret(`p${i}`, `20${i}`));
      await world.settle();
      await world.advance(1_000);

      const undecided = world.pages.live.filter(({ status }) => status?.claim === undefined);
      expect(undecided).toHaveLength(10);
    });
  });

  it('is free as soon as its holder is gone, and counts on', async () => {
    const world = await aSettledWorld({ page: aPage({ deletionPolicy: 'Retain' }) });
    world.pages.create(aPage({}, { name: 'second' }));
    await world.settle();
    world.pages.update(SHOP, (page) => ({ ...page, metadata: { ...page.metadata, finalizers: [] } }));

    world.pages.delete(SHOP);
    await world.settle();

    expect(claimOf(world, SECOND)).toMatchObject({ state: 'Held', epoch: 2 });
  });

  it('is written for the new holder before it is taken from the old one', async () => {
    const world = await aSettledWorld();
    world.pages.create(aPage({}, { name: 'second' }));
    await world.settle();
    const from = world.pages.statusWrites.length;

    world.pages.delete(SHOP);
    await world.settle();

    expect(world.pages.statusWrites.slice(from, from + 2)).toEqual(['second', 'shop']);
  });

  it('is not taken by a page whose token had died before its Secret went, whoever leads by then', async () => {
    const world = await aTenant();
    world.graph.revoke('token-1');
    await world.reconcile(AWAY);
    world.secrets.drop('tenant/shop');
    await world.advance(20 * 60_000);
    expect(world.ready(AWAY)).toBe('False/SecretNotFound');
    world.pages.update(AWAY, (page) => ({
      ...page,
      status: { ...page.status, claim: { appId: '151', pageId: '1001', state: 'Waiting', epoch: 0 } },
    }));

    world.restart();
    await world.advance(60_000);

    expect(claimOf(world, AWAY)).toMatchObject({ state: 'Waiting', epoch: 0 });
  });

  it('never names a holder of another namespace', async () => {
    const world = await aTenant();
    world.secrets.put('platform/shop', { token: 'token-1' });
    const own = { namespace: 'platform', name: 'own' };
    world.pages.create(aPage({ appRef: PLATFORM, accessTokenSecretRef: { name: 'shop' } }, own));
    await world.settle();

    expect(world.condition('Claimed', own)?.message).toContain('a MessengerPage of another namespace');
    expect(world.condition('Claimed', own)?.message).not.toContain('tenant');
  });

  it('is decided by what the server has, not by an old cache', async () => {
    const world = await aSettledWorld();
    world.pages.create(aPage({}, { name: 'second' }));
    world.pages.lagging = true;
    world.pages.delete(SHOP);
    await world.reconcile(SECOND);

    // The cache does not know of the deletion yet; the server does.
    expect(holders(world)).toEqual(['second']);
    world.pages.lagging = false;
    world.pages.deliver();
    await world.settle();
    expect(world.pages.find(SHOP)).toBeUndefined();
    expect(world.graph.writes).toHaveLength(1);
  });

  it('is judged anew when a write of it may not have arrived', async () => {
    const world = new World();
    world.apps.create(anApp());
    world.pages.create(aPage());
    await world.reconcileApp();
    world.pages.lagging = true;
    world.pages.after = (operation) => {
      if (operation === 'status') throw new Error('no answer');
    };
    await expect(world.reconcile()).rejects.toThrow('no answer');
    world.pages.after = () => undefined;

    await world.reconcile();

    expect(claimOf(world)).toMatchObject({ state: 'Held', epoch: 1 });
  });

  it('is no business of another class', async () => {
    const world = new World({ className: 'blue' });
    world.apps.create(anApp({ className: 'blue' }));
    world.pages.create(aPage());
    await world.settle();
    await world.advance(6_000);

    expect(claimOf(world)).toMatchObject({ state: 'Held', epoch: 1 });
  });
});

describe('consent across namespaces', () => {
  it('lets a proven page of another namespace hold its claim', async () => {
    const world = await aTenant();

    expect(world.ready(AWAY)).toBe('True');
    expect(claimOf(world, AWAY)).toMatchObject({ state: 'Held' });
  });

  it('is withdrawn live: the claim is refused and nothing is written to Graph any more', async () => {
    const world = await aTenant();
    const writes = world.graph.writes.length;

    world.apps.update(PLATFORM, (app) => ({ ...app, spec: { ...app.spec, allowedNamespaces: { from: 'Same' } } }));
    world.graph.setFields('1001', ['feed']);
    await world.settle();

    expect(claimOf(world, AWAY)).toMatchObject({ state: 'Refused', epoch: 1 });
    expect(world.ready(AWAY)).toBe('False/AppNotAllowed');
    expect(world.condition('Claimed', AWAY)).toBeUndefined();
    expect(world.graph.writes).toHaveLength(writes);
  });

  it('is given back live, with a new epoch', async () => {
    const world = await aTenant();
    world.apps.update(PLATFORM, (app) => ({ ...app, spec: { ...app.spec, allowedNamespaces: { from: 'Same' } } }));
    await world.settle();

    world.apps.update(PLATFORM, (app) => ({ ...app, spec: { ...app.spec, allowedNamespaces: { from: 'All' } } }));
    await world.settle();

    expect(claimOf(world, AWAY)).toMatchObject({ state: 'Held', epoch: 2 });
    expect(world.ready(AWAY)).toBe('True');
  });

  it('follows the labels of the namespace', async () => {
    const world = await aTenant({ team: 'a' });
    expect(world.ready(AWAY)).toBe('True');

    world.namespaces.apply({ metadata: { name: 'tenant', labels: { team: 'b' }, resourceVersion: '2' } });
    await world.settle();

    expect(claimOf(world, AWAY)).toMatchObject({ state: 'Refused' });
  });

  it('says where the labels cannot be read', async () => {
    const world = new World({ withoutNamespaces: true });
    world.apps.create(anApp({ allowedNamespaces: { from: 'Selector', selector: { matchLabels: { team: 'a' } } } }, PLATFORM));
    world.pages.create(aPage({ appRef: PLATFORM }, AWAY));

    await world.settle();

    expect(world.condition('Accepted', AWAY)?.message).toContain('SelectorUnsupported');
  });

  it('ends with the app: the claim is refused when it is gone', async () => {
    const world = await aSettledWorld();
    world.apps.update(MAIN, (app) => ({ ...app, metadata: { ...app.metadata, finalizers: [] } }));

    world.apps.delete(MAIN);
    await world.settle();

    expect(claimOf(world)).toMatchObject({ state: 'Refused', epoch: 1 });
    expect(world.ready()).toBe('False/AppNotFound');
  });
});
