import { beforeEach, describe, expect, it } from '@jest/globals';
import { UNSUBSCRIBE_FINALIZER } from '../../../src/api/v1alpha1/constants.js';
import type { MessengerApp, MessengerPage } from '../../../src/api/v1alpha1/types.gen.js';
import { unsubscribePage, type PageUnsubscribeResult, type PageUnsubscribeDeps } from '../../../src/release/page.js';
import { NotLeaderError, RateLimitedError, StaleReadError, TerminalError, TransientError } from '../../../src/core/domain/errors.js';
import type { DataState } from '../../../src/runtime/ports.js';
import { FakeClock } from '../../support/fake-clock.js';

const TOKEN = 'EAAcanarycanarycanary0123456789';
const signal = new AbortController().signal;

let clock: FakeClock;
/** What Graph has: whether the app is on the Page; and the calls made. */
let graph: { listed: boolean; calls: string[]; fails: Error[]; refusesDelete: Error | undefined };
let live: MessengerPage | undefined;
let rivals: readonly MessengerPage[];
let secrets: Map<string, Readonly<Record<string, string>>>;
let fence: { check: () => void };

beforeEach(() => {
  clock = new FakeClock();
  graph = { listed: true, calls: [], fails: [], refusesDelete: undefined };
  live = undefined;
  rivals = [];
  secrets = new Map([
    ['bots/main', { appSecret: 'canary-app-secret' }],
    ['bots/clinic', { token: TOKEN }],
  ]);
  fence = { check: () => undefined };
});

const app: MessengerApp = {
  metadata: { name: 'main', namespace: 'bots', uid: 'app' },
  spec: { appId: '42', appSecretRef: { name: 'main' }, verifyTokenRef: { name: 'main' } },
};

function page(change: Partial<MessengerPage['spec']> = {}, status: NonNullable<MessengerPage['status']> = held()): MessengerPage {
  return {
    metadata: { name: 'clinic', namespace: 'bots', uid: 'page', generation: 1, finalizers: [UNSUBSCRIBE_FINALIZER] },
    spec: { pageId: '1001', appRef: { name: 'main' }, accessTokenSecretRef: { name: 'clinic' }, ...change },
    status,
  };
}

function held(state: 'Held' | 'Waiting' | 'Refused' = 'Held', epoch = 1): NonNullable<MessengerPage['status']> {
  return {
    claim: { appId: '42', pageId: '1001', state, epoch },
    lastWriteTime: '2026-11-23T00:00:00Z',
    token: { fingerprint: '0123456789abcdef', scopes: [] },
  };
}

function rival(status: NonNullable<MessengerPage['status']>, metadata: Partial<MessengerPage['metadata']> = {}): MessengerPage {
  return { ...page({}, status), metadata: { ...page().metadata, name: 'rival', uid: 'rival', ...metadata } };
}

async function call<T>(name: string, answer: () => T): Promise<T> {
  graph.calls.push(name);
  const failure = graph.fails.shift();
  if (failure !== undefined) throw failure;
  return Promise.resolve(answer());
}

function deps(change: Partial<PageUnsubscribeDeps> = {}): PageUnsubscribeDeps {
  const never = (): Promise<never> => Promise.reject(new Error('not to be called'));
  return {
    graph: {
      ...{ inspectToken: never, pageInfo: never, subscribe: never },
      observe: () => call('GET', () => ({ subscribed: graph.listed, fields: new Set<string>() })),
      unsubscribe: () =>
        call('DELETE', () => {
          if (graph.refusesDelete !== undefined) throw graph.refusesDelete;
          graph.listed = false;
        }),
    },
    livePages: { get: () => Promise.resolve(live) },
    finalizers: { add: never, remove: never },
    fence,
    clock,
    secrets: {
      read: ({ namespace, name }) => {
        const found = secrets.get(`${namespace}/${name}`);
        if (found === undefined) return Promise.resolve<DataState>({ kind: 'absent' });
        const data = new Map(Object.entries(found).map(([key, value]) => [key, Buffer.from(value)]));
        return Promise.resolve<DataState>({
          kind: 'present',
          uid: name,
          resourceVersion: '1',
          type: undefined,
          labels: {},
          data,
          goneSinceMs: undefined,
        });
      },
    },
    options: { secretGraceMs: 0, graphVersion: 'v25.0' },
    appOf: () => Promise.resolve(app),
    rivalsOf: () => Promise.resolve(rivals),
    leaving: new Set(['page']),
    dryRun: false,
    ...change,
  };
}

