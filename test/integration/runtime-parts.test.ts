import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { KubeObject } from '../../src/api/meta.js';
import { systemClock } from '../../src/kit/clock.js';
import { NotLeaderError } from '../../src/core/domain/errors.js';
import { Secret } from '../../src/core/secrets/secret.js';
import { KubeEventRecorder } from '../../src/k8s/event-recorder.js';
import type { KubeClient } from '../../src/k8s/kube-http.js';
import { LeaderElection } from '../../src/k8s/leader-election.js';
import { LeaseLock } from '../../src/k8s/lease.js';
import { KubeReviews } from '../../src/k8s/reviews.js';
import { CONFIG_MAPS, SECRETS } from '../../src/k8s/resources.js';
import { fetchData, KubeMetadataSource } from '../../src/k8s/secret-source.js';
import { writesAlone } from '../../src/k8s/write-fences.js';
import { ReferencedData } from '../../src/runtime/data-cache.js';
import { eventually } from '../support/eventually.js';
import { grant, namespaceNamed, secret } from '../support/page-manifests.js';
import { NAMESPACE, PAGES_PATH, RuntimeWorld } from '../support/runtime-world.js';

const START_DEADLINE_MS = 150_000;
const EVENTS = (namespace: string): string => `/apis/events.k8s.io/v1/namespaces/${namespace}/events`;
const SECRET_PATH = (name: string): string => `/api/v1/namespaces/${NAMESPACE}/secrets/${name}`;

interface ClusterEvent extends KubeObject {
  readonly reason: string;
  readonly note: string;
  readonly regarding: { readonly namespace: string; readonly name: string; readonly uid: string };
  readonly series?: { readonly count: number };
}

let world: RuntimeWorld;

beforeAll(async () => {
  world = await RuntimeWorld.start();
}, START_DEADLINE_MS);

afterAll(async () => {
  await world.stop();
}, 60_000);

describe('LeaderElection at a real API server', () => {
  const timing = { leaseMs: 3_000, renewDeadlineMs: 2_000, retryMs: 300 };
  const candidate = (name: string, identity: string, client: KubeClient = world.client): LeaderElection =>
    new LeaderElection({
      lock: new LeaseLock(client, { namespace: NAMESPACE, name }),
      clock: systemClock,
      log: world.log,
      identity,
      timing,
    });
  const untilAborted = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      signal.addEventListener('abort', () => {
        resolve();
      });
    });

  it('hands over at once when the leader stops', async () => {
    const [a, b] = [candidate('handover', 'a'), candidate('handover', 'b')];
    const stopA = new AbortController();
    const leadingA = a.lead(untilAborted, stopA.signal);
    await eventually(() => a.isLeader);
    world.run((signal) => b.lead(untilAborted, signal));
    await eventually(() => world.logged.some(({ message }) => message === 'waiting for the lease'));
    expect(b.isLeader).toBe(false);
    stopA.abort();
    await leadingA;
    const stoppedMs = performance.now();
    await eventually(() => b.isLeader);
    expect(performance.now() - stoppedMs).toBeLessThan(2_000);
    expect(() => {
      a.check();
    }).toThrow(NotLeaderError);
  });

  it('takes over from a leader that vanished, after its fence has closed', async () => {
    const ownClient = world.clientFor(world.plane.adminKubeconfig);
    const [a, b] = [candidate('crash', 'a', ownClient), candidate('crash', 'b')];
    const leadingA = a.lead(untilAborted, new AbortController().signal).catch((error: unknown) => error);
    await eventually(() => a.isLeader);
    world.run((signal) => b.lead(untilAborted, signal));
    await ownClient.close();
    await eventually(() => b.isLeader, 15_000);
    expect(a.isLeader).toBe(false);
    expect(await leadingA).toBeInstanceOf(NotLeaderError);
  });
});

