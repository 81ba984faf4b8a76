import { describe, expect, it } from '@jest/globals';
import { AppCredentialError, RateLimitedError, TerminalError, TransientError } from '../../../../src/core/domain/errors.js';
import { anApp, aPage, aSettledWorld, aWorld, MAIN, SHOP, type World } from '../support/world.js';

const DOWN = new TransientError('GraphUnavailable', 'Graph cannot be reached');
const SECOND = { namespace: 'bots', name: 'second' };

async function deleted(world: World): Promise<World> {
  world.pages.delete(SHOP);
  await world.settle();
  return world;
}

const gone = (world: World): boolean => world.pages.find(SHOP) === undefined;
const deletes = (world: World): number => world.graph.writes.filter((write) => write.startsWith('DELETE')).length;

describe('the deletion of a page', () => {
  it('1: releases a page that turned to Observe, and leaves Graph alone', async () => {
    const world = await aSettledWorld();
    world.pages.update(SHOP, (page) => ({ ...page, spec: { ...page.spec, managementPolicy: 'Observe' } }));

    await deleted(world);

    expect(gone(world)).toBe(true);
    expect(deletes(world)).toBe(0);
    expect(world.reasons()).toEqual(['Subscribed']);
  });

  it('1: does not hold a page that never got its claim', async () => {
    const world = aWorld({ page: aPage({}, { finalizers: ['messenger-operator.dev/unsubscribe'] }) });
    world.graph.setFields('1001', ['messages']);

    await deleted(world);

    expect(gone(world)).toBe(true);
    expect(deletes(world)).toBe(0);
  });

  it.each([
    ['the page', aPage({ deletionPolicy: 'Retain' }), anApp()],
    ['its app', aPage(), anApp({ pageDefaults: { deletionPolicy: 'Retain' } })],
  ])('2: leaves the subscription where %s says Retain', async (_who, page, app) => {
    const world = await deleted(await aSettledWorld({ page, app }));

    expect(gone(world)).toBe(true);
    expect(world.graph.fieldsOf('1001')).toBeDefined();
    expect(world.reasons()).not.toContain('LeftSubscribed');
  });

  it('2: remembers that its app said Retain when the app is gone', async () => {
    const world = await aSettledWorld({ app: anApp({ pageDefaults: { deletionPolicy: 'Retain' } }) });
    world.apps.update(MAIN, (app) => ({ ...app, metadata: { ...app.metadata, finalizers: [] } }));
    world.apps.delete(MAIN);

    await deleted(world);

    expect(deletes(world)).toBe(0);
    expect(gone(world)).toBe(true);
  });

  it('3: hands the page over to a successor, without an unsubscribe in between', async () => {
    const world = await aSettledWorld();
    world.pages.create(aPage({}, { name: 'second' }));
    await world.settle();
    expect(world.ready(SECOND)).toBe('False/PageClaimed');

    await deleted(world);
    await world.settle();

    expect(gone(world)).toBe(true);
    expect(deletes(world)).toBe(0);
    expect(world.pages.require(SECOND).status?.claim).toMatchObject({ state: 'Held', epoch: 2 });
    expect(world.pages.require(SECOND).metadata.finalizers).toHaveLength(1);
    expect(world.ready(SECOND)).toBe('True');
  });

  it('3: never takes a page for a successor that is being deleted itself, whatever the cache says', async () => {
    const world = await aSettledWorld();
    world.pages.create(aPage({}, { name: 'second', finalizers: ['messenger-operator.dev/unsubscribe'] }));
    await world.settle();
    world.pages.delete(SHOP);
    world.pages.lagging = true;
    world.pages.delete(SECOND);

    await world.reconcile();

    expect(deletes(world)).toBe(1);
  });

  it('3: has given the successor the claim before the page is let go', async () => {
    const world = await aSettledWorld();
    world.pages.create(aPage({}, { name: 'second' }));
    await world.settle();
    world.pages.delete(SHOP);

    await world.reconcile(SHOP);

    expect(gone(world)).toBe(true);
    expect(world.pages.require(SECOND).status?.claim).toMatchObject({ state: 'Held', epoch: 2 });
  });

  it('3: unsubscribes when its successor is deleted before it has got the claim', async () => {
    const world = await aSettledWorld();
    world.pages.create(aPage({}, { name: 'second' }));
    await world.settle();
    world.pages.delete(SHOP);
    world.pages.lagging = true;
    world.pages.after = (operation) => {
      if (operation === 'finalizer' && world.pages.find(SECOND) !== undefined) world.pages.delete(SECOND);
    };

    await world.reconcile(SHOP);

    expect(deletes(world)).toBe(1);
    expect(world.pages.require(SECOND).status?.claim).toMatchObject({ state: 'Waiting' });
  });

  it('3: unsubscribes once when both are deleted together', async () => {
    const world = await aSettledWorld();
    world.pages.create(aPage({}, { name: 'second' }));
    await world.settle();

    world.pages.delete(SECOND);
    await deleted(world);

    expect(world.pages.live).toEqual([]);
    expect(deletes(world)).toBe(1);
  });

  it('4: releases a page that is not subscribed any more', async () => {
    const world = await aSettledWorld();
    world.graph.setFields('1001', undefined);

    await deleted(world);

    expect(gone(world)).toBe(true);
    expect(deletes(world)).toBe(0);
    expect(world.reasons()).not.toContain('LeftSubscribed');
  });

  it('5: unsubscribes though app, Secret and page went at once', async () => {
    const world = await aSettledWorld();

    world.secrets.drop('bots/shop');
    world.secrets.drop('bots/main');
    world.apps.delete(MAIN);
    await deleted(world);

    expect(deletes(world)).toBe(1);
    expect(gone(world)).toBe(true);
    expect(world.apps.find(MAIN)).toBeUndefined();
    expect(world.reasons()).toEqual(['Subscribed', 'Unsubscribed']);
  });

  it('says what it leaves, and leaves alone what is not its own, where its app was made anew with another id', async () => {
    const world = await aSettledWorld();
    world.leading = false;
    world.secrets.put('bots/shop', { token: 'token-2' });
    world.graph.addToken('token-2', '1001', { appId: '152' });
    world.graph.appSecrets.set('152', 'app-secret');
    world.apps.update(MAIN, (app) => ({ ...app, spec: { ...app.spec, appId: '152' } }));
    world.pages.delete(SHOP);
    world.leading = true;

    world.restart();
    await world.advance(700_000);

    expect(gone(world)).toBe(true);
    expect(deletes(world)).toBe(0);
    expect(world.reasons()).toContain('LeftSubscribed');
  });

  it('5: unsubscribes although the consent was withdrawn', async () => {
    const other = { namespace: 'platform', name: 'main' };
    const world = aWorld({
      page: aPage({ appRef: other, backend: { service: { name: 'bot', port: 5000 }, signingSecretRef: { name: 'signing' } } }),
    });
    world.secrets.put('bots/signing', { appSecret: 'of-its-own' });
    world.secrets.put('platform/main', { appSecret: 'app-secret', verifyToken: 'verify-me' });
    world.apps.delete(MAIN);
    world.apps.create(anApp({ allowedNamespaces: { from: 'All' }, requireSigningSecret: false }, other));
    await world.settle();
    await world.advance(6_000);
    expect(world.ready()).toBe('True');
    world.apps.update(other, (app) => ({ ...app, spec: { ...app.spec, allowedNamespaces: { from: 'Same' } } }));
    await world.settle();

    await deleted(world);

    expect(deletes(world)).toBe(1);
    expect(gone(world)).toBe(true);
  });

  it('5: uses the new token where the remembered one is dead', async () => {
    const world = await aSettledWorld();
    world.graph.revoke('token-1');
    world.graph.addToken('token-2', '1001');
    world.pages.lagging = true;
    world.secrets.put('bots/shop', { token: 'token-2' });
    world.pages.delete(SHOP);
    world.pages.lagging = false;
    world.pages.deliver();

    await world.settle();

    expect(deletes(world)).toBe(1);
    expect(world.reasons()).not.toContain('LeftSubscribed');
  });

  it('5: takes the word of Graph for it when the token ends with the subscription', async () => {
    const world = await aSettledWorld();
    world.graph.after = (operation) => {
      if (operation === 'unsubscribe') world.graph.revoke('token-1', 458);
    };

    await deleted(world);

    expect(gone(world)).toBe(true);
    expect(world.reasons()).toContain('Unsubscribed');
  });

  it.each<[string, (world: World) => void]>([
    [
      'the token is dead',
      (world) => {
        world.graph.revoke('token-1');
      },
    ],
    [
      'the permission is gone',
      (world) => world.graph.failWith.set('unsubscribe', new TerminalError('PermissionDenied', 'a permission is missing')),
    ],
    ['the app secret is refused', (world) => world.graph.failWith.set('*', new AppCredentialError('AppSecretInvalid', 'refused'))],
  ])('6: lets the page go at once and says what is left when %s', async (_what, breakIt) => {
    const world = await aSettledWorld();
    breakIt(world);

    await deleted(world);

    expect(gone(world)).toBe(true);
    expect(world.leftSubscribed).toBe(1);
    expect(world.note('LeftSubscribed')).toContain('Page 1001 may still be subscribed to app 151');
    expect(world.note('LeftSubscribed')).toContain('DELETE /1001/subscribed_apps');
  });

  it('6: says so when after a restart nobody remembers the credentials', async () => {
    const world = await aSettledWorld();
    world.pages.delete(SHOP);
    world.pageQueue.entries.clear();
    world.secrets.drop('bots/shop');
    world.restart();

    await world.settle();

    expect(gone(world)).toBe(true);
    expect(world.note('LeftSubscribed')).toContain('no credentials are known');
  });

  it('strands no page of a class whose app is gone and that nobody remembers', async () => {
    const world = await aSettledWorld({ className: 'blue', app: anApp({ className: 'blue' }) });
    world.graph.failWith.set('*', DOWN);
    await deleted(world);
    world.apps.update(MAIN, (app) => ({ ...app, metadata: { ...app.metadata, finalizers: [] } }));
    world.apps.delete(MAIN);
    world.restart();

    await world.advance(600_000, 10_000);
    expect(gone(world)).toBe(false);
    await world.advance(150_000, 10_000);

    expect(gone(world)).toBe(true);
    expect(world.reasons()).toContain('LeftSubscribed');
  });

  it('6: writes nothing to Graph for anyone when the operator is read-only, and says so', async () => {
    const world = aWorld({ readOnly: true, page: aPage({}, { finalizers: ['messenger-operator.dev/unsubscribe'] }) });
    world.graph.setFields('1001', ['messages', 'messaging_postbacks']);
    await world.settle();

    await deleted(world);

    expect(gone(world)).toBe(true);
    expect(world.graph.writes).toEqual([]);
    expect(world.reasons()).toContain('LeftSubscribed');
  });

  it.each<[string, Error]>([
    ['Graph is down', DOWN],
    ['Graph throttles', new RateLimitedError('limit', 3_600_000)],
  ])('7: goes on trying while %s, until the deletion timeout', async (_what, error) => {
    const world = await aSettledWorld();
    world.graph.failWith.set('*', error);

    await deleted(world);
    await world.advance(590_000, 5_000);
    expect(gone(world)).toBe(false);
    expect(deletes(world)).toBe(0);
    await world.advance(20_000, 1_000);

    expect(gone(world)).toBe(true);
    expect(world.reasons()).toContain('LeftSubscribed');
    expect(world.graph.count('observe')).toBeLessThan(20);
  });

  it('7: unsubscribes as soon as Graph is back', async () => {
    const world = await aSettledWorld();
    world.graph.failWith.set('*', DOWN);
    await deleted(world);
    await world.advance(120_000, 5_000);

    world.graph.failWith.clear();
    await world.advance(61_000, 1_000);

    expect(gone(world)).toBe(true);
    expect(deletes(world)).toBe(1);
    expect(world.reasons()).not.toContain('LeftSubscribed');
  });

  it('7: gives a leader that comes late its own minute and three attempts', async () => {
    const world = await aSettledWorld();
    world.graph.failWith.set('*', DOWN);
    world.pages.delete(SHOP);
    world.pageQueue.entries.clear();
    await world.clock.advance(3_600_000);
    world.restart();

    await world.settle();
    await world.advance(50_000, 1_000);
    expect(gone(world)).toBe(false);
    world.graph.failWith.clear();
    await world.advance(61_000, 1_000);

    expect(deletes(world)).toBe(1);
  });

  it('waits for Graph to stop listing the app', async () => {
    const world = await aSettledWorld();
    world.graph.lagReads = 1;

    await deleted(world);
    expect(gone(world)).toBe(false);
    await world.advance(5_000, 1_000);

    expect(gone(world)).toBe(true);
    expect(deletes(world)).toBe(1);
  });

  it('never releases before the DELETE has answered', async () => {
    const world = await aSettledWorld();
    const order: string[] = [];
    world.hook(
      () => undefined,
      (operation) => {
        if (operation === 'unsubscribe' || operation === 'finalizer') order.push(operation);
      },
    );

    await deleted(world);

    expect(order[0]).toBe('unsubscribe');
    expect(order[1]).toBe('finalizer');
  });

  it('writes nothing when this process does not lead any more', async () => {
    const world = await aSettledWorld();
    world.leading = false;

    await deleted(world);

    expect(deletes(world)).toBe(0);
    expect(gone(world)).toBe(false);
  });
});
