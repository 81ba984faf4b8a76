import { describe, expect, it } from '@jest/globals';
import { TerminalError, TransientError } from '../../../../src/core/domain/errors.js';
import { tokenFingerprint } from '../../../../src/core/secrets/fingerprint.js';
import { Secret } from '../../../../src/core/secrets/secret.js';
import { aPage, aSettledWorld, aWorld, SHOP, type World } from '../support/world.js';

const print = (world: World, token: string): string =>
  tokenFingerprint(world.pages.require(SHOP).metadata.uid ?? '', new Secret('page-token', token));
const shown = (world: World): string | undefined => world.pages.require(SHOP).status?.token?.fingerprint;

describe('a changed token', () => {
  it('is proven and then shown by its fingerprint, at once', async () => {
    const world = await aSettledWorld();
    world.graph.addToken('token-2', '1001');

    world.secrets.put('bots/shop', { token: 'token-2' });
    await world.settle();

    expect(shown(world)).toBe(print(world, 'token-2'));
    expect(world.graph.writes).toHaveLength(1);
  });

  it.each<[string, (world: World) => void]>([
    ['is not one', () => undefined],
    [
      'is that of another page',
      (world) => {
        world.graph.addToken('token-2', '2002');
      },
    ],
    ['cannot be proven while Graph is down', (world) => world.graph.failWith.set('*', new TransientError('GraphUnavailable', 'down'))],
  ])('leaves the fingerprint of the last proven one when it %s', async (_what, prepare) => {
    const world = await aSettledWorld();
    prepare(world);

    world.secrets.put('bots/shop', { token: 'token-2' });
    await world.settle();

    expect(shown(world)).toBe(print(world, 'token-1'));
  });

  it('with a trailing newline is the same token', async () => {
    const world = await aSettledWorld();
    const calls = world.graph.count('inspect');

    world.secrets.put('bots/shop', { token: 'token-1\n' });
    await world.settle();

    expect(world.ready()).toBe('True');
    expect(world.graph.count('inspect')).toBe(calls);
  });

  it('heals a page whose token was revoked, without a restart', async () => {
    const world = await aSettledWorld();
    world.graph.revoke('token-1');
    await world.reconcile();
    expect(world.ready()).toBe('False/TokenInvalidated');
    world.graph.addToken('token-2', '1001');

    world.secrets.put('bots/shop', { token: 'token-2' });
    await world.settle();

    expect(world.ready()).toBe('True');
    expect(world.reasons()).toEqual(['Subscribed', 'TokenInvalidated', 'Recovered']);
  });
});

describe('a refused write', () => {
  const refused = async (reason: 'PermissionDenied' | 'InvalidField' | 'TokenWrongType'): Promise<World> => {
    const world = aWorld();
    world.graph.failWith.set('subscribe', new TerminalError(reason, 'Graph refuses the write', { graphText: 'Graph 200' }));
    await world.settle();
    await world.advance(6_000, 2_000);
    expect(world.ready()).toBe(`False/${reason}`);
    world.graph.failWith.clear();
    return world;
  };

  it.each(['PermissionDenied', 'InvalidField', 'TokenWrongType'] as const)(
    '(%s) is tried again at once with a new token',
    async (reason) => {
      const world = await refused(reason);
      world.graph.addToken('token-2', '1001');

      world.secrets.put('bots/shop', { token: 'token-2' });
      await world.settle();

      expect(world.ready()).toBe('True');
      expect(world.graph.fieldsOf('1001')).toEqual(['messages', 'messaging_postbacks']);
    },
  );

  it('is tried again in the next pass with a new app secret', async () => {
    const world = await refused('PermissionDenied');
    world.graph.appSecrets.set('151', 'app-secret-2');

    world.secrets.put('bots/main', { appSecret: 'app-secret-2', verifyToken: 'verify-me' });
    await world.settle();
    await world.reconcile();

    expect(world.ready()).toBe('True');
  });

  it('is not tried again because its Secret was written with the same token', async () => {
    const world = await refused('PermissionDenied');
    const tries = world.graph.count('subscribe');

    world.secrets.put('bots/shop', { token: 'token-1', other: 'x' });
    await world.settle();

    expect(world.graph.count('subscribe')).toBe(tries);
  });
});

