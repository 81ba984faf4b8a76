import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { PAGES } from '../../../src/api/kinds.js';
import { NotLeaderError } from '../../../src/core/domain/errors.js';
import { silentLogger } from '../../../src/kit/log.js';
import { KubeCluster } from '../../../src/k8s/kube-cluster.js';
import type { KubeClusterOptions } from '../../../src/k8s/kube-cluster-options.js';
import type { KubeClient } from '../../../src/k8s/kube-http.js';
import { eventually } from '../../support/eventually.js';
import { SteppedClock } from './reflector-harness.js';
import { clientOf, json, ScriptedApi, status, Stream, type Answer } from './scripted-api.js';

const PAGE = {
  metadata: {
    name: 'clinic',
    namespace: 'bots',
    uid: 'u1',
    resourceVersion: '5',
    annotations: { big: 'x' },
    labels: { team: 'a' },
    generation: 2,
  },
  spec: { pageId: '1001' },
  status: { claim: { epoch: 1 }, conditions: [{ type: 'Ready' }], token: { fingerprint: 'f' } },
};
const SERVICE = {
  metadata: { name: 'bot', namespace: 'bots', uid: 's1', resourceVersion: '6', labels: { a: 'b' } },
  spec: { type: 'ClusterIP', clusterIP: '10.0.0.1', ports: [{ name: 'http', port: 5000, targetPort: 1, protocol: 'TCP' }] },
};

let api: ScriptedApi;
let clock: SteppedClock;
let client: KubeClient;
let life: AbortController;
let refused: Set<string>;

beforeEach(async () => {
  api = await new ScriptedApi().start();
  api.otherwise(answer);
  clock = new SteppedClock();
  client = clientOf(api, clock);
  life = new AbortController();
  refused = new Set();
});

afterEach(async () => {
  life.abort();
  await client.close();
  await api.stop();
});

const answer: Answer = (response, seen) => {
  const { pathname, searchParams } = seen.url;
  if (refused.has(pathname)) status(403, 'Forbidden')(response, seen);
  else if (searchParams.has('watch')) new Stream().answer(response, seen);
  else if (pathname.endsWith('/secrets/token'))
    json(200, { metadata: { name: 'token', uid: 't', resourceVersion: '3' }, data: { token: 'c2VjcmV0' } })(response, seen);
  else json(200, { metadata: { resourceVersion: '9' }, items: itemsOf(pathname) })(response, seen);
};

function itemsOf(pathname: string): readonly object[] {
  if (pathname.endsWith('messengerpages')) return [PAGE];
  return pathname.endsWith('services') ? [SERVICE] : [];
}

function open(options: Partial<KubeClusterOptions> = {}): KubeCluster {
  const cluster = new KubeCluster({
    ...{ client, clock, log: silentLogger, role: 'controller', watchNamespaces: [], secretGraceMs: 600_000, lead: undefined },
    ...options,
  });
  cluster.start(life.signal);
  return cluster;
}

const listed = (): string[] =>
  [
    ...new Set(
      api.seen
        .filter(({ url }) => url.searchParams.has('limit'))
        .map(({ url }) => url.pathname.replace('/apis/messenger-operator.dev', '')),
    ),
  ].sort();

