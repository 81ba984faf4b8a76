import { describe, expect, it } from '@jest/globals';
import { APPS, type Kind, KINDS } from '../../../src/api/kinds.js';
import { IN_USE_FINALIZER, UNSUBSCRIBE_FINALIZER } from '../../../src/api/v1alpha1/constants.js';
import { findTargets, type ReleaseScope, type Targets } from '../../../src/release/targets.js';
import type { KubeClient, KubeRequest } from '../../../src/k8s/kube-http.js';
import { KubeStatusError } from '../../../src/k8s/kube-error.js';

type Objects = readonly object[];
const DELETED = '2026-11-23T00:00:00Z';

/** Answers lists and reads from these, as the API server does: items of a list have no kind. */
function client(objects: Readonly<Record<string, Objects | undefined>>): KubeClient {
  const request = ({ path }: KubeRequest): Promise<unknown> => {
    const [, , , , ...rest] = path.split('/');
    const namespace = rest[0] === 'namespaces' ? rest[1] : undefined;
    const [plural = '', name] = namespace === undefined ? rest : rest.slice(2);
    const items = objects[plural] as readonly { metadata: { name: string; namespace: string } }[] | undefined;
    const here = items?.filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace);
    const found =
      name === undefined ? { metadata: { resourceVersion: '1' }, items: here } : here?.find(({ metadata }) => metadata.name === name);
    return here === undefined || found === undefined ? Promise.reject(new KubeStatusError(path, 404, {})) : Promise.resolve(found);
  };
  return { request } as unknown as KubeClient;
}

function page(name: string, { namespace = 'bots', app = 'main', deleted = true, ours = true, appNamespace = '' } = {}): object {
  return {
    metadata: {
      name,
      namespace,
      uid: name,
      ...(deleted ? { deletionTimestamp: DELETED } : {}),
      finalizers: ours ? [UNSUBSCRIBE_FINALIZER] : ['x/y'],
    },
    spec: {
      pageId: '1',
      appRef: { name: app, ...(appNamespace === '' ? {} : { namespace: appNamespace }) },
      accessTokenSecretRef: { name },
    },
  };
}

function app(name: string, { namespace = 'bots', className = '', deleted = true } = {}): object {
  return {
    metadata: { name, namespace, uid: `app-${name}`, ...(deleted ? { deletionTimestamp: DELETED } : {}), finalizers: [IN_USE_FINALIZER] },
    spec: { appId: '42', className },
  };
}

function find(pages: Objects | undefined, apps: Objects | undefined, scope: Partial<ReleaseScope> = {}): Promise<Targets> {
  const all: ReleaseScope = { namespaces: [undefined], everywhere: [undefined], names: [], everything: false, className: '', ...scope };
  return findTargets(client({ messengerpages: pages, messengerapps: apps }), all, new AbortController().signal);
}

const namesOf = ({ groups }: Targets): readonly string[] => groups.flatMap(({ objects }) => objects.map(({ metadata }) => metadata.name));

describe('what a release frees', () => {
  it('is what is being deleted and has a finalizer of ours', async () => {
    const pages = [page('b'), page('a'), page('living', { deleted: false }), page('foreign', { ours: false })];
    const found = await find(pages, [app('main'), app('used', { deleted: false })]);
    expect(namesOf(found)).toEqual(['a', 'b', 'main']);
    expect(found.skipped).toEqual([]);
  });

  it('with --all is what lives as well, and whoever has no finalizer leaves too', async () => {
    const found = await find([page('living', { deleted: false }), page('unwritten', { deleted: false, ours: false })], [], {
      everything: true,
    });
    expect(namesOf(found)).toEqual(['living']);
    expect([...found.leaving]).toEqual(['living', 'unwritten']);
  });

  it('is of one class: that of the app, also of one in another namespace', async () => {
    const pages = [page('plain'), page('blue', { app: 'blue' }), page('abroad', { app: 'blue', namespace: 'other', appNamespace: 'bots' })];
    const apps = [app('main'), app('blue', { className: 'blue' })];
    expect(namesOf(await find(pages, apps))).toEqual(['plain', 'main']);
    expect(namesOf(await find(pages, apps, { className: 'blue' }))).toEqual(['blue', 'abroad', 'blue']);
    expect(namesOf(await find(pages, apps, { className: 'blue', namespaces: ['other'] }))).toEqual(['abroad']);
  });

  it('of a page whose app is gone belongs to the unnamed class, unless it is named', async () => {
    expect(namesOf(await find([page('orphan', { app: 'gone' })], [], { className: 'blue' }))).toEqual([]);
    expect(namesOf(await find([page('orphan', { app: 'gone' })], []))).toEqual(['orphan']);
    expect(namesOf(await find([page('orphan', { app: 'gone' })], [], { className: 'blue', names: ['orphan'] }))).toEqual(['orphan']);
  });

  it.each([
    [['main'], ['main', 'main']],
    [['page/main'], ['main']],
    [
      ['mpage/main', 'a'],
      ['a', 'main'],
    ],
    [['mapp/main'], ['main']],
  ])('named %j is %j', async (names, wanted) => {
    expect(namesOf(await find([page('main'), page('a')], [app('main')], { names }))).toEqual(wanted);
  });

  it('says why a named object is not freed, and which names nothing has', async () => {
    const pages = [page('living', { deleted: false }), page('blue', { app: 'blue' }), page('foreign', { ours: false })];
    const found = await find(pages, [app('main'), app('blue', { className: 'blue' })], {
      names: ['living', 'page/blue', 'foreign', 'nobody'],
    });
    expect(found.skipped.map(({ name, why, message }) => [name, why, message])).toEqual([
      ['living', 'NotBeingDeleted', expect.stringContaining('delete it first, or use --all')],
      ['blue', 'OtherClass', 'it belongs to the class "blue": name that with --class'],
      ['foreign', 'NoFinalizer', 'it has no finalizer of this operator'],
    ]);
    expect(found.missing).toEqual(['nobody']);
  });

  it('is of every kind of the table, each by its own finalizer, in the order of the table', async () => {
    const widgets: Kind = { ...APPS, kind: 'MessengerWidget', plural: 'messengerwidgets', shortNames: ['mwidget'], finalizer: 'x/widget' };
    const widget = { metadata: { name: 'w', namespace: 'bots', deletionTimestamp: DELETED, finalizers: ['x/widget'] }, spec: {} };
    const scope: ReleaseScope = { namespaces: [undefined], everywhere: [undefined], names: [], everything: false, className: '' };
    const cluster = client({ messengerpages: [page('a')], messengerapps: [app('main')], messengerwidgets: [widget] });

    const found = await findTargets(cluster, scope, new AbortController().signal, [widgets, ...KINDS]);

    expect(namesOf(found)).toEqual(['w', 'a', 'main']);
  });

  it('is nothing where the kinds are gone, and that is said', async () => {
    expect(await find(undefined, undefined, { names: ['a'] })).toMatchObject({
      groups: [{ objects: [] }, { objects: [] }],
      ...{ missing: [], any: false },
      notes: [
        expect.stringContaining('messengerpages.messenger-operator.dev is gone'),
        expect.stringContaining('messengerapps.messenger-operator.dev is gone'),
      ],
    });
    expect(namesOf(await find([page('a')], undefined))).toEqual(['a']);
  });
});
