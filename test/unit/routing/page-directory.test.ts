import { describe, expect, it } from '@jest/globals';
import type { MessengerPageStatus } from '../../../src/api/v1alpha1/types.gen.js';
import { tokenFingerprint } from '../../../src/core/secrets/fingerprint.js';
import type { Logger } from '../../../src/kit/log.js';
import type { PageEntry } from '../../../src/core/ports/page-directory.js';
import { Secret } from '../../../src/core/secrets/secret.js';
import { ClaimedPages } from '../../../src/routing/page-directory.js';
import { anApp, aPage, aWorld, decided, held } from './fakes.js';

function setUp() {
  const world = aWorld();
  const warnings: unknown[] = [];
  const quiet = (): void => undefined;
  const log: Logger = {
    error: quiet,
    warn: (message, fields) => void warnings.push({ message, ...fields }),
    info: quiet,
    debug: quiet,
    child: () => log,
  };
  world.apps.replace([decided(anApp(), 'True')]);
  const directory = new ClaimedPages({ ...world, log });
  const only = (pageId = '1001'): PageEntry => {
    const [entry] = directory.find(pageId);
    if (entry === undefined) throw new Error('no such page');
    return entry;
  };
  return { ...world, directory, warnings, only };
}

/** A status that holds the claim and says that this value was proven. */
function proven(token: string, name = 'clinic-a'): MessengerPageStatus {
  return { ...held(), token: { fingerprint: tokenFingerprint(`uid-${name}`, new Secret('page-token', token)) } };
}

describe('ClaimedPages', () => {
  it('shows the pages that hold their claims, and no others', () => {
    const { directory, pages, only } = setUp();
    pages.replace([
      aPage({
        metadata: { labels: { bot: 'a' } },
        spec: { botConfig: { inline: { clinic: 'A' } } },
        status: {
          ...held(),
          pageName: 'Clinic A',
          effectiveFields: ['messages'],
          conditions: [{ type: 'Ready', status: 'True', reason: 'Ready', message: '', lastTransitionTime: '' }],
        },
      }),
      aPage({ metadata: { name: 'waiting' }, status: held(1, { state: 'Waiting' }) }),
      aPage({ metadata: { name: 'undecided' }, spec: { pageId: '2' }, status: {} }),
      aPage({
        metadata: { name: 'foreign', namespace: 'others' },
        spec: { pageId: '3', appRef: { name: 'main', namespace: 'bots' } },
        status: held(1, { pageId: '3' }),
      }),
    ]);

    expect(directory.list()).toHaveLength(1);
    expect(directory.find('3')).toEqual([]);
    expect(only()).toMatchObject({
      owner: { namespace: 'bots', name: 'clinic-a' },
      labels: { bot: 'a' },
      pageId: '1001',
      appId: '77',
      pageName: 'Clinic A',
      botConfig: { clinic: 'A' },
      fields: ['messages'],
      ready: true,
    });
  });

  it('finds a page in each of its apps', () => {
    const { directory, pages, apps } = setUp();
    apps.apply(decided(anApp({ appId: '88' }, { name: 'second' }), 'True'));
    pages.replace([aPage(), aPage({ metadata: { name: 'b' }, spec: { appRef: { name: 'second' } }, status: held(1, { appId: '88' }) })]);
    expect(directory.find('1001').map(({ appId, owner }) => `${appId} ${owner.name}`)).toEqual(['77 clinic-a', '88 b']);
  });

  it('lists in the order of namespace and name, as things are now', () => {
    const { directory, pages, apps } = setUp();
    apps.apply(decided(anApp({ allowedNamespaces: { from: 'All' } }), 'True'));
    const at = (namespace: string, name: string, pageId: string) =>
      aPage({ metadata: { namespace, name }, spec: { pageId, appRef: { name: 'main', namespace: 'bots' } }, status: held(1, { pageId }) });
    pages.replace([at('b', 'a', '1'), at('a', 'z', '2'), at('a', 'b', '3')]);
    const names = (namespace?: string) => directory.list(namespace).map(({ owner }) => `${owner.namespace}/${owner.name}`);
    expect(names()).toEqual(['a/b', 'a/z', 'b/a']);
    expect(names('a')).toEqual(['a/b', 'a/z']);
    pages.remove(at('a', 'b', '3'));
    expect(names()).toEqual(['a/z', 'b/a']);
    apps.remove(anApp());
    expect(names()).toEqual([]);
  });

  it('gives an entry another version whenever it changes', () => {
    const { pages, only, configMaps } = setUp();
    pages.replace([aPage({ spec: { botConfig: { configMapRef: { name: 'cfg', key: 'c' } } } })]);
    configMaps.set('bots/cfg', { c: '{"a":1}' });
    const first = only().version;
    expect(only().version).toBe(first);
    configMaps.set('bots/cfg', { c: '{"a":2}' });
    expect(only().botConfig).toEqual({ a: 2 });
    expect(only().version).not.toBe(first);
  });

  it('is synced once pages, apps, tokens and configs are', () => {
    const { directory, configMaps } = setUp();
    expect(directory.synced()).toBe(true);
    configMaps.isSynced = false;
    expect(directory.synced()).toBe(false);
  });
});

