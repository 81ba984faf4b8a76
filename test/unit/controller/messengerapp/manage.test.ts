import { describe, expect, it } from '@jest/globals';
import { RECONCILE_AT_ANNOTATION } from '../../../../src/api/v1alpha1/constants.js';
import { TerminalError } from '../../../../src/core/domain/errors.js';
import { anApp, aPage, aWorld, CALLBACK, MAIN, SHOP, World } from '../support/world.js';

const SECOND = { namespace: 'bots', name: 'second' };
const MANAGE = { subscription: 'Manage', callbackUrl: CALLBACK } as const;

const row = (world: World) => world.graph.appRows.get('151')?.find(({ object }) => object === 'page');
const setRow = (world: World, change: Partial<{ callbackUrl: string; active: boolean; fields: readonly string[] }>): void => {
  world.graph.appRows.set('151', [
    { object: 'page', callbackUrl: CALLBACK, active: true, fields: ['messages', 'messaging_postbacks'], ...change },
  ]);
};

function fieldRefused(): World {
  const world = new World();
  world.apps.create(anApp({ webhook: MANAGE }));
  world.pages.create(aPage({ subscribedFields: ['messages', 'standby', 'feed'] }));
  world.graph.refusedAppFields.add('standby');
  return world;
}

describe('Manage', () => {
  const managed = (options = {}) => aWorld({ app: anApp({ webhook: MANAGE }), ...options });

  it('creates the subscription with what the pages want', async () => {
    const world = managed();
    world.graph.appRows.clear();

    await world.settle();
    await world.advance(2_000);

    expect(row(world)).toEqual({ object: 'page', callbackUrl: CALLBACK, active: true, fields: ['messages', 'messaging_postbacks'] });
    expect(world.graph.verifyToken).toBe('verify-me');
    expect(world.appReady()).toBe('True');
    expect(world.ready()).toBe('True');
  });

  it('only ever adds fields', async () => {
    const world = managed({ page: aPage({ subscribedFields: ['messages', 'standby'] }) });

    await world.settle();
    await world.advance(12_000);

    expect(row(world)?.fields).toEqual(['feed', 'messages', 'messaging_postbacks', 'standby']);
    expect(world.ready()).toBe('True');
  });

  it('writes nothing when all is as it should be', async () => {
    const world = managed();

    await world.settle();
    await world.advance(3_600_000);

    expect(world.graph.count('subscribeApp')).toBe(0);
  });

  it('stays within allowedFields, and the page says what it misses', async () => {
    const world = managed({
      app: anApp({ webhook: { ...MANAGE, allowedFields: ['messages'] } }),
      page: aPage({ subscribedFields: ['messages', 'standby'] }),
    });

    await world.settle();
    await world.advance(12_000);

    expect(world.graph.count('subscribeApp')).toBe(0);
    expect(world.ready()).toBe('False/AppFieldsMissing');
    expect(world.condition('Subscribed')?.message).toContain('allowedFields');
  });

  it('finds out which field Graph refuses, goes on without it, and does not try it again', async () => {
    const world = fieldRefused();
    world.secrets.put('bots/second', { token: 'token-2' });
    world.graph.addToken('token-2', '2002');
    world.pages.create(aPage({ pageId: '2002', accessTokenSecretRef: { name: 'second' }, subscribedFields: ['name'] }, { name: 'second' }));

    await world.settle();
    await world.advance(30_000);
    const tries = world.graph.count('subscribeApp');
    await world.advance(3_600_000);

    expect(row(world)?.fields).toEqual(['feed', 'messages', 'messaging_postbacks', 'name']);
    expect(world.graph.count('subscribeApp')).toBe(tries);
    expect(world.ready()).toBe('False/AppFieldRefused');
    expect(world.ready(SECOND)).toBe('True');
  });

  it('tries a refused field again after a day', async () => {
    const world = fieldRefused();
    await world.settle();
    await world.advance(12_000);
    world.graph.refusedAppFields.clear();

    await world.advance(25 * 3_600_000, 600_000);

    expect(row(world)?.fields).toContain('standby');
    expect(world.ready()).toBe('True');
  });

  const newAppSecret = (world: World): void => {
    world.graph.appSecrets.set('151', 'app-secret-2');
    world.secrets.put('bots/main', { appSecret: 'app-secret-2', verifyToken: 'verify-me' });
  };
  const reconcileAt = (world: World): void => {
    world.apps.update(MAIN, ({ metadata, ...rest }) => ({
      ...rest,
      metadata: { ...metadata, annotations: { [RECONCILE_AT_ANNOTATION]: 'now' } },
    }));
  };
  const newVerifyToken = (world: World): void => {
    world.secrets.put('bots/main', { appSecret: 'app-secret', verifyToken: 'verify-me-2' });
  };

  it.each([
    ['a new app secret', newAppSecret],
    ['reconcile-at', reconcileAt],
  ])('tries a refused field again after %s', async (_what, change) => {
    const world = fieldRefused();
    await world.settle();
    await world.advance(12_000);
    world.graph.refusedAppFields.clear();

    change(world);
    await world.settle();
    await world.advance(12_000);

    expect(row(world)?.fields).toContain('standby');
    expect(world.ready()).toBe('True');
  });

  it.each([
    ['a new app secret', newAppSecret],
    ['a new verify token', newVerifyToken],
    ['reconcile-at', reconcileAt],
  ])('tries a refused write again after %s', async (_what, change) => {
    const world = managed();
    world.graph.appRows.clear();
    world.graph.failWith.set('subscribeApp', new TerminalError('CallbackVerificationFailed', 'Graph cannot verify the callback'));
    await world.settle();
    await world.advance(12_000);
    expect(world.appReady()).toBe('False/CallbackVerificationFailed');
    world.graph.failWith.clear();

    change(world);
    await world.settle();
    await world.advance(12_000);

    expect(world.appReady()).toBe('True');
  });

  it('repairs a callback that points elsewhere and a webhook that was switched off', async () => {
    const world = managed();
    await world.settle();
    setRow(world, { callbackUrl: 'https://elsewhere.example.com', active: false });

    await world.advance(1_900_000);

    expect(row(world)).toMatchObject({ callbackUrl: CALLBACK, active: true });
  });

  it('leaves a row without fields alone while no page wants any, and says what is wrong with it', async () => {
    const world = aWorld({ app: anApp({ webhook: MANAGE }), page: aPage({ subscribedFields: ['standby'] }) });
    world.graph.refusedAppFields.add('standby');
    setRow(world, { callbackUrl: 'https://elsewhere.example.com', fields: [] });
    await world.settle();
    world.pages.delete(SHOP);
    await world.settle();
    await world.advance(60_000);
    const asked = world.graph.count('subscriptions');

    await world.advance(600_000);

    expect(world.appCondition('Subscribed')?.reason).toBe('CallbackMismatch');
    expect(world.graph.count('subscriptions')).toBe(asked);
    expect(world.graph.count('subscribeApp')).toBe(1);
  });

  it('writes once in ten seconds at most, whatever its pages want meanwhile', async () => {
    const world = managed();
    await world.settle();
    const want = async (fields: readonly string[]): Promise<void> => {
      world.pages.update(SHOP, (page) => ({ ...page, spec: { ...page.spec, subscribedFields: [...fields] } }));
      await world.settle();
      await world.advance(2_000);
    };
    await want(['messages', 'standby']);
    expect(world.graph.count('subscribeApp')).toBe(1);

    await want(['messages', 'name']);
    await want(['messages', 'mention']);
    expect(world.graph.count('subscribeApp')).toBe(1);

    await world.advance(6_000);
    expect(world.graph.count('subscribeApp')).toBe(2);
    expect(row(world)?.fields).toContain('mention');
  });

  it('sets the verify token again when its Secret changes', async () => {
    const world = managed();
    await world.settle();

    world.secrets.put('bots/main', { appSecret: 'app-secret', verifyToken: 'another' });
    await world.settle();
    await world.advance(30_000);

    expect(world.graph.verifyToken).toBe('another');
    expect(world.graph.count('subscribeApp')).toBe(1);
  });

  it('waits for a webhook that can answer the verification', async () => {
    let ready = false;
    const world = managed({ publicReady: () => ready });
    world.graph.appRows.clear();

    await world.settle();
    await world.advance(30_000);
    expect(world.graph.count('subscribeApp')).toBe(0);
    expect(world.appCondition('Subscribed')?.message).toContain('waits for a webhook');
    expect(world.appCondition('Reconciling')?.status).toBe('True');
    ready = true;
    await world.advance(11_000);

    expect(world.appReady()).toBe('True');
  });

  it('never touches the subscriptions of other objects, nor any when the app is deleted', async () => {
    const world = managed();
    const instagram = { object: 'instagram', callbackUrl: 'https://ig.example.com', active: true, fields: ['messages'] };
    world.graph.appRows.set('151', [instagram]);
    await world.settle();
    await world.advance(2_000);
    const before = world.graph.appRows.get('151');
    expect(before).toContainEqual(instagram);

    world.pages.delete(SHOP);
    world.apps.delete(MAIN);
    await world.settle();

    expect(world.apps.find(MAIN)).toBeUndefined();
    expect(world.graph.appRows.get('151')).toEqual(before);
  });

  it.each<[string, (world: World) => void]>([
    ['the app changed', (world) => world.apps.update(MAIN, (app) => ({ ...app, spec: { ...app.spec, suspend: true } }))],
    [
      'the app is being deleted',
      (world) => {
        world.apps.delete(MAIN);
      },
    ],
    ['this process does not lead any more', (world) => (world.leading = false)],
  ])('writes nothing when, between look and write, %s', async (_what, change) => {
    const world = managed();
    world.graph.appRows.clear();
    world.apps.lagging = true;
    world.graph.after = (operation) => {
      if (operation === 'subscriptions') change(world);
    };

    await expect(world.reconcileApp()).rejects.toThrow();

    expect(world.graph.count('subscribeApp')).toBe(0);
  });

  it('writes nothing while the app is suspended, and says so', async () => {
    const world = managed({ app: anApp({ webhook: MANAGE, suspend: true }) });
    world.graph.appRows.clear();

    await world.settle();

    expect(world.graph.count('subscribeApp')).toBe(0);
    expect(world.appReady()).toBe('False/Suspended');
    expect(world.appCondition('Subscribed')).toMatchObject({ reason: 'Observed' });
  });
});
