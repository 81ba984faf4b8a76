import { describe, expect, it } from '@jest/globals';
import { PAGE_REASONS, type PageConditionType } from '../../../../src/api/v1alpha1/conditions.js';
import type { MessengerPage } from '../../../../src/api/v1alpha1/types.gen.js';
import { RateLimitedError, TerminalError, TransientError } from '../../../../src/core/domain/errors.js';
import { anApp, aPage, aSettledWorld, aWorld, MAIN, SHOP, World } from '../support/world.js';

const OTHER = { namespace: 'platform', name: 'main' };

/**
 * reason → a world in which the page has it, and a piece of the message that says how to mend it
 */
const CASES: readonly (readonly [PageConditionType, string, string, () => Promise<World>])[] = [
  ['Accepted', 'AppNotFound', 'spec.appRef', () => settled(onlyPage())],
  ['Accepted', 'AppNotAllowed', 'spec.allowedNamespaces', () => settled(onlyPage({ appRef: OTHER }))],
  [
    'Accepted',
    'AppNotAccepted',
    'see its conditions',
    () =>
      settled(
        prepared((world) => {
          world.secrets.drop('bots/main');
        }),
      ),
  ],
  ['Accepted', 'InvalidSpec', 'at least one field', () => settled(aWorld({ page: aPage({ subscribedFields: [] }) }))],
  [
    'TokenValid',
    'SecretNotFound',
    'create it with the key "token"',
    () =>
      settled(
        prepared((world) => {
          world.secrets.drop('bots/shop');
        }),
      ),
  ],
  [
    'TokenValid',
    'SecretKeyMissing',
    'no key "token"',
    () =>
      settled(
        prepared((world) => {
          world.secrets.put('bots/shop', { other: 'x' });
        }),
      ),
  ],
  [
    'TokenValid',
    'TokenMalformed',
    'a blank',
    () =>
      settled(
        prepared((world) => {
          world.secrets.put('bots/shop', { token: 'a b' });
        }),
      ),
  ],
  [
    'TokenValid',
    'TokenMalformed',
    'not an access token',
    () =>
      settled(
        prepared((world) => {
          world.secrets.put('bots/shop', { token: 'nonsense' });
        }),
      ),
  ],
  [
    'TokenValid',
    'TokenExpired',
    'create a new Page access token',
    () =>
      settled(
        prepared((world) => {
          world.graph.revoke('token-1', 463);
        }),
      ),
  ],
  [
    'TokenValid',
    'TokenInvalidated',
    'changed the password',
    () =>
      settled(
        prepared((world) => {
          world.graph.revoke('token-1');
        }),
      ),
  ],
  [
    'TokenValid',
    'SecretNotReadable',
    'the Pages API may not read Secret bots/shop',
    () => {
      const world = aWorld();
      world.refusedReads.add('pages-api bots/shop');
      return settled(world);
    },
  ],
  ['TokenValid', 'TokenWrongType', 'type USER', () => settled(withToken({ type: 'USER', profileId: undefined }))],
  ['TokenValid', 'TokenWrongPage', 'Page 2002', () => settled(withToken({ profileId: '2002' }))],
  ['TokenValid', 'TokenWrongApp', 'the app 999', () => settled(withToken({ appId: '999' }))],
  ['TokenValid', 'TokenMissingScopes', 'pages_messaging', () => settled(withToken({ scopes: ['pages_manage_metadata'] }))],
  [
    'TokenValid',
    'PageNotGranted',
    'not among those granted',
    () => settled(withToken({ granularScopes: new Map([['pages_messaging', ['2002']]]) })),
  ],
  ['TokenValid', 'GraphUnavailable', 'could not be asked', () => outage()],
  ['TokenValid', 'RateLimited', 'continues by itself', () => throttledWhileNew('*')],
  ['Claimed', 'PageClaimed', 'MessengerPage bots/first', () => settled(claimedByAnother())],
  ['Claimed', 'NotProven', 'put one into the Secret', () => settled(unprovenElsewhere())],
  ['Subscribed', 'InvalidField', 'did you mean messaging_referrals', () => settled(refusing('InvalidField', ['messaging_referral']))],
  ['Subscribed', 'PermissionDenied', 'a permission is missing', () => settled(refusing('PermissionDenied'))],
  ['Subscribed', 'AppFieldRefused', 'spec.subscribedFields', () => settled(appRefusing())],
  ['Subscribed', 'AppFieldsMissing', 'dashboard', () => settled(aWorld({ page: aPage({ subscribedFields: ['messages', 'standby'] }) }))],
  ['Subscribed', 'Contested', 'another tool keeps changing', () => contested()],
  ['Subscribed', 'Observed', 'managementPolicy is Observe', () => settled(aWorld({ page: aPage({ managementPolicy: 'Observe' }) }))],
  ['Subscribed', 'GraphUnavailable', 'could not be asked', () => outage()],
  ['Subscribed', 'RateLimited', 'continues by itself', () => throttledWhileNew('subscribe')],
  ['Routable', 'NoBackend', 'spec.backend', () => settled(withBackend(undefined))],
  ['Routable', 'BackendNotFound', 'Service bots/gone', () => settled(withBackend({ service: { name: 'gone', port: 1 } }))],
  ['Routable', 'BackendNotFound', 'it has 5000', () => settled(withBackend({ service: { name: 'bot', port: 5001 } }))],
  ['Routable', 'BackendNotAllowed', 'no setting allows', () => settled(withBackend({ url: 'https://0x7f.1:8443/' }))],
  ['Routable', 'BackendNotAllowed', 'https://', () => settled(withBackend({ url: 'http://bot.example.com' }))],
  ['Routable', 'SigningSecretRequired', 'signingSecretRef', () => settled(elsewhere())],
  [
    'Routable',
    'SigningSecretNotFound',
    'resourceNames: [signing]',
    () => settled(withBackend({ url: 'https://b.example.com', signingSecretRef: { name: 'signing' } })),
  ],
];

