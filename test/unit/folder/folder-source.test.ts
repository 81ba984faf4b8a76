import { describe, expect, it, jest } from '@jest/globals';
import { KINDS } from '../../../src/api/kinds.js';
import type { KubeObject } from '../../../src/api/meta.js';
import { silentLogger } from '../../../src/kit/log.js';
import type { Scan } from '../../../src/folder/folder-reader.js';
import { FolderSource } from '../../../src/folder/folder-source.js';
import { FolderWorld } from '../../../src/folder/folder-world.js';
import { KindValidator } from '../../../src/folder/kind-validator.js';
import type { Problem } from '../../../src/folder/problem.js';
import { StateFolder } from '../../../src/folder/state-folder.js';
import { Store } from '../../../src/runtime/store.js';
import { FakeClock } from '../../support/fake-clock.js';
import { app, APP_CRD, page, PAGE_CRD, secret, temporaryFolder } from './fixtures.js';

type Manifest = Record<string, unknown>;
const SIGNAL = new AbortController().signal;
const CRDS = new Map([APP_CRD, PAGE_CRD].map((crd) => [crd.kind, crd]));
const VALIDATORS = new Map([...CRDS].map(([kind, crd]) => [kind, new KindValidator(crd)]));

function setUp({ folder = temporaryFolder(), namespaces = [] as readonly string[], allowMassDelete = false } = {}) {
  const clock = new FakeClock();
  const stores = new Map(['MessengerApp', 'MessengerPage', 'Service', 'Namespace'].map((kind) => [kind, new Store<KubeObject>({ clock })]));
  const state = new StateFolder(folder);
  const watched = new Set(namespaces);
  const world = new FolderWorld({ clock, log: silentLogger, state, crds: CRDS, sinks: stores, namespaces: watched });
  const found: Scan = { documents: [], problems: [], good: true, unsettled: false, readable: true, unchanged: false };
  let scan = found;
  let problems: readonly Problem[] = [];
  const source = new FolderSource({
    reader: { scan: () => Promise.resolve(scan) },
    world,
    kinds: KINDS,
    validators: VALIDATORS,
    namespaces: watched,
    deletion: { confirmMs: 10_000, allowMassDelete },
    clock,
    log: silentLogger,
    keepProblems: (told) => (problems = told),
  });
  const put = async (manifests: readonly Manifest[], rest: Partial<Scan> = {}): Promise<void> => {
    const documents = manifests.map((value, i) => ({ file: 'all.yaml', document: i + 1, line: 1, value }));
    scan = { ...found, documents, good: documents.length > 0, ...rest };
    await source.pass(SIGNAL);
  };
  /** Long enough for a removal to count. */
  const gone = async (manifests: readonly Manifest[], rest: Partial<Scan> = {}): Promise<void> => {
    await put(manifests, rest);
    await clock.advance(10_000);
    await put(manifests, rest);
  };
  const names = (kind: string): readonly string[] => (stores.get(kind)?.list() ?? []).map(({ metadata }) => metadata.name).sort();
  const get = (kind: string, name: string): KubeObject & { readonly spec?: Manifest } => {
    const object = stores.get(kind)?.get({ namespace: 'bots', name });
    if (object === undefined) throw new Error(`no ${kind} ${name}`);
    return object;
  };
  return { folder, clock, stores, world, source, put, gone, names, get, problems: () => problems };
}

const anchor = app('anchor');