async function unsubscribed(leaving: MessengerPage, change: Partial<PageUnsubscribeDeps> = {}): Promise<PageUnsubscribeResult> {
  live ??= leaving;
  const pending = unsubscribePage(deps(change), leaving, signal);
  pending.catch(() => undefined); // it may end before anybody waits for it
  // What waits between attempts is the clock's.
  for (let i = 0; i < 10; i++) await clock.advance(1_000);
  return pending;
}

describe('the unsubscribing of a page that is freed by hand', () => {
  it('looks, deletes, and looks again', async () => {
    expect(await unsubscribed(page())).toEqual({ graph: 'unsubscribed', message: '' });
    expect(graph.calls).toEqual(['GET', 'DELETE', 'GET']);
  });

  it('has nothing to do where Graph does not list the app', async () => {
    graph.listed = false;
    expect(await unsubscribed(page())).toMatchObject({ graph: 'nothing to do', message: expect.stringContaining('does not list') });
    expect(graph.calls).toEqual(['GET']);
  });

  it('deletes all the same where a first write may be on its way', async () => {
    graph.listed = false;
    expect(await unsubscribed(page({}, { claim: { appId: '42', pageId: '1001', state: 'Held', epoch: 1 } }))).toMatchObject({
      graph: 'unsubscribed',
    });
    expect(graph.calls).toEqual(['GET', 'DELETE', 'GET']);
  });

  it.each([
    ['that is to be retained', page({ deletionPolicy: 'Retain' }), 'deletionPolicy is Retain'],
    [
      'that was to be retained when its app was last seen',
      page({}, { ...held(), effective: { deletionPolicy: 'Retain' } }),
      'deletionPolicy is Retain',
    ],
    ['that is only observed', page({ managementPolicy: 'Observe' }), 'managementPolicy is Observe'],
    ['that never held its claim', page({}, held('Waiting', 0)), 'it never held the Page'],
  ])('leaves alone one %s, without asking Graph', async (_what, leaving, message) => {
    expect(await unsubscribed(leaving)).toEqual({ graph: 'nothing to do', message });
    expect(graph.calls).toEqual([]);
  });

  it.each<[string, MessengerPage, MessengerPage, string]>([
    ['is proven and stays', page(), rival(held('Waiting', 0)), 'bots/rival takes it over'],
    ['holds the Page by now', page({}, held('Waiting', 1)), rival(held('Held', 2)), 'bots/rival holds it'],
    [
      'holds it since a later epoch',
      page({}, held('Held', 1)),
      rival(held('Held', 2), { deletionTimestamp: '2026-11-23T00:00:00Z' }),
      'bots/rival holds it',
    ],
  ])('leaves the Page to another that %s', async (_what, leaving, other, message) => {
    rivals = [leaving, other];
    expect(await unsubscribed(leaving)).toEqual({ graph: 'nothing to do', message });
    expect(graph.calls).toEqual([]);
  });

  it.each<[string, MessengerPage]>([
    ['is being deleted', rival(held('Waiting', 0), { deletionTimestamp: '2026-11-23T00:00:00Z' })],
    ['has no consent any more', rival(held('Refused', 0))],
    ['has proven nothing', rival({ claim: { appId: '42', pageId: '1001', state: 'Waiting', epoch: 0 } })],
    ['has the Page from an earlier epoch', rival({ claim: { appId: '42', pageId: '1001', state: 'Held', epoch: 0 } })],
    ['leaves in the same run', rival(held('Waiting', 0), { uid: 'leaves too' })],
  ])('does not wait for another that %s', async (_what, other) => {
    rivals = [page(), other];
    expect(await unsubscribed(page(), { leaving: new Set(['page', 'leaves too']) })).toMatchObject({ graph: 'unsubscribed' });
  });

  it('does not take a page of another app for a successor', async () => {
    rivals = [rival(held('Waiting', 0))];
    const other: MessengerApp = { ...app, spec: { ...app.spec, appId: '43' } };
    const appOf: PageUnsubscribeDeps['appOf'] = ({ metadata }) => Promise.resolve(metadata.uid === 'rival' ? other : app);
    expect(await unsubscribed(page(), { appOf })).toMatchObject({ graph: 'unsubscribed' });
  });

  it.each<[string, () => void]>([
    ['the Secret with the token', () => secrets.delete('bots/clinic')],
    ["the app's Secret", () => secrets.delete('bots/main')],
  ])('says how to finish by hand without %s', async (_what, lose) => {
    lose();
    const { graph: outcome, message } = await unsubscribed(page());
    expect(outcome).toBe('left subscribed');
    expect(message).toContain('Page 1001 may still be subscribed to app 42, for no credentials are known');
    expect(message).toContain('DELETE /1001/subscribed_apps');
  });

  it('says so of a token that Graph refuses, and shows no secret', async () => {
    graph.fails = [new TerminalError('TokenInvalidated', 'the token is dead'), new TerminalError('TokenInvalidated', 'the token is dead')];
    const { graph: outcome, message } = await unsubscribed(page());
    expect(outcome).toBe('left subscribed');
    expect(message).toContain('for the token is dead');
    expect(message).not.toContain(TOKEN);
  });

  it('tries three times while Graph is away, and once where Graph asks for minutes', async () => {
    graph.fails = Array.from({ length: 9 }, () => new TransientError('GraphUnavailable', 'no answer'));
    expect(await unsubscribed(page())).toMatchObject({ graph: 'left subscribed', message: expect.stringContaining('no answer') });
    expect(graph.calls).toEqual(['GET', 'GET', 'GET']);

    graph = {
      listed: true,
      calls: [],
      fails: [new RateLimitedError('the limit is reached', 300_000, { scope: 'app' })],
      refusesDelete: undefined,
    };
    expect(await unsubscribed(page())).toMatchObject({
      graph: 'left subscribed',
      message: expect.stringContaining('the limit is reached'),
    });
    expect(graph.calls).toEqual(['GET']);
  });

  it('reads again before a DELETE whose answer did not come is sent once more', async () => {
    // It did arrive.
    graph.refusesDelete = new TransientError('GraphUnavailable', 'no answer within 4.5 s');
    const unsubscribe = deps().graph.unsubscribe.bind(undefined);
    const arriving: PageUnsubscribeDeps['graph'] = {
      ...deps().graph,
      unsubscribe: (...args) => {
        graph.listed = false;
        return unsubscribe(...args);
      },
    };
    expect(await unsubscribed(page(), { graph: arriving })).toMatchObject({ graph: 'unsubscribed' });
    expect(graph.calls).toEqual(['GET', 'DELETE', 'GET']);
  });

  it.each<[string, () => void, new (...args: never[]) => Error]>([
    ['the page changed meanwhile', () => (live = { ...page(), metadata: { ...page().metadata, generation: 2 } }), StaleReadError],
    ['somebody else has freed it', () => (live = { ...page(), metadata: { ...page().metadata, finalizers: [] } }), StaleReadError],
    [
      'this process does not lead any more',
      () => {
        fence = {
          check: () => {
            throw new NotLeaderError();
          },
        };
      },
      NotLeaderError,
    ],
  ])('sends no DELETE when %s', async (_what, change, error) => {
    change();
    await expect(unsubscribed(page())).rejects.toBeInstanceOf(error);
    expect(graph.calls).toEqual(['GET']);
  });

  it('only looks in a dry run', async () => {
    expect(await unsubscribed(page(), { dryRun: true })).toEqual({ graph: 'would be unsubscribed', message: '' });
    expect(graph.calls).toEqual(['GET']);
    expect(graph.listed).toBe(true);
  });
});
