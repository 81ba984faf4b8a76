import { describe, expect, it, jest } from '@jest/globals';
import { AppCredentialError, ClusterUnavailableError, RateLimitedError, TransientError } from '../../../../src/core/domain/errors.js';
import { aSettledWorld, aWorld, SHOP } from '../support/world.js';

const DOWN = new TransientError('GraphUnavailable', 'Graph cannot be reached');
const DAY_MS = 24 * 3_600_000;

describe('a page that cannot be looked at', () => {
  it.each<[string, Error]>([
    ['Graph is down', DOWN],
    ['Graph throttles the page', new RateLimitedError('limit', 60_000)],
    ['Graph throttles the app', new RateLimitedError('limit', 60_000, { scope: 'app' })],
  ])('keeps its conditions and gets no write while %s', async (_what, error) => {
    const world = await aSettledWorld();
    const status = world.pages.require(SHOP).status;
    const writes = world.pages.statusWrites.length;
    world.graph.failWith.set('*', error);

    await expect(world.reconcile()).rejects.toBe(error);
    await world.advance(50 * 60_000);

    expect(world.pages.require(SHOP).status).toEqual(status);
    expect(world.pages.statusWrites).toHaveLength(writes);
  });

  it.each(['apps', 'services'] as const)('keeps its conditions while the %s of a namespace cannot be listed', async (kind) => {
    const world = await aSettledWorld();
    const status = world.pages.require(SHOP).status;
    const store = kind === 'apps' ? world.apps.store : world.services;
    jest.spyOn(store, 'get').mockReturnValue(undefined);
    jest.spyOn(store, 'covers').mockReturnValue(false);

    if (kind === 'apps') await expect(world.reconcile()).rejects.toBeInstanceOf(ClusterUnavailableError);
    else await world.reconcile();

    expect(world.pages.require(SHOP).status).toEqual(status);
  });

  it('becomes Unknown after three intervals, by one write, and Ready again without an Event of trouble', async () => {
    const world = await aSettledWorld();
    const writes = world.pages.statusWrites.length;
    world.graph.failWith.set('*', DOWN);

    await world.advance(DAY_MS, 300_000);
    expect(world.ready()).toBe('Unknown/GraphUnavailable');
    expect(world.condition('TokenValid')?.status).toBe('Unknown');
    expect(world.condition('Reconciling')?.status).toBe('True');
    expect(world.condition('Stalled')).toBeUndefined();
    expect(world.pages.statusWrites).toHaveLength(writes + 1);

    world.graph.failWith.clear();
    await world.advance(600_000);
    expect(world.ready()).toBe('True');
    expect(world.reasons()).toEqual(['Subscribed']);
    expect(world.graph.writes).toHaveLength(1);
  });

  it('says it once, at the app', async () => {
    const world = await aSettledWorld();
    const writes = world.apps.statusWrites.length;
    world.graph.failWith.set('*', DOWN);

    await expect(world.reconcile()).rejects.toBe(DOWN);
    await world.advance(3 * 3_600_000, 300_000);

    expect(world.appReady()).toBe('False/GraphUnavailable');
    // The app says it, and later that its page is not Ready any more.
    expect(world.apps.statusWrites).toHaveLength(writes + 2);
  });

  it('is undecided while it is new: no page is routed before its token was proven once', async () => {
    const world = aWorld();
    await world.reconcileApp();
    world.graph.failWith.set('*', DOWN);

    await expect(world.reconcile()).rejects.toBe(DOWN);

    expect(world.pages.require(SHOP).status).toBeUndefined();
  });

  it.each<[string, Error, string]>([
    ['Graph is down', DOWN, 'GraphUnavailable'],
    ['Graph throttles the app', new RateLimitedError('limit', 3_600_000, { scope: 'app' }), 'RateLimited'],
    ['Graph refuses the app secret', new AppCredentialError('AppSecretInvalid', 'refused'), 'GraphUnavailable'],
  ])('says that it is not known when it is new and %s, by one write, and not for a hiccup', async (_what, error, reason) => {
    const world = aWorld();
    await world.reconcileApp();
    world.graph.failWith.set('*', error);

    await world.advance(25_000, 1_000);
    expect(world.pages.require(SHOP).status).toBeUndefined();
    await world.advance(60_000, 1_000);

    expect(world.ready()).toBe(`Unknown/${reason}`);
    expect(world.condition('Ready')?.message).toContain('could not be looked at yet');
    expect(world.condition('Reconciling')?.status).toBe('True');
    expect(world.pages.require(SHOP).status?.observedGeneration).toBe(1);
    expect(world.pages.require(SHOP).status?.claim).toBeUndefined();
    expect(world.pages.statusWrites).toHaveLength(1);
    await world.advance(1_200_000, 30_000);
    expect(world.pages.statusWrites).toHaveLength(1);

    world.graph.failWith.clear();
    await world.advance(3_600_000, 60_000);
    expect(world.ready()).toBe('True');
    expect(world.condition('Reconciling')).toBeUndefined();
  });

  it('never shows an old Ready as one of a new spec', async () => {
    const world = await aSettledWorld();
    world.graph.failWith.set('*', DOWN);

    world.pages.update(SHOP, (page) => ({ ...page, spec: { ...page.spec, subscribedFields: ['messages'] } }));
    await world.settle();

    expect(world.pages.require(SHOP).status?.observedGeneration).toBe(1);
    expect(world.condition('Ready')?.observedGeneration).toBe(1);
  });

  it('waits while its Secret cannot be read, with its claim undecided', async () => {
    const world = aWorld();
    await world.reconcileApp();
    world.secrets.unreadable.add('bots/shop');

    await expect(world.reconcile()).rejects.toBeInstanceOf(ClusterUnavailableError);

    expect(world.pages.require(SHOP).status?.claim).toBeUndefined();
  });

  it('is parked with all pages of its app when Graph refuses the app secret, behind one probe', async () => {
    const world = await aSettledWorld();
    const status = world.pages.require(SHOP).status;
    world.graph.appSecrets.set('151', 'another-secret');

    await world.reconcile();
    await world.settle();
    const calls = world.graph.calls.length;
    await world.reconcile();
    await world.reconcile();

    expect(world.graph.calls).toHaveLength(calls);
    expect(world.pages.require(SHOP).status).toEqual(status);
    expect(world.appReady()).toBe('False/AppSecretInvalid');
  });

  it('goes on as soon as the app secret is mended', async () => {
    const world = await aSettledWorld();
    world.graph.appSecrets.set('151', 'new-secret');
    world.graph.setFields('1001', ['feed']);
    await world.reconcile();
    await world.settle();

    world.secrets.put('bots/main', { appSecret: 'new-secret', verifyToken: 'verify-me' });
    await world.settle();

    expect(world.appReady()).toBe('True');
    expect(world.graph.fieldsOf('1001')).toEqual(['messages', 'messaging_postbacks']);
  });

  it('does not go round in circles when the app is fine and the calls of its pages are refused', async () => {
    const world = await aSettledWorld();
    world.graph.failWith.set('observe', new AppCredentialError('AppSecretInvalid', 'the proof is refused'));
    const calls = world.graph.calls.length;

    await world.reconcile();
    await world.settle();
    await world.advance(3_600_000, 10_000);

    expect(world.graph.calls.length - calls).toBeLessThan(60);
    expect(world.condition('Subscribed')?.status).toBe('True');
  });
});