async function settled(world: World): Promise<World> {
  await world.settle();
  await world.advance(6_000, 2_000);
  return world;
}

function onlyPage(spec: Parameters<typeof aPage>[0] = {}): World {
  const world = new World();
  world.pages.create(aPage(spec));
  return world;
}

function prepared(change: (world: World) => void): World {
  const world = aWorld();
  change(world);
  return world;
}

function withToken(overrides: Parameters<World['graph']['addToken']>[2]): World {
  return prepared((world) => {
    world.graph.addToken('token-1', '1001', overrides);
  });
}

function withBackend(backend: MessengerPage['spec']['backend']): World {
  const { metadata, spec } = aPage();
  const { pageId, appRef, accessTokenSecretRef, subscribedFields } = spec;
  const rest = { pageId, appRef, accessTokenSecretRef, ...(subscribedFields === undefined ? {} : { subscribedFields }) };
  return aWorld({ page: { metadata, spec: backend === undefined ? rest : { ...rest, backend } } });
}

function refusing(reason: 'InvalidField' | 'PermissionDenied', fields: readonly string[] = ['messages']): World {
  const world = aWorld({ page: aPage({ subscribedFields: fields }) });
  world.graph.failWith.set(
    'subscribe',
    new TerminalError(reason, 'a permission is missing or a field is wrong', { graphText: 'Graph 100' }),
  );
  return world;
}

function appRefusing(): World {
  const webhook = { subscription: 'Manage', callbackUrl: 'https://bots.example.com/webhooks/messenger' } as const;
  const world = aWorld({ app: anApp({ webhook }), page: aPage({ subscribedFields: ['messages', 'standby'] }) });
  world.graph.refusedAppFields.add('standby');
  return world;
}

function claimedByAnother(): World {
  const world = aWorld({ page: aPage({}, { creationTimestamp: '2026-11-22T00:00:00Z' }) });
  world.pages.create(aPage({}, { name: 'first', creationTimestamp: '2026-01-01T00:00:00Z' }));
  return world;
}

/** The app in another namespace that lets everybody use it. */
function elsewhere(signing = false): World {
  const world = new World();
  world.secrets.put('platform/main', { appSecret: 'app-secret', verifyToken: 'verify-me' });
  world.apps.create(anApp({ allowedNamespaces: { from: 'All' } }, OTHER));
  const backend = { service: { name: 'bot', port: 5000 }, ...(signing ? { signingSecretRef: { name: 'signing' } } : {}) };
  world.pages.create(aPage({ appRef: OTHER, backend }));
  return world;
}

function unprovenElsewhere(): World {
  const world = elsewhere();
  world.graph.addToken('token-1', '1001', { profileId: undefined });
  return world;
}

async function contested(): Promise<World> {
  const world = await aSettledWorld();
  for (let change = 0; change < 5; change++) {
    world.graph.setFields('1001', ['feed']);
    await world.reconcile();
  }
  return world;
}

async function outage(): Promise<World> {
  const world = await aSettledWorld();
  world.graph.failWith.set('*', new TransientError('GraphUnavailable', 'down'));
  await world.advance(3 * 3_600_000);
  return world;
}

async function throttledWhileNew(call: '*' | 'subscribe'): Promise<World> {
  const world = aWorld();
  await world.reconcileApp();
  world.graph.failWith.set(call, new RateLimitedError('limit', 3_600_000));
  await world.advance(60_000, 1_000);
  return world;
}