describe('KubeReviews', () => {
  it('tells who a token belongs to, if it was made for us, and what they may do', async () => {
    await world.clientOf('bot');
    const rules = [
      { apiGroups: ['messenger-operator.dev'], resources: ['messengerpages/token'], resourceNames: ['clinic'], verbs: ['get'] },
    ];
    for (const manifest of grant({ name: 'bot', namespace: NAMESPACE }, `${NAMESPACE}:bot`, rules)) await world.plane.admin.apply(manifest);
    const reviews = new KubeReviews({ client: world.client, audience: 'messenger-operator' });
    const token = async (audiences: readonly string[]): Promise<Secret> =>
      new Secret('bearer', await world.plane.requestToken(NAMESPACE, 'bot', { audiences }));

    const user = await reviews.authenticate(await token(['messenger-operator', 'other']), world.signal);
    expect(user).toMatchObject({ username: `system:serviceaccount:${NAMESPACE}:bot` });
    expect(user?.groups).toContain('system:serviceaccounts');
    expect(await reviews.authenticate(await token(['other']), world.signal)).toBeUndefined();
    expect(await reviews.authenticate(new Secret('bearer', 'nobody'), world.signal)).toBeUndefined();

    if (user === undefined) throw new Error('no user');
    const access = { verb: 'get', group: 'messenger-operator.dev', resource: 'messengerpages', subresource: 'token', namespace: NAMESPACE };
    expect(await reviews.authorize(user, { ...access, name: 'clinic' }, world.signal)).toBe(true);
    expect(await reviews.authorize(user, { ...access, name: 'other' }, world.signal)).toBe(false);
    expect(await reviews.authorize(user, access, world.signal)).toBe(false);
  });
});

describe('KubeEventRecorder', () => {
  const recorder = (): KubeEventRecorder => {
    const made = new KubeEventRecorder({
      client: world.client,
      fence: writesAlone,
      clock: systemClock,
      log: world.log,
      controller: 'messenger-operator.dev/controller',
      instance: 'test',
      fallbackNamespace: NAMESPACE,
    });
    world.run((signal) => made.run(signal));
    return made;
  };
  const told = async (namespace: string, uid: string | undefined): Promise<readonly ClusterEvent[]> =>
    (await world.plane.admin.list<ClusterEvent>(EVENTS(namespace))).filter(({ regarding }) => regarding.uid === uid);
  const event = { type: 'Warning', reason: 'LeftSubscribed', action: 'Unsubscribe', note: 'page 1001 stays subscribed' } as const;

  it('makes one Event of equal ones, which kubectl shows with its object', async () => {
    const page = await world.createPage('eventful');
    const events = recorder();
    for (let i = 0; i < 3; i++) events.record(page, event);
    events.record(page, { ...event, reason: 'Adopted', type: 'Normal' });
    await events.flush(5_000);
    await eventually(async () => (await told(NAMESPACE, page.metadata.uid)).length === 2);
    const { stdout } = await world.plane.kubectl(['events', '-n', NAMESPACE, '--for', 'messengerpage/eventful']);
    expect(stdout).toMatch(/Warning +LeftSubscribed +MessengerPage\/eventful +page 1001 stays subscribed/);
  });

  it('tells in its own namespace what a namespace that goes away takes no more', async () => {
    await world.plane.admin.apply(namespaceNamed('going-away'));
    const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'page', namespace: 'going-away' } };
    const object = (await world.plane.admin.apply(configMap)) as KubeObject;
    await world.plane.admin.delete('/api/v1/namespaces/going-away');
    const events = recorder();
    events.record(object, event);
    await eventually(async () => (await told(NAMESPACE, object.metadata.uid)).length === 1);
    const [told1] = await told(NAMESPACE, object.metadata.uid);
    expect(told1).toMatchObject({ regarding: { namespace: 'going-away', name: 'page' }, note: event.note });
    expect(await told('going-away', object.metadata.uid)).toEqual([]);
  });
});