describe('a token', () => {
  it('is asked about again every 12 hours, and not in between', async () => {
    const world = await aSettledWorld();
    expect(world.graph.count('inspect')).toBe(1);

    // The second time is somewhere between 6 and 12 hours, so that thousands of pages do not ask at
    // once.
    await world.advance(5 * 3_600_000, 300_000);
    expect(world.graph.count('inspect')).toBe(1);
    await world.advance(8 * 3_600_000, 300_000);
    expect(world.graph.count('inspect')).toBe(2);

    await world.advance(3 * 24 * 3_600_000, 300_000);
    expect(world.graph.count('inspect')).toBeGreaterThanOrEqual(2 + 5);
    expect(world.graph.count('inspect')).toBeLessThanOrEqual(2 + 6);
  });

  it('is asked about at once when another call is refused with 190', async () => {
    const world = await aSettledWorld();
    world.graph.revoke('token-1');

    await world.reconcile();

    expect(world.graph.count('inspect')).toBe(2);
    expect(world.condition('TokenValid')?.message).toContain('changed the password');
    expect(world.condition('Subscribed')?.status).toBe('True');
  });

  it('that Graph refused to inspect is asked about in the next pass with a new app secret', async () => {
    const world = aWorld();
    world.graph.failWith.set('inspect', new TerminalError('TokenWrongApp', 'the token is that of another app'));
    await world.settle();
    await world.advance(2_000);
    expect(world.ready()).toBe('False/TokenWrongApp');
    world.graph.failWith.clear();
    world.graph.appSecrets.set('151', 'app-secret-2');

    world.secrets.put('bots/main', { appSecret: 'app-secret-2', verifyToken: 'verify-me' });
    await world.settle();
    await world.reconcile();

    expect(world.ready()).toBe('True');
  });

  it('is asked about again when other fields need other scopes', async () => {
    const page = aPage({ subscribedFields: ['feed'] });
    const world = aWorld({ page });
    world.graph.addToken('token-1', '1001', { scopes: ['pages_manage_metadata'] });
    await world.settle();
    expect(world.ready()).toBe('True');

    world.pages.update(SHOP, (one) => ({ ...one, spec: { ...one.spec, subscribedFields: ['messages'] } }));
    await world.settle();

    expect(world.ready()).toBe('False/TokenMissingScopes');
    expect(world.graph.fieldsOf('1001')).toEqual(['feed']);
  });

  it('that expires soon is told of ahead, once a threshold', async () => {
    const world = aWorld();
    const expiresAt = Math.floor(world.clock.nowMs() / 1_000) + 31 * 86_400;
    world.graph.addToken('token-1', '1001', { expiresAt });
    await world.settle();
    expect(world.pages.require(SHOP).status?.token).toMatchObject({ expires: '2026-12-24', expiresAt: '2026-12-24T00:00:00Z' });

    await world.advance(31.5 * 86_400_000, 6 * 3_600_000);

    expect(world.reasons()).toEqual(['Subscribed', 'TokenExpiring', 'TokenExpiring', 'TokenExpiring', 'TokenExpired']);
    expect(world.ready()).toBe('False/TokenExpired');
  });
});

describe('the Event for a token that expires soon, after a restart', () => {
  const DAY_MS = 86_400_000;

  async function expiringIn(days: number) {
    const world = aWorld();
    world.graph.addToken('token-1', '1001', { expiresAt: Math.floor((world.clock.nowMs() + days * DAY_MS) / 1_000) });
    await world.settle();
    return world;
  }

  const told = (world: World) => world.reasons().filter((reason) => reason === 'TokenExpiring').length;

  it('is not told again for the same threshold', async () => {
    const world = await expiringIn(20);
    expect(told(world)).toBe(1);
    await world.advance(3 * 3_600_000);

    world.restart();
    await world.advance(3 * 3_600_000);

    expect(told(world)).toBe(1);
  });

  it('is told of a threshold that was crossed meanwhile, and of another token', async () => {
    const world = await expiringIn(30.1);
    expect(told(world)).toBe(0);

    await world.clock.advance(0.11 * DAY_MS);
    world.restart();
    await world.settle();
    expect(told(world)).toBe(1);

    world.graph.addToken('token-2', '1001', { expiresAt: Math.floor((world.clock.nowMs() + 20 * DAY_MS) / 1_000) });
    world.secrets.put('bots/shop', { token: 'token-2' });
    await world.settle();
    expect(told(world)).toBe(2);
  });

  it('is told later when the status write before it failed', async () => {
    const world = aWorld();
    world.graph.addToken('token-1', '1001', { expiresAt: Math.floor((world.clock.nowMs() + 20 * DAY_MS) / 1_000) });
    let failures = 3;
    world.hook(
      (operation) => {
        if (operation.startsWith('status') && failures-- > 0) throw new Error('the API server is gone');
      },
      () => undefined,
    );
    await world.advance(60_000);

    expect(failures).toBeLessThanOrEqual(0);
    expect(told(world)).toBe(1);
  });
});

describe('a Secret that vanishes', () => {
  it('disturbs nothing when it comes back within a minute', async () => {
    const world = await aSettledWorld();
    const writes = world.pages.statusWrites.length;

    world.secrets.vanish('bots/shop');
    await world.advance(50_000);
    world.secrets.put('bots/shop', { token: 'token-1' });
    await world.advance(60_000);

    expect(world.pages.statusWrites).toHaveLength(writes);
    expect(world.ready()).toBe('True');
  });

  it('keeps its last value for the grace time, with the condition saying so, and is missed after it', async () => {
    const world = await aSettledWorld();

    world.secrets.vanish('bots/shop');
    await world.advance(120_000);
    expect(world.ready()).toBe('True');
    expect(world.condition('TokenValid')?.message).toContain('Secret bots/shop is gone');

    await world.advance(600_000);
    expect(world.ready()).toBe('False/SecretNotFound');
    expect(world.pages.require(SHOP).status?.claim?.state).toBe('Held');
  });

  it('of the app is not missed within the grace time either', async () => {
    const world = await aSettledWorld();

    world.secrets.vanish('bots/main');
    await world.advance(300_000);

    expect(world.appReady()).toBe('True');
    expect(world.appCondition('Accepted')?.message).toContain('is gone');
    await world.advance(400_000);
    expect(world.appReady()).toBe('False/SecretNotFound');
    expect(world.pages.require(SHOP).status?.claim?.state).toBe('Held');
  });
});