describe('every reason of a MessengerPage', () => {
  it.each(CASES)('%s %s is reached, and its message says how to mend it: %s', async (type, reason, text, make) => {
    const world = await make();

    const condition = world.condition(type);
    expect(condition?.reason).toBe(reason);
    expect(condition?.status).toBe(['GraphUnavailable', 'RateLimited'].includes(reason) ? 'Unknown' : 'False');
    expect(condition?.message).toContain(text);
    expect(condition?.observedGeneration).toBe(world.pages.require(SHOP).metadata.generation);
  });

  it('is in the list above', () => {
    const reached = new Set(CASES.map(([type, reason]) => `${type} ${reason}`));
    const known = Object.entries(PAGE_REASONS).flatMap(([type, reasons]) => reasons.map((reason) => `${type} ${reason}`));

    expect([...reached].sort()).toEqual(known.sort());
  });

  it.each(CASES.filter(([, reason]) => reason !== 'Observed'))('%s %s is what Ready says too', async (_type, reason, _text, make) => {
    const world = await make();

    expect(world.condition('Ready')?.reason).toBe(reason);
  });
});

describe('Reconciling and Stalled', () => {
  it.each([
    ['a missing app', () => onlyPage()],
    [
      'a missing Secret',
      () =>
        prepared((world) => {
          world.secrets.drop('bots/shop');
        }),
    ],
    ['a missing Service', () => withBackend({ service: { name: 'gone', port: 1 } })],
  ])('gives %s two minutes before it stalls', async (_what, make) => {
    const world = await settled(make());
    expect(world.condition('Reconciling')?.status).toBe('True');
    expect(world.condition('Stalled')).toBeUndefined();
    expect(world.reasons()).toEqual(world.reasons().filter((reason) => reason === 'Subscribed'));

    await world.advance(125_000);

    expect(world.condition('Reconciling')).toBeUndefined();
    expect(world.condition('Stalled')?.reason).toBe(world.condition('Ready')?.reason);
    expect(world.reasons()).toContain(world.condition('Ready')?.reason);
  });

  it('stalls at once where nothing can come by itself, and tells it once', async () => {
    const world = await settled(withToken({ profileId: '2002' }));

    await world.advance(3_600_000);

    expect(world.condition('Stalled')?.reason).toBe('TokenWrongPage');
    expect(world.reasons()).toEqual(['TokenWrongPage']);
  });

  it('looks at a stalled page again after 10, 20, 40 minutes, and heals by itself', async () => {
    const world = await settled(withToken({ scopes: [] }));
    const looks = world.graph.count('inspect');

    await world.advance(71 * 60_000, 30_000);
    expect(world.graph.count('inspect') - looks).toBe(3);
    world.graph.addToken('token-1', '1001');
    await world.advance(85 * 60_000);

    expect(world.ready()).toBe('True');
    expect(world.condition('Stalled')).toBeUndefined();
    expect(world.reasons()).toEqual(['TokenMissingScopes', 'Subscribed', 'Recovered']);
  });

  it('does not try a refused write again before something changes or its time has come', async () => {
    const world = await settled(refusing('InvalidField'));
    const tries = world.graph.count('subscribe');

    await world.reconcile();
    expect(world.graph.count('subscribe')).toBe(tries);
    world.graph.failWith.clear();
    world.pages.update(SHOP, (page) => ({ ...page, spec: { ...page.spec, subscribedFields: ['messages', 'feed'] } }));
    await world.settle();

    expect(world.ready()).toBe('True');
  });

  it('writes no status again because the time in a text of Graph is another', async () => {
    const world = await settled(
      prepared((one) => {
        one.graph.revoke('token-1');
      }),
    );
    const writes = world.pages.statusWrites.length;

    await world.advance(2 * 3_600_000);

    expect(world.pages.statusWrites).toHaveLength(writes);
  });

  it('tells the app without the words of another namespace where the page may not know of it', async () => {
    const missing = await settled(onlyPage({ appRef: OTHER }));
    const refused = await settled(
      prepared((world) => {
        world.apps.create(anApp({}, OTHER));
        world.pages.update(SHOP, (page) => ({ ...page, spec: { ...page.spec, appRef: OTHER } }));
      }),
    );

    expect(refused.condition('Accepted')?.message).toBe(missing.condition('Accepted')?.message);
    expect(refused.pages.require(SHOP).status?.claim).toBeUndefined();
    expect(refused.graph.count('inspect')).toBe(0);
    expect(MAIN.namespace).not.toBe(OTHER.namespace);
  });
});
