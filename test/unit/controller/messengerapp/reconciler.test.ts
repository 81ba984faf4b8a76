import { describe, expect, it } from '@jest/globals';
import { APP_REASONS, type AppConditionType } from '../../../../src/api/v1alpha1/conditions.js';
import type { MessengerApp } from '../../../../src/api/v1alpha1/types.gen.js';
import { AppCredentialError, RateLimitedError, TerminalError, TransientError } from '../../../../src/core/domain/errors.js';
import { anApp, aPage, aSettledWorld, CALLBACK, MAIN, SHOP, World } from '../support/world.js';

const SECOND = { namespace: 'bots', name: 'second' };
const MANAGE = { subscription: 'Manage', callbackUrl: CALLBACK } as const;

/** An app that Graph has not answered for yet is neither accepted nor refused. */
function isUndecided(type: AppConditionType, reason: string): boolean {
  return type === 'Accepted' && (reason === 'GraphUnavailable' || reason === 'RateLimited');
}

function appWorld(app: MessengerApp = anApp(), change: (world: World) => void = () => undefined, options = {}): World {
  const world = new World(options);
  world.apps.create(app);
  change(world);
  return world;
}

const setRow = (world: World, change: Partial<{ callbackUrl: string; active: boolean; fields: readonly string[] }>): void => {
  world.graph.appRows.set('151', [
    { object: 'page', callbackUrl: CALLBACK, active: true, fields: ['messages', 'messaging_postbacks'], ...change },
  ]);
};

const CASES: readonly (readonly [AppConditionType, string, string, () => World])[] = [
  [
    'Accepted',
    'AppClaimed',
    'MessengerApp first',
    () => {
      const world = new World();
      world.apps.create(anApp({}, { name: 'first', creationTimestamp: '2026-01-01T00:00:00Z' }));
      world.apps.create(anApp());
      return world;
    },
  ],
  ['Accepted', 'PathCrowded', 'webhook.path', crowded],
  [
    'Accepted',
    'SecretNotFound',
    'Secret bots/main',
    () =>
      appWorld(anApp(), (world) => {
        world.secrets.drop('bots/main');
      }),
  ],
  [
    'Accepted',
    'SecretKeyMissing',
    '"verifyToken"',
    () =>
      appWorld(anApp(), (world) => {
        world.secrets.put('bots/main', { appSecret: 'app-secret' });
      }),
  ],
  [
    'Accepted',
    'SecretMalformed',
    'a blank',
    () =>
      appWorld(anApp(), (world) => {
        world.secrets.put('bots/main', { appSecret: 'a b', verifyToken: 'v' });
      }),
  ],
  [
    'Accepted',
    'SecretNotReadable',
    'may not read Secret bots/main: give the ServiceAccount op:webhook a Role in bots with {apiGroups: [""], resources: [secrets], resourceNames: [main], verbs: [get]}',
    () => {
      const world = appWorld();
      world.refusedReads.add('webhook bots/main');
      return world;
    },
  ],
  ['Accepted', 'InvalidSpec', 'callbackUrl', () => appWorld(anApp({ webhook: { subscription: 'Manage' } }))],
  ['Accepted', 'AppSecretInvalid', "app's secret", () => appWorld(anApp(), (world) => world.graph.appSecrets.set('151', 'other'))],
  [
    'Accepted',
    'AppIdMismatch',
    'spec.appId',
    () => failing(new AppCredentialError('AppIdMismatch', 'Graph does not know this app: check spec.appId')),
  ],
  ['Accepted', 'GraphUnavailable', 'answered 503', () => failing(new TransientError('GraphUnavailable', 'ECONNRESET'))],
  ['Accepted', 'RateLimited', 'request limit', () => failing(new RateLimitedError('limit', 60_000, { scope: 'app' }))],
  ['CredentialsValid', 'AppSecretInvalid', "app's secret", () => appWorld(anApp(), (world) => world.graph.appSecrets.set('151', 'other'))],
  [
    'CredentialsValid',
    'AppIdMismatch',
    'spec.appId',
    () => failing(new AppCredentialError('AppIdMismatch', 'Graph does not know this app: check spec.appId')),
  ],
  ['GraphReachable', 'GraphUnavailable', 'by itself', () => failing(new TransientError('GraphUnavailable', 'ECONNRESET'))],
  ['GraphReachable', 'RateLimited', 'request limit', () => failing(new RateLimitedError('limit', 60_000, { scope: 'app' }))],
  [
    'Subscribed',
    'NotSubscribed',
    'dashboard',
    () =>
      appWorld(anApp(), (world) => {
        world.graph.appRows.clear();
      }),
  ],
  [
    'Subscribed',
    'CallbackMismatch',
    'https://elsewhere.example.com',
    () =>
      appWorld(anApp({ webhook: { callbackUrl: CALLBACK } }), (world) => {
        setRow(world, { callbackUrl: 'https://elsewhere.example.com' });
      }),
  ],
  [
    'Subscribed',
    'Inactive',
    'switched',
    () =>
      appWorld(anApp(), (world) => {
        setRow(world, { active: false });
      }),
  ],
  [
    'Subscribed',
    'FieldsMissing',
    'messaging_postbacks',
    () => appWorld(anApp(), (world) => void (setRow(world, { fields: ['messages'] }), world.pages.create(aPage()))),
  ],
  [
    'Subscribed',
    'CallbackVerificationFailed',
    'did not get the challenge',
    () => refusingWrites('CallbackVerificationFailed', 'Meta did not get the challenge back'),
  ],
  ['Subscribed', 'PermissionDenied', 'capability', () => refusingWrites('PermissionDenied', 'the app lacks a capability')],
  ['Subscribed', 'FieldRefused', 'standby', () => fieldRefused()],
  [
    'Subscribed',
    'Observed',
    '--read-only',
    () =>
      appWorld(
        anApp({ webhook: MANAGE }),
        (world) => {
          world.graph.appRows.clear();
        },
        { readOnly: true },
      ),
  ],
];

