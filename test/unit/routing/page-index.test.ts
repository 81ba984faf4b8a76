import { describe, expect, it } from '@jest/globals';
import type { MessengerPage } from '../../../src/api/v1alpha1/types.gen.js';
import { PageIndex } from '../../../src/routing/page-index.js';
import { FakeClock } from '../../support/fake-clock.js';
import { anApp, aPage, aService, decided, held } from './fakes.js';
import { fromOther, setUp, told } from './set-up.js';

describe('who is routed to', () => {
  it.each<[string, string, readonly MessengerPage[]]>([
    ['the page that holds the claim', 'route bots/clinic-a@1', [aPage()]],
    [
      'of two that say Held the one of the highest epoch',
      'route bots/b@4',
      [aPage({ status: held(3) }), aPage({ metadata: { name: 'b' }, status: held(4) })],
    ],
    [
      'the holder, whoever waits',
      'route bots/clinic-a@2',
      [aPage({ status: held(2) }), aPage({ metadata: { name: 'b' }, status: held(9, { state: 'Waiting' }) })],
    ],
    ['nobody before the leader has decided', 'not_yet claim_undecided', [aPage({ status: {} })]],
    ['nobody while all wait, which is a decision', 'unknown', [aPage({ status: held(1, { state: 'Waiting' }) })]],
    [
      'nobody while one waits and another one has not been looked at',
      'not_yet claim_undecided',
      [aPage({ status: held(1, { state: 'Waiting' }) }), aPage({ metadata: { name: 'b' }, status: {} })],
    ],
    [
      'nobody when the only page is deleted before the leader has looked at it',
      'unknown',
      [aPage({ metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' }, status: {} })],
    ],
    ['nobody when the app refused', 'dropped consent_withdrawn', [aPage({ status: held(1, { state: 'Refused' }) })]],
    ['nobody for a page that is not there', 'unknown', []],
    ['no page of another app', 'unknown', [aPage({ spec: { appRef: { name: 'none' } }, status: {} })]],
    [
      'a page that is being deleted, suspended, not ready or without its token',
      'route bots/clinic-a@1',
      [aPage({ metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' }, spec: { suspend: true, accessTokenSecretRef: { name: 'gone' } } })],
    ],
    [
      'no page of another namespace without consent, which the leader has not looked at',
      'unknown',
      [fromOther({})].map((page) => ({ ...page, status: {} })),
    ],
    ['no page of another namespace whose consent was withdrawn, before the leader says so', 'dropped consent_withdrawn', [fromOther()]],
    ['no page whose claim is for another page', 'not_yet claim_undecided', [aPage({ status: held(1, { pageId: '5' }) })]],
  ])('is %s', (_name, want, pages) => {
    expect(setUp({ pages }).answer()).toBe(want);
  });

  it('is not undecided because of a page of an app that does not stand for its appId', () => {
    const squatter = decided(anApp({}, { name: 'squatter', namespace: 'others' }), 'False', 'AppClaimed');
    const page = aPage({ metadata: { namespace: 'others' }, spec: { appRef: { name: 'squatter' } }, status: {} });

    expect(setUp({ apps: [decided(anApp(), 'True'), squatter], pages: [page] }).answer()).toBe('unknown');
  });

  it('follows the claim as the leader moves it: the new holder first, then the old one', () => {
    const { pages, answer } = setUp({ pages: [aPage(), aPage({ metadata: { name: 'b' }, status: {} })] });
    expect(answer()).toBe('route bots/clinic-a@1');

    pages.apply(aPage({ metadata: { name: 'b' }, status: held(2) }));
    expect(answer()).toBe('route bots/b@2');
    pages.apply(aPage({ status: held(1, { state: 'Waiting' }) }));
    expect(answer()).toBe('route bots/b@2');
    pages.remove(aPage({ metadata: { name: 'b' } }));
    expect(answer()).toBe('unknown');
    pages.remove(aPage());
    expect(answer()).toBe('unknown');
  });
});

describe('a backend that does not exist', () => {
  it.each<[string, MessengerPage]>([
    ['Service', aPage({ spec: { backend: { service: { name: 'gone', port: 1 } } } })],
    ['signing Secret', aPage({ spec: { backend: { service: { name: 'bot', port: 1 }, signingSecretRef: { name: 'gone' } } } })],
  ])('is unresolved for a minute and then no backend (%s), until it is there', async (_what, page) => {
    const { clock, services, secrets, answer } = setUp({ pages: [page] });
    secrets.set('bots/gone', undefined);
    expect(answer()).toBe('not_yet backend_unresolved');
    await clock.advance(59_000);
    expect(answer()).toBe('not_yet backend_unresolved');
    await clock.advance(1_000);
    expect(answer()).toBe('dropped no_backend');

    services.apply(aService('gone'));
    secrets.set('bots/gone', { appSecret: 'signing-secret' });
    expect(answer()).toBe('route bots/clinic-a@1');

    services.remove(aService('gone'));
    secrets.set('bots/gone', undefined);
    expect(answer()).toBe('not_yet backend_unresolved');
  });

  it('stays unresolved while the signing Secret cannot be read', async () => {
    const backend = { service: { name: 'bot', port: 1 }, signingSecretRef: { name: 'unread' } };
    const { clock, answer } = setUp({ pages: [aPage({ spec: { backend } })] });
    expect(answer()).toBe('not_yet backend_unresolved');
    await clock.advance(600_000);
    expect(answer()).toBe('not_yet backend_unresolved');
  });
});

describe('a signing secret', () => {
  const backend = { service: { name: 'bot', port: 1 }, signingSecretRef: { name: 'sign' } };

  it('is refused while it equals the secret of any app', () => {
    const { secrets, apps, answer } = setUp({ pages: [aPage({ spec: { backend } })] });
    secrets.set('bots/sign', { appSecret: 'of-its-own' });
    expect(answer()).toBe('route bots/clinic-a@1');

    secrets.set('bots/sign', { appSecret: 'current-secret' });
    expect(answer()).toBe('dropped backend_not_allowed');
    secrets.set('bots/sign', { appSecret: 'secret-of-another-app' });
    expect(answer()).toBe('route bots/clinic-a@1');
    apps.apply(decided(anApp({ appId: '88', appSecretRef: { name: 'second' } }, { name: 'second' }), 'True'));
    secrets.set('bots/second', { appSecret: 'secret-of-another-app' });
    expect(answer()).toBe('dropped backend_not_allowed');
  });

  it('is required of every page of an app that other namespaces may use', () => {
    const { apps, answer } = setUp();
    expect(answer()).toBe('route bots/clinic-a@1');
    apps.apply(decided(anApp({ allowedNamespaces: { from: 'All' } }), 'True'));
    expect(answer()).toBe('dropped backend_not_allowed');
    apps.apply(decided(anApp({ allowedNamespaces: { from: 'All' }, requireSigningSecret: false }), 'True'));
    expect(answer()).toBe('route bots/clinic-a@1');
  });
});

describe('the app', () => {
  it('takes its consent back at once', () => {
    const open = anApp({ allowedNamespaces: { from: 'All' } });
    const { apps, secrets, services, answer } = setUp({ apps: [decided(open, 'True')], pages: [fromOther()] });
    services.apply(aService('bot', undefined, 'others'));
    secrets.set('others/sign', { appSecret: 'tenant-secret' });
    expect(answer()).toBe('route others/clinic-a@1');

    apps.apply(decided(anApp({ allowedNamespaces: { from: 'Same' } }), 'True'));
    expect(answer()).toBe('dropped consent_withdrawn');
  });

  it('consents by a selector as the namespace is labelled now; where namespaces are not watched the leader is believed', () => {
    const selective = decided(anApp({ allowedNamespaces: { from: 'Selector', selector: { matchLabels: { team: 'a' } } } }), 'True');
    const { namespaces, services, secrets, apps, pages, answer } = setUp({ apps: [selective], pages: [fromOther()] });
    services.apply(aService('bot', undefined, 'others'));
    secrets.set('others/sign', { appSecret: 'tenant-secret' });
    expect(answer()).toBe('dropped consent_withdrawn');
    namespaces.apply({ metadata: { name: 'others', labels: { team: 'a' } } });
    expect(answer()).toBe('route others/clinic-a@1');

    const blind = new PageIndex({ clock: new FakeClock(), className: '', pages, apps, services, secrets, namespaces: undefined });
    namespaces.apply({ metadata: { name: 'others', labels: {} } });
    expect(answer()).toBe('dropped consent_withdrawn');
    expect(told(blind.route('77', '1001'))).toBe('route others/clinic-a@1');
  });

  it('that lost its appId to another one verifies nothing, and none of its pages is routed', () => {
    const loser = decided(
      anApp({ appSecretRef: { name: 'rogue' } }, { name: 'rogue', creationTimestamp: '2020-01-01T00:00:00Z' }),
      'False',
      'AppClaimed',
    );
    const page = aPage({ metadata: { name: 'p' }, spec: { appRef: { name: 'rogue' } }, status: held(9) });
    const { index, answer } = setUp({ apps: [loser, decided(anApp(), 'True')], pages: [page] });

    expect(index.appsOnPath('/webhooks/messenger').map(({ owner }) => owner.name)).toEqual(['main']);
    expect(answer()).toBe('dropped claim_lost');
  });

  it('that nobody decided about yet does not push aside one that was accepted, however old it is', () => {
    const fresh = anApp({}, { name: 'older', creationTimestamp: '2001-01-01T00:00:00Z' });
    const { index } = setUp({ apps: [fresh, decided(anApp(), 'True')] });
    expect(index.appsOnPath('/webhooks/messenger').map(({ owner }) => owner.name)).toEqual(['main']);
  });

  it('verifies nothing before the leader has accepted it, and takes no place of those that it has', () => {
    const invented = Array.from({ length: 8 }, (_, i) => anApp({ appId: `7${i}` }, { name: `invented-${i}` }));
    const { apps, index } = setUp({ apps: [...invented, decided(anApp(), 'True')] });
    const verifying = (): string[] =>
      index.appsOnPath('/webhooks/messenger').flatMap(({ appSecrets, owner }) => (appSecrets.length === 0 ? [] : [owner.name]));
    expect(verifying()).toEqual(['main']);

    apps.apply(decided(anApp({ appId: '70' }, { name: 'invented-0' }), 'True'));
    expect(verifying().sort()).toEqual(['invented-0', 'main']);
  });

  it('of another class does not exist', () => {
    const { index, answer } = setUp({ apps: [decided(anApp({ className: 'blue' }), 'True')] });
    expect(index.appsOnPath('/webhooks/messenger')).toEqual([]);
    expect(answer()).toBe('unknown');
  });

  it('goes with its pages, and comes back with them', () => {
    const { apps, index, answer } = setUp();
    expect(answer()).toBe('route bots/clinic-a@1');
    apps.remove(anApp());
    expect(answer()).toBe('unknown');
    expect(index.appsOnPath('/webhooks/messenger')).toEqual([]);
    apps.apply(decided(anApp({}, { uid: 'again' }), 'True'));
    expect(answer()).toBe('route bots/clinic-a@1');
  });

  it('is on its path with the current secret, the previous one and the verify token, as they are now', () => {
    const { index, secrets, apps } = setUp({
      apps: [decided(anApp({ previousAppSecretRef: { name: 'main-app' }, webhook: { path: '/hook' } }), 'True')],
    });
    const values = () =>
      index.appsOnPath('/hook').map(({ appSecrets, verifyToken }) => [...appSecrets.map((one) => one.reveal()), verifyToken?.reveal()]);
    expect(values()).toEqual([['current-secret', 'previous-secret', 'verify-me']]);

    secrets.set('bots/main-app', { appSecret: 'rotated-secret\n', verifyToken: 'has a blank' });
    expect(values()).toEqual([['rotated-secret', undefined]]);
    secrets.set('bots/main-app', { previousAppSecret: 'previous-secret' });
    expect(values()).toEqual([[undefined]]);
    secrets.set('bots/main-app', undefined);
    expect(values()).toEqual([[undefined]]);
    apps.apply(decided(anApp({ webhook: { path: '/moved' } }), 'True'));
    expect(index.appsOnPath('/hook')).toEqual([]);
    expect(index.appsOnPath('/moved')).toHaveLength(1);
  });

  it('shares a path with at most seven others', () => {
    const apps = Array.from({ length: 12 }, (_, i) =>
      anApp({ appId: String(i) }, { name: `app-${i}`, creationTimestamp: `2026-01-${i + 10}T00:00:00Z` }),
    );
    const { index } = setUp({ apps });
    expect(index.appsOnPath('/webhooks/messenger').map(({ appId }) => appId)).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
  });
});

describe('the index', () => {
  it('gives the same object until something of it changes', () => {
    const { index, pages, services } = setUp();
    const first = index.route('77', '1001');
    pages.apply(aPage({ metadata: { name: 'unrelated' }, spec: { pageId: '5' } }));
    services.apply(aService('unrelated'));
    expect(index.route('77', '1001')).toBe(first);
    pages.apply(aPage({ metadata: { labels: { a: 'b' } } }));
    expect(index.route('77', '1001')).not.toBe(first);
  });

  it('is synced once every watch behind it is', () => {
    const { index, secrets } = setUp();
    expect(index.synced()).toBe(true);
    secrets.isSynced = false;
    expect(index.synced()).toBe(false);
  });

  it('knows the age of what it knows of pages', async () => {
    const { index, clock, pages, apps } = setUp();
    await clock.advance(95_000);
    pages.touch();
    expect(index.watchAgeMs()).toBe(95_000);
    apps.touch();
    expect(index.watchAgeMs()).toBe(0);
  });

  it('takes a change of one among 10,000 pages without looking at the others', () => {
    const many = Array.from({ length: 10_000 }, (_, i) =>
      aPage({ metadata: { name: `p${i}` }, spec: { pageId: String(i) }, status: held(1, { pageId: String(i) }) }),
    );
    const { index, pages } = setUp({ pages: many });
    for (let i = 0; i < 10_000; i++) expect(index.route('77', String(i)).kind).toBe('route');
    const kept = index.route('77', '9999');

    const start = performance.now();
    for (let i = 0; i < 1_000; i++) {
      pages.apply(
        aPage({
          metadata: { name: `p${i}`, labels: { i: String(i) } },
          spec: { pageId: String(i) },
          status: held(2, { pageId: String(i) }),
        }),
      );
      expect(told(index.route('77', String(i)))).toBe(`route bots/p${i}@2`);
    }
    expect(performance.now() - start).toBeLessThan(2_000);
    expect(index.route('77', '9999')).toBe(kept);
  });

  it('follows nothing any more once closed', () => {
    const { index, pages, answer } = setUp();
    answer();
    index.close();
    pages.remove(aPage());
    expect(answer()).toBe('route bots/clinic-a@1');
  });
});