describe('ReferencedData over KubeMetadataSource', () => {
  const follow = (client: KubeClient, namespaces: readonly string[] | undefined, resource = SECRETS) => {
    const source = new KubeMetadataSource({ client, resource, namespaces, clock: systemClock, log: world.log });
    const data = new ReferencedData({
      clock: systemClock,
      log: world.log,
      source,
      fetch: fetchData(client, resource),
      graceMs: 60_000,
      pollMs: 500,
    });
    data.start(world.signal);
    world.run((signal) => source.run(signal));
    const value = (name: string): string => {
      const state = data.peek({ namespace: NAMESPACE, name });
      return state.kind === 'present' ? Buffer.from(state.data.get('token') ?? []).toString() : state.kind;
    };
    return { source, data, value };
  };

  it('has a new value within two seconds, keeps that of a deleted one, and holds no data of unrelated ones', async () => {
    const place = (name: string) => ({ name, namespace: NAMESPACE });
    await world.plane.admin.apply(secret(place('page'), { token: 'one' }));
    await world.plane.admin.apply(secret(place('unrelated'), { token: 'unrelated' }));
    await world.plane.admin.apply({ ...secret(place('helm'), { release: 'x' }), type: 'helm.sh/release.v1' });
    const { source, data, value } = follow(world.client, [NAMESPACE]);
    data.retain('page', [place('page'), place('missing')]);
    await eventually(() => data.isSettled() && value('page') === 'one');
    expect([value('missing'), value('unrelated')]).toEqual(['absent', 'unknown']);
    expect(source.resourceVersion(place('unrelated'))).toBeDefined();
    expect(source.resourceVersion(place('helm'))).toBeUndefined();

    await world.plane.admin.apply(secret(place('page'), { token: 'two' }));
    await eventually(() => value('page') === 'two', 2_000);
    await world.plane.admin.delete(SECRET_PATH('page'));
    await eventually(() => (data.peek(place('page')) as { goneSinceMs?: number }).goneSinceMs !== undefined, 2_000);
    expect(value('page')).toBe('two');
    await world.plane.admin.apply(secret(place('page'), { token: 'three' }));
    await eventually(() => value('page') === 'three', 2_000);

    const reads = (await world.plane.audit()).filter(({ verb, objectRef }) => verb === 'get' && objectRef?.resource === 'secrets');
    expect(reads.map(({ objectRef }) => objectRef?.name)).not.toContain('unrelated');
  });

  it('reads ConfigMaps too', async () => {
    await world.plane.admin.apply({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'bot', namespace: NAMESPACE },
      data: { token: 'plain text' },
    });
    const { data, value } = follow(world.client, undefined, CONFIG_MAPS);
    data.retain('page', [{ name: 'bot', namespace: NAMESPACE }]);
    await eventually(() => value('bot') === 'plain text');
  });

  it('reads by name what a Role grants by name, where listing is not granted', async () => {
    await world.plane.admin.apply(secret({ name: 'signing', namespace: NAMESPACE }, { token: 'signing-1' }));
    const client = await world.clientOf('webhook');
    const { data, value } = follow(client, ['elsewhere']);
    data.retain('page', [{ name: 'signing', namespace: NAMESPACE }]);
    await eventually(() => world.logged.some(({ message }) => message === 'cannot read a referenced object'));
    expect(value('signing')).toBe('unknown');

    const rules = [{ apiGroups: [''], resources: ['secrets'], resourceNames: ['signing'], verbs: ['get'] }];
    for (const manifest of grant({ name: 'signing', namespace: NAMESPACE }, `${NAMESPACE}:webhook`, rules))
      await world.plane.admin.apply(manifest);
    await eventually(() => value('signing') === 'signing-1', 15_000);
    await world.plane.admin.apply(secret({ name: 'signing', namespace: NAMESPACE }, { token: 'signing-2' }));
    await eventually(() => value('signing') === 'signing-2', 5_000);
  }, 40_000);
});

describe('loadKubeClient', () => {
  it('goes on with a token file that was replaced, without a new process', async () => {
    await world.clientOf('rotating');
    const rules = [{ apiGroups: ['messenger-operator.dev'], resources: ['messengerpages'], verbs: ['list'] }];
    for (const manifest of grant({ name: 'rotating', namespace: NAMESPACE }, `${NAMESPACE}:rotating`, rules))
      await world.plane.admin.apply(manifest);
    const kubeconfig = await world.plane.kubeconfigFor({ serviceAccount: 'rotating', namespace: NAMESPACE });
    const tokenFile = `${kubeconfig}.token`;
    const token = await world.plane.requestToken(NAMESPACE, 'rotating');
    await writeFile(tokenFile, 'no-token-at-all');
    const user = `- name: user\n  user: {tokenFile: ${tokenFile}}\n`;
    const cluster = `- name: cluster\n  cluster: {server: "${world.plane.server.origin}", certificate-authority: ${world.plane.caFile}}\n`;
    const context = `- name: c\n  context: {cluster: cluster, user: user, namespace: ${NAMESPACE}}\n`;
    await writeFile(
      kubeconfig,
      `apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters:\n${cluster}users:\n${user}contexts:\n${context}`,
    );
    const client = world.clientFor(kubeconfig);
    expect(client.namespace).toBe(NAMESPACE);
    const list = (): Promise<unknown> => client.request({ method: 'GET', path: PAGES_PATH });
    await expect(list()).rejects.toMatchObject({ code: 401 });
    await writeFile(tokenFile, `${token}\n`);
    expect(await list()).toMatchObject({ kind: 'MessengerPageList' });
  });
});
