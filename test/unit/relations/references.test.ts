import { describe, expect, it } from '@jest/globals';
import { References, type ReferenceRole } from '../../../src/relations/references.js';
import { anApp, aPage, aWorld, decided } from '../routing/fakes.js';

const app = anApp({
  previousAppSecretRef: { name: 'old-app' },
  verifyTokenRef: { name: 'verify' },
  pageDefaults: { backend: { service: { name: 'bot', port: 1 }, signingSecretRef: { name: 'default-sign' } } },
});
const page = aPage({
  spec: {
    accessTokenSecretRef: { name: 'token' },
    backend: { service: { name: 'bot', port: 1 }, signingSecretRef: { name: 'sign' } },
    botConfig: { configMapRef: { name: 'cfg', key: 'c' } },
  },
});

function setUp(...roles: readonly ReferenceRole[]) {
  const world = aWorld();
  const learned: string[] = [];
  const forgotten: string[] = [];
  world.apps.replace([app]);
  world.pages.replace([page]);
  const references = new References({
    ...{ ...world, roles },
    learn: (secret) => void learned.push(secret.reveal()),
    forget: (secret) => void forgotten.push(secret.reveal()),
  });
  references.start();
  return { ...world, references, learned, forgotten };
}

describe('References', () => {
  it.each<[ReferenceRole, readonly string[], readonly string[]]>([
    ['controller', ['bots/default-sign', 'bots/main-app', 'bots/old-app', 'bots/sign', 'bots/token', 'bots/verify'], []],
    ['webhook', ['bots/default-sign', 'bots/main-app', 'bots/old-app', 'bots/sign', 'bots/verify'], []],
    ['pages-api', ['bots/token'], ['bots/cfg']],
  ])('of the %s are what it needs and nothing else', (role, secrets, configMaps) => {
    const world = setUp(role);
    expect(world.secrets.retained).toEqual(secrets);
    expect(world.configMaps.retained).toEqual(configMaps);
  });

  it('follow pages and apps', () => {
    const { pages, apps, secrets, configMaps } = setUp('pages-api', 'webhook');
    pages.apply(aPage({ spec: { accessTokenSecretRef: { name: 'other' } } }));
    expect(secrets.retained).toEqual(['bots/default-sign', 'bots/main-app', 'bots/old-app', 'bots/other', 'bots/verify']);
    expect(configMaps.retained).toEqual([]);

    pages.apply(aPage({ metadata: { name: 'second' }, spec: { accessTokenSecretRef: { name: 'other' } } }));
    pages.remove(page);
    expect(secrets.retained).toContain('bots/other');
    apps.remove(app);
    expect(secrets.retained).toEqual([]);
    pages.replace([]);
    expect(secrets.retained).toEqual([]);
  });

  it.each([
    ['an app that does not exist', { spec: { appRef: { name: 'none' } } }, app],
    ['an app that is not accepted', {}, decided(app, 'False', 'AppClaimed')],
    ['an app that was not looked at yet', {}, app],
    [
      'an app of another namespace that does not consent',
      { spec: { appRef: { name: 'main', namespace: 'bots' } }, metadata: { namespace: 'evil' } },
      decided(app, 'True'),
    ],
  ])('of a page without a claim are none with %s', (_what, overrides, theApp) => {
    const { apps, pages, secrets, configMaps } = setUp('controller', 'pages-api');
    apps.replace([theApp]);
    pages.replace([aPage({ ...overrides, status: {}, spec: { ...page.spec, ...('spec' in overrides ? overrides.spec : {}) } })]);
    expect(secrets.retained.filter((one) => one.endsWith('/token') || one.endsWith('/sign'))).toEqual([]);
    expect(configMaps.retained).toEqual([]);
  });

  it('of a page come with the acceptance of its app, and stay while it holds its claim', () => {
    const { apps, pages, secrets } = setUp('pages-api');
    pages.replace([{ ...page, status: {} }]);
    expect(secrets.retained).toEqual([]);
    apps.replace([decided(app, 'True')]);
    expect(secrets.retained).toEqual(['bots/token']);
    pages.replace([page]);
    apps.replace([decided(app, 'False', 'SecretNotFound')]);
    expect(secrets.retained).toEqual(['bots/token']);
  });

  it('of a page follow the labels of its namespace', () => {
    const { apps, pages, namespaces, secrets } = setUp('pages-api');
    const selector = { matchLabels: { team: 'a' } };
    namespaces.replace([{ metadata: { name: 'shop', labels: {} } }]);
    apps.replace([decided(anApp({ allowedNamespaces: { from: 'Selector', selector } }), 'True')]);
    pages.replace([aPage({ spec: { ...page.spec, appRef: { name: 'main', namespace: 'bots' } }, metadata: { namespace: 'shop' } })]);
    expect(secrets.retained).toEqual([]);
    namespaces.replace([{ metadata: { name: 'shop', labels: { team: 'a' } } }]);
    expect(secrets.retained).toEqual(['shop/token']);
  });

  it('of a page go with the class of its app', () => {
    const { apps, secrets } = setUp('pages-api');
    expect(secrets.retained).toEqual(['bots/token']);
    apps.remove(app);
    expect(secrets.retained).toEqual([]);
    apps.apply(anApp({ className: 'blue' }, { uid: 'blue' }));
    expect(secrets.retained).toEqual([]);
    apps.remove(anApp({ className: 'blue' }, { uid: 'blue' }));
    expect(secrets.retained).toEqual([]);
  });

  it('tell every value that is read by its reference, when it is there and when it changes, and no other key of the Secret', () => {
    const { secrets, learned } = setUp('pages-api');
    secrets.set('bots/token', { token: 'value-one', comment: 'not a secret' });
    secrets.set('bots/token', { token: 'value-two' });
    secrets.set('bots/unrelated', { token: 'unrelated' });
    expect(learned).toEqual(['value-one', 'value-two']);
  });

  it('give up a value when its Secret holds another one, and when no manifest refers to it any more', () => {
    const { secrets, pages, forgotten } = setUp('pages-api');
    secrets.set('bots/token', { token: 'value-one' });
    expect(forgotten).toEqual([]);
    secrets.set('bots/token', { token: 'value-two' });
    expect(forgotten).toEqual(['value-one']);
    pages.remove(page);
    expect(forgotten).toEqual(['value-one', 'value-two']);
  });

  it('stop when closed', () => {
    const { references, pages, secrets } = setUp('pages-api');
    references.close();
    pages.remove(page);
    expect(secrets.retained).toEqual(['bots/token']);
  });
});