function crowded(): World {
  const world = new World();
  for (let i = 0; i < 8; i++) {
    world.apps.create(anApp({ appId: String(100 + i) }, { name: `app-${i}`, creationTimestamp: '2026-01-01T00:00:00Z' }));
  }
  world.apps.create(anApp());
  return world;
}

describe('a path of webhooks', () => {
  it('is not crowded by the apps of another class, which have webhooks of their own', async () => {
    const world = crowded();
    for (let i = 0; i < 8; i++) {
      world.apps.update({ namespace: 'bots', name: `app-${i}` }, (app) => ({
        ...app,
        spec: { ...app.spec, className: 'other' },
        status: { conditions: [{ type: 'Accepted', status: 'True', reason: 'Succeeded', message: '', lastTransitionTime: '' }] },
      }));
    }

    await world.settle();

    expect(world.appCondition('Accepted')?.status).toBe('True');
  });
});

function failing(error: Error): World {
  return appWorld(anApp(), (world) => world.graph.failWith.set('subscriptions', error));
}

function refusingWrites(reason: 'CallbackVerificationFailed' | 'PermissionDenied', message: string): World {
  return appWorld(anApp({ webhook: MANAGE }), (world) => {
    world.graph.appRows.clear();
    world.pages.create(aPage());
    world.graph.failWith.set('subscribeApp', new TerminalError(reason, message));
  });
}

function fieldRefused(): World {
  return appWorld(anApp({ webhook: MANAGE }), (world) => {
    world.pages.create(aPage({ subscribedFields: ['messages', 'standby', 'feed'] }));
    world.graph.refusedAppFields.add('standby');
  });
}

describe('every reason of a MessengerApp', () => {
  it.each(CASES)('%s %s is reached, says how to mend it (%s), and is what Ready says', async (type, reason, text, make) => {
    const world = make();

    await world.settle();
    await world.advance(12_000);

    expect(world.appCondition(type)).toMatchObject({ status: isUndecided(type, reason) ? 'Unknown' : 'False', reason });
    expect(world.appCondition(type)?.message).toContain(text);
    expect(world.appCondition('Ready')?.reason).toBe(reason);
  });

  it('is in the list above, but for those that only a webhook could know', () => {
    const known = Object.entries(APP_REASONS).flatMap(([type, reasons]) => reasons.map((reason) => `${type} ${reason}`));
    const elsewhere = ['CredentialsValid SignatureMismatch', 'Subscribed GraphUnavailable'];

    expect(
      CASES.map(([type, reason]) => `${type} ${reason}`)
        .concat(elsewhere)
        .sort(),
    ).toEqual(known.sort());
  });
});