describe('FolderSource', () => {
  it('fills the stores from the first scan, and not before', async () => {
    const { stores, put, names, world } = setUp();
    expect(stores.get('MessengerPage')?.hasSynced()).toBe(false);
    expect(world.secrets.coverage()).toBe('pending');

    await put([
      app('main'),
      page('a'),
      secret('a', { token: 'x' }),
      { apiVersion: 'v1', kind: 'Service', metadata: { name: 'bot' }, spec: { ports: [] } },
    ]);

    expect([...stores.values()].map((store) => store.hasSynced())).toEqual([true, true, true, true]);
    expect([names('MessengerApp'), names('MessengerPage'), names('Service'), names('Namespace')]).toEqual([
      ['main'],
      ['a'],
      ['bot'],
      ['bots', 'default'],
    ]);
    expect((await world.secrets.fetch({ namespace: 'bots', name: 'a' }))?.data.get('token')).toEqual(Buffer.from('x'));
  });

  it('stays without a first list while the folder cannot be read', async () => {
    const { stores, put, source } = setUp();
    await put([], { readable: false, good: false, problems: [{ file: '', message: 'the folder cannot be read (EIO)' }] });
    expect(source.hasSynced()).toBe(false);
    expect(stores.get('MessengerPage')?.hasSynced()).toBe(false);
    await put([page('a')]);
    expect(source.hasSynced()).toBe(true);
  });

  it('keeps the last good version of an object that became invalid', async () => {
    const { put, get, problems } = setUp();
    await put([page('a', { suspend: true })]);
    await put([page('a', { suspend: 'yes' })]);

    expect(get('MessengerPage', 'a').spec).toMatchObject({ suspend: true });
    expect(problems()).toEqual([
      {
        file: 'all.yaml',
        document: 1,
        line: 1,
        object: 'MessengerPage bots/a',
        field: 'spec.suspend',
        message: expect.stringContaining('must be true or false'),
      },
    ]);
    await put([page('a', { suspend: false })]);
    expect(get('MessengerPage', 'a').spec).toMatchObject({ suspend: false });
    expect(problems()).toEqual([]);
  });

  it('never removes an object because its manifest became invalid', async () => {
    const { put, gone, names } = setUp();
    await put([page('a'), anchor]);
    await gone([{ ...page('a'), spec: {} }, anchor]);
    expect(names('MessengerPage')).toEqual(['a']);
  });

  it('refuses what may not change, by the object as it was', async () => {
    const { put, get, problems } = setUp();
    await put([page('a', { pageId: '1001' })]);
    await put([page('a', { pageId: '1002' })]);
    expect(get('MessengerPage', 'a').spec).toMatchObject({ pageId: '1001' });
    expect(problems()).toMatchObject([{ field: 'spec.pageId', message: expect.stringContaining('cannot be changed') }]);
  });

  it('removes an object after two good scans', async () => {
    const { put, clock, names } = setUp();
    await put([page('a'), anchor]);
    await put([anchor]);
    expect(names('MessengerPage')).toEqual(['a']);
    await clock.advance(10_000);
    await put([anchor]);
    expect(names('MessengerPage')).toEqual([]);
  });

  it.each<[string, Partial<Scan>]>([
    ['was empty', { documents: [], good: false }],
    ['could not be read', { documents: [], good: false, readable: false }],
    ['had a file that did not parse', { good: false }],
  ])('removes nothing when the folder %s', async (_, rest) => {
    const { put, gone, names } = setUp();
    await put([page('a'), anchor]);
    await gone([anchor], rest);
    await gone([anchor], rest);
    expect(names('MessengerPage')).toEqual(['a']);
  });

  it('removes nothing while some manifest does not say what it is about', async () => {
    const { put, gone, names, problems } = setUp();
    await put([page('a'), anchor]);
    await gone([anchor, { apiVersion: 'messenger-operator.dev/v1alpha1', kind: 'MessengerPage', metadata: {}, spec: {} }]);
    expect(names('MessengerPage')).toEqual(['a']);
    expect(problems()).toMatchObject([{ field: 'metadata.name', message: 'is missing' }]);
  });

  it('marks a page with a finalizer as being deleted, with its spec, even if its file went while nobody ran', async () => {
    const { put, world, folder, get } = setUp();
    await put([page('a', { suspend: true }), anchor]);
    world.set('MessengerPage').addFinalizer(get('MessengerPage', 'a'), 'ours');

    const restarted = setUp({ folder });
    await restarted.gone([anchor]);

    expect(restarted.get('MessengerPage', 'a')).toMatchObject({
      metadata: { uid: get('MessengerPage', 'a').metadata.uid, finalizers: ['ours'], deletionTimestamp: expect.any(String) },
      spec: { suspend: true },
    });
  });

  it('lost state means objects that were never seen, not objects that are gone', async () => {
    const { put } = setUp();
    await put([page('a'), anchor]);
    const anew = setUp();
    await anew.gone([page('a'), anchor]);
    expect(anew.get('MessengerPage', 'a').metadata).toMatchObject({ generation: 1 });
    expect(anew.get('MessengerPage', 'a').metadata.deletionTimestamp).toBeUndefined();
  });

  it('removes nothing when many pages vanish at once, their Secrets neither, unless that is allowed', async () => {
    const many = Array.from({ length: 8 }, (_, i) => [page(`p${i}`, { pageId: `${i}` }), secret(`p${i}`, { token: 'x' })]).flat();
    const { put, gone, names, world, folder } = setUp();
    await put([...many, anchor]);
    await gone([anchor]);
    expect(names('MessengerPage')).toHaveLength(8);
    expect(world.secrets.keys()).toHaveLength(8);

    const allowed = setUp({ folder, allowMassDelete: true });
    await allowed.gone([anchor]);
    expect(allowed.names('MessengerPage')).toEqual([]);
  });

  it('uses the first of two manifests for one object, and says so', async () => {
    const { put, get, problems } = setUp();
    await put([page('a', { suspend: true }), page('a', { suspend: false })]);
    expect(get('MessengerPage', 'a').spec).toMatchObject({ suspend: true });
    expect(problems()).toMatchObject([
      { document: 2, message: expect.stringContaining('is defined a second time; the first one, in all.yaml, document 1') },
    ]);
  });

  it('does not take a page that it no longer watches for a page that is gone', async () => {
    const { put, folder, world, get } = setUp();
    await put([page('a'), anchor]);
    world.set('MessengerPage').addFinalizer(get('MessengerPage', 'a'), 'ours');

    const narrowed = setUp({ folder, namespaces: ['elsewhere'] });
    await narrowed.gone([page('a'), anchor]);
    expect(narrowed.names('MessengerPage')).toEqual([]);

    const widened = setUp({ folder });
    await widened.put([page('a'), anchor]);
    expect(widened.get('MessengerPage', 'a').metadata.deletionTimestamp).toBeUndefined();
  });

  it('ignores kinds that it does not know, and refuses versions of ours that do not exist', async () => {
    const { put, problems } = setUp();
    await put([
      { apiVersion: 'apps/v1', kind: 'Deployment' },
      { ...page('a'), apiVersion: 'messenger-operator.dev/v1' },
    ]);
    expect(problems()).toMatchObject([{ field: 'apiVersion', message: expect.stringContaining('only messenger-operator.dev/v1alpha1') }]);
  });

  it('gives a namespace the labels of its manifest, and takes them away with it', async () => {
    const { put, stores } = setUp();
    const labels = (): unknown => stores.get('Namespace')?.get({ namespace: '', name: 'bots' })?.metadata.labels;
    await put([page('a'), { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'bots', labels: { team: 'x' } } }]);
    expect(labels()).toEqual({ team: 'x', 'kubernetes.io/metadata.name': 'bots' });
    await put([page('a')]);
    expect(labels()).toEqual({ 'kubernetes.io/metadata.name': 'bots' });
  });

  it('takes in a new value of a Secret, and keeps the last good one of a Secret that became invalid', async () => {
    const { put, world } = setUp();
    const changes: string[] = [];
    world.secrets.subscribe((key) => changes.push(key?.name ?? '*'));
    const value = async (): Promise<string> => String((await world.secrets.fetch({ namespace: 'bots', name: 'a' }))?.data.get('token'));
    await put([secret('a', { token: 'one' })]);
    await put([secret('a', { token: 'one' })]);
    expect(changes).toEqual(['a', '*']);

    await put([secret('a', { token: 'two' })]);
    expect(await value()).toBe('two');
    await put([{ ...secret('a', {}), stringData: undefined, data: { token: 'not base64!' } }]);
    expect(await value()).toBe('two');
  });

  it('makes an object anew once its deletion is over, although the folder did not change meanwhile', async () => {
    const { put, gone, get, world, names } = setUp();
    await put([page('a'), anchor]);
    world.set('MessengerPage').addFinalizer(get('MessengerPage', 'a'), 'ours');
    await gone([anchor]);
    await put([page('a'), anchor]);
    world.set('MessengerPage').removeFinalizer(get('MessengerPage', 'a'), 'ours');
    expect(names('MessengerPage')).toEqual([]);

    await put([page('a'), anchor], { unchanged: true });

    expect(names('MessengerPage')).toEqual(['a']);
  });

  it('removes an object that was missing in a scan that changed nothing after that', async () => {
    const { put, clock, names } = setUp();
    await put([page('a'), anchor]);
    await put([anchor]);
    await clock.advance(10_000);
    await put([anchor], { unchanged: true });
    expect(names('MessengerPage')).toEqual([]);
  });

  it('does not judge the manifests again while nothing changes', async () => {
    const { put, world, names } = setUp();
    await put([page('a'), anchor]);
    const judged = jest.spyOn(world, 'apply');
    await put([page('a'), anchor], { unchanged: true });
    expect(judged).not.toHaveBeenCalled();
    await put([page('a'), page('b', { pageId: '1002' }), anchor]);
    expect(names('MessengerPage')).toEqual(['a', 'b']);
  });

  it('uses what was read of a folder that is too large, and removes nothing', async () => {
    const { put, gone, names, problems } = setUp();
    await put([page('a'), anchor]);
    const problem = { file: 'z.yaml', message: 'the folder has too many manifest files' };
    await gone([page('b', { pageId: '1002' }), anchor], { good: false, problems: [problem] });
    expect(names('MessengerPage')).toEqual(['a', 'b']);
    expect(problems()).toEqual([problem]);
  });
});
