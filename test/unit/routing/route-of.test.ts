import { describe, expect, it } from '@jest/globals';
import type { MessengerPage } from '../../../src/api/v1alpha1/types.gen.js';
import { PageIndex } from '../../../src/routing/page-index.js';
import { SharedTargets } from '../../../src/routing/route-of.js';
import { FakeClock } from '../../support/fake-clock.js';
import { anApp, aPage, aService, decided } from './fakes.js';
import { fromOther, routeIn, setUp, told } from './set-up.js';

describe('the backend', () => {
  it('has the defaults of the API', () => {
    const { index } = setUp();
    expect(routeIn(index)).toMatchObject({
      owner: { namespace: 'bots', name: 'clinic-a', uid: 'uid-clinic-a' },
      appId: '77',
      pageId: '1001',
      target: { kind: 'service', namespace: 'bots', name: 'bot', port: 5000, path: '/webhooks/messenger' },
      signingSecret: undefined,
      timeoutMs: 4_000,
      maxInFlight: 8,
      maxEventsPerRequest: 1,
      maxRequestBytes: 92_160,
    });
    expect(routeIn(index).accepts).toBeUndefined();
  });

  it('is one object for all pages that have the same bot, and another one for another bot', () => {
    const place = { kind: 'service', namespace: 'bots', name: 'bot', port: 5000, path: '/x' } as const;
    const targets = new SharedTargets();

    expect(targets.share({ ...place })).toBe(targets.share({ ...place }));
    expect(targets.share({ ...place, path: '/y' })).toEqual({ ...place, path: '/y' });
    expect(targets.share({ kind: 'url', url: 'https://a' })).toEqual({ kind: 'url', url: 'https://a' });
    for (let port = 0; port < 30_000; port++) expect(targets.share({ ...place, port }).kind).toBe('service');
    expect(targets.size).toBeLessThanOrEqual(10_000);
  });

  it('is what the page says', () => {
    const backend = {
      url: 'https://bots.example.net/x',
      accepts: ['messaging', 'calls'],
      timeout: '1500ms',
      maxInFlight: 2,
      maxEventsPerRequest: 0,
      maxRequestBytes: 5_000,
    };
    const route = routeIn(setUp({ pages: [aPage({ spec: { backend } })] }).index);
    expect(route).toMatchObject({
      target: { kind: 'url', url: backend.url },
      timeoutMs: 1_500,
      maxInFlight: 2,
      maxEventsPerRequest: 0,
      maxRequestBytes: 5_000,
    });
    expect(route.accepts).toEqual(new Set(['messaging', 'calls']));
  });

  it('may be the default of the app, with the Service and the signing Secret of the namespace of the app', () => {
    const app = anApp({
      allowedNamespaces: { from: 'All' },
      pageDefaults: { backend: { service: { name: 'bot', port: 'http', path: '/in' }, signingSecretRef: { name: 'sign', key: 'k' } } },
    });
    const page = {
      ...fromOther(),
      spec: { pageId: '1001', appRef: { name: 'main', namespace: 'bots' }, accessTokenSecretRef: { name: 't' } },
    };
    const { secrets, index, answer } = setUp({ apps: [decided(app, 'True')], pages: [page] });
    expect(answer()).toBe('not_yet backend_unresolved');

    secrets.set('bots/sign', { k: 'shared' });
    const route = routeIn(index);
    expect(route.target).toEqual({ kind: 'service', namespace: 'bots', name: 'bot', port: 8080, path: '/in' });
    expect(route.signingSecret?.reveal()).toBe('shared');
  });

  it.each<[string, string, MessengerPage['spec']['backend']]>([
    ['is missing', 'dropped no_backend', undefined],
    ['is a Service that is not there', 'not_yet backend_unresolved', { service: { name: 'nobody', port: 1 } }],
    ['is a port that the Service does not name', 'not_yet backend_unresolved', { service: { name: 'bot', port: 'grpc' } }],
    ['is a port number that the Service lacks', 'not_yet backend_unresolved', { service: { name: 'bot', port: 81 } }],
    ['points outside by ExternalName', 'dropped backend_not_allowed', { service: { name: 'outside', port: 1 } }],
    ['is not https', 'dropped backend_not_allowed', { url: 'http://bots.example.net/' }],
    ['is the machine itself', 'dropped backend_not_allowed', { url: 'https://127.0.0.1:8443/' }],
    ['is a metadata service in decimal', 'dropped backend_not_allowed', { url: 'https://2852039166/' }],
    [
      'signs with a Secret that is not there',
      'not_yet backend_unresolved',
      { service: { name: 'bot', port: 1 }, signingSecretRef: { name: 'gone' } },
    ],
  ])('that %s: %s', (_name, want, backend) => {
    const page = aPage();
    const { services, answer } = setUp({ pages: [{ ...page, spec: { ...page.spec, ...{ backend } } as MessengerPage['spec'] }] });
    services.apply(aService('outside', { type: 'ExternalName' }));
    expect(answer()).toBe(want);
  });

  it('of another namespace than the app must have a signing Secret of its own', () => {
    const { services, answer } = setUp({
      apps: [decided(anApp({ allowedNamespaces: { from: 'All' } }), 'True')],
      pages: [fromOther({ backend: { service: { name: 'bot', port: 1 } } })],
    });
    services.apply(aService('bot', undefined, 'others'));
    expect(answer()).toBe('dropped backend_not_allowed');
  });

  it('follows its Service and its signing Secret', () => {
    const backend = { service: { name: 'bot', port: 'http' }, signingSecretRef: { name: 'sign' } };
    const { services, secrets, index, answer } = setUp({ pages: [aPage({ spec: { backend } })] });
    secrets.set('bots/sign', { appSecret: 'secret-one' });
    const first = routeIn(index);
    expect(first).toMatchObject({ target: { port: 8080 } });

    services.apply(aService('bot', { ports: [{ name: 'http', port: 9090 }] }));
    secrets.set('bots/sign', { appSecret: 'secret-two' });
    expect(routeIn(index)).toMatchObject({ target: { port: 9090 } });
    expect([first.signingSecret?.reveal(), routeIn(index).signingSecret?.reveal()]).toEqual(['secret-one', 'secret-two']);
    expect(first).toMatchObject({ target: { port: 8080 } });
    services.remove(aService());
    expect(answer()).toBe('not_yet backend_unresolved');
  });

  it('is taken as it stands where Services are not known', () => {
    const { pages, apps, secrets } = setUp();
    const index = new PageIndex({
      clock: new FakeClock(),
      className: '',
      pages,
      apps,
      secrets,
      services: undefined,
      namespaces: undefined,
    });
    expect(told(index.route('77', '1001'))).toBe('route bots/clinic-a@1');
    pages.apply(aPage({ spec: { backend: { service: { name: 'bot', port: 'http' } } } }));
    expect(told(index.route('77', '1001'))).toBe('not_yet backend_unresolved');
  });
});