describe('a bot config in a ConfigMap', () => {
  it.each<[string, string | undefined, Record<string, unknown>, boolean]>([
    ['JSON', '{"clinic":"A","n":1}', { clinic: 'A', n: 1 }, false],
    ['YAML', 'clinic: A\nhours: [8, 17]\n', { clinic: 'A', hours: [8, 17] }, false],
    ['no object', '[1]', {}, true],
    ['a text', 'hello', {}, true],
    ['broken', '{"a": [', {}, true],
    ['too large', JSON.stringify({ a: 'x'.repeat(70_000) }), {}, true],
    [
      'a YAML bomb',
      `a: &a [${'x,'.repeat(50)}]\nb: &b [${'*a,'.repeat(50)}]\nc: &c [${'*b,'.repeat(50)}]\nd: [${'*c,'.repeat(50)}]`,
      {},
      true,
    ],
    ['YAML with a single alias', 'a: &a [1]\nb: *a\n', {}, true],
    [
      'YAML of 60 KB that aliases make 60 MB of',
      `a: &a ${'x'.repeat(59_000)}\nb: [${Array.from({ length: 45 }, () => '*a').join(',')}]`,
      {},
      true,
    ],
    ['small as text, too large as JSON', `a: ["${'\u0001'.repeat(20_000)}"]`, {}, true],
    ['nested too deeply', `{"a":${'['.repeat(2_000)}${']'.repeat(2_000)}}`, {}, true],
    ['nested as no stack can take', `{"a":${'['.repeat(30_000)}${']'.repeat(30_000)}}`, {}, true],
    ['no such key', undefined, {}, true],
  ])('that is %s', (_name, text, want, isProblem) => {
    const { pages, only, configMaps, warnings } = setUp();
    configMaps.set('bots/cfg', text === undefined ? { other: '' } : { c: text });
    pages.replace([aPage({ spec: { botConfig: { configMapRef: { name: 'cfg', key: 'c' } } } })]);
    expect(only().botConfig).toEqual(want);
    expect(warnings.length > 0).toBe(isProblem);
    expect(only().botConfigProblem !== undefined).toBe(isProblem);
  });

  it('is read once for all pages that refer to it', () => {
    const { pages, directory, configMaps } = setUp();
    configMaps.set('bots/cfg', { c: '{"a":{"b":1}}' });
    const spec = { botConfig: { configMapRef: { name: 'cfg', key: 'c' } } };
    pages.replace([
      aPage({ spec }),
      aPage({ metadata: { name: 'clinic-b', uid: 'b' }, spec: { ...spec, pageId: '1002' }, status: held(1, { pageId: '1002' }) }),
    ]);
    const [first, second] = directory.list();
    expect(second?.botConfig).toEqual({ a: { b: 1 } });
    expect(second?.botConfig).toBe(first?.botConfig);
  });

  it('takes no seconds for thousands of keys', () => {
    const { pages, only, configMaps } = setUp();
    configMaps.set('bots/cfg', { c: Array.from({ length: 9_000 }, (_, n) => `k${n}:\n`).join('') });
    pages.replace([aPage({ spec: { botConfig: { configMapRef: { name: 'cfg', key: 'c' } } } })]);
    const before = process.cpuUsage();
    expect(Object.keys(only().botConfig)).toHaveLength(0);
    expect(process.cpuUsage(before).user).toBeLessThan(2_000_000);
  });
});