describe('KubeCluster', () => {
  it('lists pages and apps anew for one that begins to lead', async () => {
    const cluster = open();
    await eventually(() => cluster.unsynced().length === 0);
    const lists = (): number => api.seen.filter(({ url }) => url.searchParams.has('limit')).length;
    const before = lists();

    await cluster.refresh(life.signal);

    expect(lists() - before).toBe(2);
    expect(listed()).toContain('/v1alpha1/messengerpages');
  });

  it.each([
    ['controller', ['/api/v1/namespaces', '/api/v1/secrets', '/api/v1/services', '/v1alpha1/messengerapps', '/v1alpha1/messengerpages']],
    ['webhook', ['/api/v1/secrets', '/api/v1/services', '/v1alpha1/messengerapps', '/v1alpha1/messengerpages']],
    ['pages-api', ['/api/v1/configmaps', '/api/v1/secrets', '/v1alpha1/messengerapps', '/v1alpha1/messengerpages']],
  ] as const)('watches as %s what that role may, in the whole cluster', async (role, paths) => {
    const cluster = open({ role });
    await eventually(() => cluster.unsynced().length === 0);
    expect(listed()).toEqual(paths);
    expect([cluster.services !== undefined, cluster.namespaces !== undefined, cluster.configMaps !== undefined]).toEqual([
      role !== 'pages-api',
      role === 'controller',
      role === 'pages-api',
    ]);
  });

  it('watches the namespaces that it is told, and Secrets only where it may', async () => {
    const cluster = open({ role: 'webhook', watchNamespaces: ['bots', 'shop'], secretNamespaces: ['bots'] });
    await eventually(() => cluster.unsynced().length === 0);
    const inNamespace = (plural: string): string[] => listed().filter((path) => path.endsWith(plural));
    expect(inNamespace('services')).toEqual(['/api/v1/namespaces/bots/services', '/api/v1/namespaces/shop/services']);
    expect(inNamespace('secrets')).toEqual(['/api/v1/namespaces/bots/secrets']);
    expect(cluster.namespaces).toBeUndefined();
  });

  it('keeps of pages and Services what the webhook needs', async () => {
    const cluster = open({ role: 'webhook' });
    await eventually(() => cluster.unsynced().length === 0);
    const [page] = cluster.kind(PAGES).informer.list();
    expect(page).toEqual({
      apiVersion: 'messenger-operator.dev/v1alpha1',
      kind: 'MessengerPage',
      metadata: { name: 'clinic', namespace: 'bots', uid: 'u1', resourceVersion: '5', labels: { team: 'a' }, generation: 2 },
      spec: { pageId: '1001' },
      status: { claim: { epoch: 1 } },
    });
    const [service] = cluster.services?.list() ?? [];
    expect(service).toMatchObject({
      metadata: { name: 'bot' },
      spec: { type: 'ClusterIP', ports: [{ name: 'http', port: 5000, protocol: 'TCP' }] },
    });
    expect(JSON.stringify(service)).not.toMatch(/clusterIP"|labels|targetPort/);
  });

  it('is not synced before the Secrets that are referred to have been read', async () => {
    const cluster = open({ role: 'webhook', secretNamespaces: ['elsewhere'] });
    cluster.secrets.retain('page', [{ namespace: 'bots', name: 'token' }]);
    expect(cluster.unsynced()).not.toEqual([]);
    await eventually(() => cluster.unsynced().length === 0);
    expect(cluster.secrets.peek({ namespace: 'bots', name: 'token' })).toMatchObject({
      kind: 'present',
      uid: 't',
      data: new Map([['token', Buffer.from('secret')]]),
    });
  });

  it('says in words what it waits for and, later, what it has lost', async () => {
    refused.add('/api/v1/services');
    const cluster = open({ timing: { forbiddenRetryMs: 100, minWatchMs: 1_000, maxWatchMs: 1_000 } });
    await eventually(() => cluster.unsynced().some((text) => text === 'services: not allowed to list') && cluster.unsynced().length === 1);
    expect(cluster.degraded()).toEqual([]);

    refused.clear();
    await clock.settle(1_000, () => cluster.unsynced().length === 0);
    refused.add('/apis/messenger-operator.dev/v1alpha1/messengerapps');
    await clock.settle(120_000, () => cluster.degraded().length > 0);
    expect(cluster.degraded()).toContain('messengerapps.messenger-operator.dev: not allowed to list');
    expect(cluster.unsynced()).toEqual([]);
  });

  it('serves the other namespaces while it may not list one of them, and says so', async () => {
    const gone = ['/api/v1/namespaces/gone/secrets', '/api/v1/namespaces/gone/services'];
    const ours = ['messengerpages', 'messengerapps'].map((plural) => `/apis/messenger-operator.dev/v1alpha1/namespaces/gone/${plural}`);
    for (const path of [...gone, ...ours]) refused.add(path);
    const cluster = open({ watchNamespaces: ['bots', 'gone'], timing: { forbiddenRetryMs: 100 } });
    await eventually(() => cluster.unsynced().length === 0);
    const { informer } = cluster.kind(PAGES);

    expect([...cluster.degraded()].sort()).toEqual([
      'messengerapps.messenger-operator.dev in gone: not allowed to list',
      'messengerpages.messenger-operator.dev in gone: not allowed to list',
      'secrets in gone: not allowed to list',
      'services in gone: not allowed to list',
    ]);
    expect([informer.hasSynced(), informer.covers('bots'), informer.covers('gone')]).toEqual([true, true, false]);
    await clock.advance(1_000);
    expect(informer.unlistedForMs()).toBeGreaterThanOrEqual(1_000);
    const began = cluster.refresh(life.signal);
    await clock.settle(1_000, () => false);
    await began;

    refused.clear();
    await clock.settle(1_000, () => informer.covers('gone'));
    expect(informer.unlistedForMs()).toBeUndefined();
    await clock.settle(1_000, () => cluster.degraded().length === 0);
  });

  it('is not synced where every namespace is refused, but reads Secrets by name where their lists are refused', async () => {
    refused.add('/apis/messenger-operator.dev/v1alpha1/namespaces/gone/messengerpages').add('/api/v1/namespaces/gone/secrets');
    const cluster = open({ role: 'webhook', watchNamespaces: ['gone'] });
    await eventually(() => cluster.unsynced().length === 1);
    expect(cluster.unsynced()).toEqual(['messengerpages.messenger-operator.dev in gone: not allowed to list']);
    expect(cluster.degraded()).toEqual(['secrets in gone: not allowed to list']);
  });

  it('never writes in a role that does not lead', async () => {
    const cluster = open({ role: 'webhook' });
    expect(() => {
      cluster.fence.check();
    }).toThrow(NotLeaderError);
    await expect(cluster.kind(PAGES).status.write(PAGE as never, { observedGeneration: 1 }, life.signal)).rejects.toBeInstanceOf(
      NotLeaderError,
    );
  });

  it('works without an election where it is told to', async () => {
    const cluster = open({ lead: { elect: false, namespace: 'operator', leaseName: 'l', identity: 'me' } });
    cluster.fence.check();
    let worked = false;
    await cluster.lead(() => {
      worked = true;
      return Promise.resolve();
    }, life.signal);
    expect(worked).toBe(true);
    expect(api.seen.some(({ url }) => url.pathname.includes('leases'))).toBe(false);
  });

  it('stops everything with its signal', async () => {
    const cluster = open();
    await eventually(() => cluster.unsynced().length === 0);
    life.abort();
    await cluster.close();
    expect(clock.pendingTimers).toBe(0);
    await eventually(() => api.openConnections === 0);
  });
});