describe('MessengerAppReconciler', () => {
  it('brings an app to Ready with one call and one status write', async () => {
    const world = appWorld();

    await world.reconcileApp();

    expect(world.appReady()).toBe('True');
    expect(world.apps.statusWrites).toEqual(['main']);
    expect(world.graph.calls).toEqual(['subscriptions']);
    expect(world.apps.require(MAIN).status).toMatchObject({
      observedGeneration: 1,
      pages: { total: 0, ready: 0 },
      subscription: { callbackUrl: CALLBACK, active: true, fields: ['feed', 'messages', 'messaging_postbacks'] },
    });
  });

  it('writes nothing and asks nothing when run again', async () => {
    const world = await aSettledWorld();
    const writes = world.apps.statusWrites.length;
    const calls = world.graph.count('subscriptions');

    await world.reconcileApp();
    await world.reconcileApp();

    expect(world.apps.statusWrites).toHaveLength(writes);
    expect(world.graph.count('subscriptions')).toBe(calls);
  });

  it('counts its pages, and those that are Ready', async () => {
    const world = await aSettledWorld();
    world.secrets.put('bots/second', { token: 'nonsense' });
    world.pages.create(aPage({ pageId: '2002', accessTokenSecretRef: { name: 'second' } }, { name: 'second' }));
    await world.advance(5_000);

    expect(world.apps.require(MAIN).status?.pages).toEqual({ total: 2, ready: 1 });
  });

  it('leaves the subscription alone with Ignore, and says nothing of it', async () => {
    const world = await aSettledWorld({
      app: anApp({ webhook: { subscription: 'Ignore' } }),
      page: aPage({ subscribedFields: ['standby'] }),
    });

    expect(world.appCondition('Subscribed')).toBeUndefined();
    expect(world.apps.require(MAIN).status?.subscription).toBeUndefined();
    expect(world.ready()).toBe('True');
    expect(world.pages.require(SHOP).status?.effectiveFields).toEqual(['standby']);
  });

  it('says what is surplus', async () => {
    const world = await aSettledWorld();

    expect(world.apps.require(MAIN).status?.subscription?.extraFields).toEqual(['feed']);
  });

  it('notices drift at the interval', async () => {
    const world = await aSettledWorld();
    setRow(world, { active: false });

    await world.advance(1_900_000);

    expect(world.appReady()).toBe('False/Inactive');
  });
});

describe('one MessengerApp an appId', () => {
  it('is sticky: an older one that comes later is turned away, also after a restart', async () => {
    const world = await aSettledWorld();
    world.apps.create(anApp({}, { name: 'second', creationTimestamp: '2020-01-01T00:00:00Z' }));
    world.restart();
    await world.settle();

    expect(world.appReady()).toBe('True');
    expect(world.appReady(SECOND)).toBe('False/AppClaimed');
  });

  it('goes on to the other one when the first is gone, and its pages with it', async () => {
    const world = await aSettledWorld();
    world.apps.create(anApp({}, { name: 'second' }));
    world.secrets.put('bots/other', { token: 'token-1' });
    const other = { namespace: 'bots', name: 'other' };
    world.pages.create(aPage({ appRef: { name: 'second' }, accessTokenSecretRef: { name: 'other' } }, { name: 'other' }));
    await world.settle();
    expect(world.ready(other)).toBe('False/AppNotAccepted');

    world.apps.update(MAIN, (app) => ({ ...app, metadata: { ...app.metadata, finalizers: [] } }));
    world.apps.delete(MAIN);
    await world.settle();

    expect(world.appReady(SECOND)).toBe('True');
    expect(world.pages.require(SHOP).status?.claim?.state).toBe('Refused');
    expect(world.pages.require(other).status?.claim).toMatchObject({ state: 'Held', epoch: 2 });
  });

  it('is lost by one whose secret Graph refuses for ten minutes to one that it accepts', async () => {
    const world = await aSettledWorld();
    world.secrets.put('bots/second', { appSecret: 'new-secret', verifyToken: 'verify-me' });
    world.graph.appSecrets.set('151', 'new-secret');
    world.apps.create(anApp({ appSecretRef: { name: 'second' }, verifyTokenRef: { name: 'second' } }, { name: 'second' }));
    world.apps.update(MAIN, (app) => ({ ...app, spec: { ...app.spec, suspend: false } }));
    await world.settle();
    expect(world.appReady()).toBe('False/AppSecretInvalid');
    expect(world.appReady(SECOND)).toBe('False/AppClaimed');

    await world.advance(1_300_000);

    expect(world.appReady(SECOND)).toBe('True');
    expect(world.appCondition('Accepted')?.reason).toBe('AppClaimed');
  });
});