describe('an inline bot config', () => {
  it.each([
    ['too large', { text: 'x'.repeat(16_384) }, 'has 16395 bytes as JSON, more than 16384'],
    [
      'nested too deeply',
      JSON.parse(`{"a":${'['.repeat(65)}${']'.repeat(65)}}`) as Record<string, unknown>,
      'is nested more than 64 levels deep',
    ],
  ])('that is %s is not served, and the answer says why', (_which, inline, problem) => {
    const { pages, only } = setUp();
    pages.replace([aPage({ spec: { botConfig: { inline } } })]);
    expect(only().botConfig).toEqual({});
    expect(only().botConfigProblem).toContain(problem);
  });
});

describe('the token', () => {
  it('is served once proven, and the last proven one until the new value is', () => {
    const { pages, secrets, directory, only } = setUp();
    const token = () => directory.provenToken(only())?.reveal();
    secrets.set('bots/clinic-a', { token: 'one-token\n' });
    pages.replace([aPage()]);
    expect(token()).toBeUndefined();
    pages.apply(aPage({ status: proven('one-token') }));
    expect(token()).toBe('one-token');

    secrets.set('bots/clinic-a', { token: 'two-token' });
    expect(token()).toBe('one-token');
    pages.apply(aPage({ status: proven('two-token') }));
    expect(token()).toBe('two-token');
  });

  it('keeps the old value when the proof of the new one is seen before the new value', () => {
    const { pages, secrets, directory, only } = setUp();
    secrets.set('bots/clinic-a', { token: 'one-token' });
    pages.replace([aPage({ status: proven('one-token') })]);
    pages.apply(aPage({ status: proven('two-token') }));
    expect(directory.provenToken(only())?.reveal()).toBe('one-token');
    secrets.set('bots/clinic-a', { token: 'two-token' });
    expect(directory.provenToken(only())?.reveal()).toBe('two-token');
  });

  it('keeps the last proven value when the page names another Secret', () => {
    const { pages, secrets, directory, only } = setUp();
    secrets.set('bots/clinic-a', { token: 'one-token' });
    pages.replace([aPage({ status: proven('one-token') })]);
    pages.apply(aPage({ spec: { accessTokenSecretRef: { name: 'next' } }, status: proven('one-token') }));
    secrets.set('bots/next', { token: 'unproven' });
    expect(directory.provenToken(only())?.reveal()).toBe('one-token');
  });

  it('ends with the Secret, with the page and with the claim', () => {
    const { pages, secrets, directory, only } = setUp();
    secrets.set('bots/clinic-a', { token: 'one-token' });
    pages.replace([aPage({ status: proven('one-token') })]);
    const entry = only();
    expect(directory.provenToken(entry)?.reveal()).toBe('one-token');

    pages.apply(aPage({ status: { ...proven('one-token'), ...held(1, { state: 'Waiting' }) } }));
    expect(directory.provenToken(entry)).toBeUndefined();
    pages.apply(aPage({ status: proven('one-token') }));
    expect(directory.provenToken(entry)?.reveal()).toBe('one-token');
    secrets.set('bots/clinic-a', undefined);
    expect(directory.provenToken(entry)).toBeUndefined();

    secrets.set('bots/clinic-a', { token: 'one-token' });
    expect(directory.provenToken(entry)?.reveal()).toBe('one-token');
    // Another object of the same name: what was proven for the old one is not proven for it.
    pages.apply({ ...aPage({ metadata: { uid: 'another' } }), status: proven('one-token') });
    expect(directory.provenToken(only())).toBeUndefined();
  });

  it('of one page is never that of another with the same value', () => {
    const { pages, secrets, directory, only } = setUp();
    secrets.set('bots/b', { token: 'one-token' });
    pages.replace([aPage({ metadata: { name: 'b' }, status: proven('one-token', 'clinic-a') })]);
    expect(directory.provenToken(only())).toBeUndefined();
  });
});
