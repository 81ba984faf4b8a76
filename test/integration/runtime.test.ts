import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PAGES } from '../../src/api/kinds.js';
import type { MessengerPage, MessengerPageStatus } from '../../src/api/v1alpha1/types.gen.js';
import { NotLeaderError, StaleReadError } from '../../src/core/domain/errors.js';
import { KubeFinalizerWriter } from '../../src/k8s/finalizer-writer.js';
import { KubeLiveReader } from '../../src/k8s/live-reader.js';
import { StatusProblems } from '../../src/k8s/status-problems.js';
import { KubeStatusWriter, type StatusWriterDeps } from '../../src/k8s/status-writer.js';
import { neverWrites, writesAlone } from '../../src/k8s/write-fences.js';
import { systemClock } from '../../src/kit/clock.js';
import { silentLogger } from '../../src/kit/log.js';
import { mergeConditions } from '../../src/runtime/conditions.js';
import type { WriteFence } from '../../src/runtime/ports.js';
import { eventually } from '../support/eventually.js';
import { grant } from '../support/page-manifests.js';
import { NAMESPACE, PAGES_PATH, RuntimeWorld, versions } from '../support/runtime-world.js';

const START_DEADLINE_MS = 150_000;
const FINALIZER = 'messenger-operator.dev/unsubscribe';

let world: RuntimeWorld;

beforeAll(async () => {
  world = await RuntimeWorld.start();
}, START_DEADLINE_MS);

afterAll(async () => {
  await world.stop();
}, 60_000);

describe('Reflector at a real API server', () => {
  it('takes in what is there, page by page, and what is created, changed and deleted', async () => {
    for (let i = 0; i < 7; i++) await world.createPage(`early-${i}`);
    const { store, events } = world.follow({ timing: { pageLimit: 3 } });
    await eventually(() => store.hasSynced());
    expect(versions(store.list())).toEqual(await world.onServer());

    const late = await world.createPage('late');
    await eventually(() => store.get({ namespace: NAMESPACE, name: 'late' }));
    await world.plane.admin.patch(`${PAGES_PATH}/late`, { spec: { suspend: true } });
    await eventually(() => store.get({ namespace: NAMESPACE, name: 'late' })?.spec.suspend);
    await world.plane.admin.delete(`${PAGES_PATH}/late`);
    await eventually(() => store.get({ namespace: NAMESPACE, name: 'late' }) === undefined);

    expect(events.filter((event) => event === 'event')).toHaveLength(3);
    expect(late.kind).toBe('MessengerPage');
    expect(versions(store.list())).toEqual(await world.onServer());
  });

  it('asks for a watch again when the server ends it, without a list', async () => {
    const { store, events } = world.follow({ timing: { minWatchMs: 1_000, maxWatchMs: 1_000 } });
    await eventually(() => events.filter((event) => event === 'watch').length >= 3, 15_000);
    await world.createPage('between-watches');
    await eventually(() => store.get({ namespace: NAMESPACE, name: 'between-watches' }), 5_000);
    expect(events.filter((event) => event === 'list')).toHaveLength(1);
  });

  it('says that it may not list, and begins as soon as it may', async () => {
    const client = await world.clientOf('newcomer');
    const { store, events } = world.follow({ client, timing: { forbiddenRetryMs: 300 } });
    await eventually(() => events.includes('forbidden'));
    expect(store.hasSynced()).toBe(false);
    expect(world.logged.find(({ message }) => message === 'not allowed to follow the cluster')?.fields).toMatchObject({
      verb: 'list',
      resource: 'messengerpages.messenger-operator.dev',
      namespace: NAMESPACE,
    });

    const rules = [{ apiGroups: ['messenger-operator.dev'], resources: ['messengerpages'], verbs: ['list', 'watch'] }];
    for (const manifest of grant({ name: 'newcomer', namespace: NAMESPACE }, `${NAMESPACE}:newcomer`, rules))
      await world.plane.admin.apply(manifest);
    await eventually(() => store.hasSynced());
    expect(versions(store.list())).toEqual(await world.onServer());
  });
});

describe('KubeStatusWriter', () => {
  const status = (reason: string): MessengerPageStatus => ({
    observedGeneration: 1,
    conditions: mergeConditions(
      undefined,
      [{ type: 'Ready', status: 'False', reason, message: 'a sentence' }],
      Date.parse('2026-01-01T00:00:00Z'),
    ),
    claim: { appId: '1', pageId: '1001', state: 'Held', epoch: 1 },
  });
  const problems = new StatusProblems({ clock: systemClock, log: silentLogger, events: { record: () => undefined } }, PAGES);
  const writing = (fence: WriteFence): StatusWriterDeps => ({ client: world.client, fence, clock: systemClock, problems });
  const read = (name: string): Promise<MessengerPage> => world.plane.admin.get<MessengerPage>(`${PAGES_PATH}/${name}`);

  it('writes the whole status, removes what it leaves out, and writes nothing when nothing differs', async () => {
    const writer = new KubeStatusWriter<MessengerPage>(writing(writesAlone), PAGES);
    const page = await world.createPage('status');
    await writer.write(page, status('NoBackend'), world.signal);
    const written = await read('status');
    expect(written.status).toMatchObject({ claim: { epoch: 1 }, conditions: [{ type: 'Ready', reason: 'NoBackend' }] });
    expect(written.metadata.generation).toBe(page.metadata.generation);

    await writer.write(written, status('NoBackend'), world.signal);
    expect((await read('status')).metadata.resourceVersion).toBe(written.metadata.resourceVersion);

    const withoutClaim: MessengerPageStatus = { observedGeneration: 1, conditions: status('AppNotFound').conditions ?? [] };
    await writer.write(written, withoutClaim, world.signal);
    expect((await read('status')).status).toEqual(withoutClaim);
  });

  it('does not write to another object of the same name, nor make one that is gone', async () => {
    const writer = new KubeStatusWriter<MessengerPage>(writing(writesAlone), PAGES);
    const first = await world.createPage('replaced');
    await world.plane.admin.delete(`${PAGES_PATH}/replaced`);
    await expect(writer.write(first, status('NoBackend'), world.signal)).rejects.toBeInstanceOf(StaleReadError);
    const second = await world.createPage('replaced');
    await expect(writer.write(first, status('NoBackend'), world.signal)).rejects.toBeInstanceOf(StaleReadError);
    expect(await read('replaced')).toEqual(second);
  });

  it('does not write outside the fence', async () => {
    const writer = new KubeStatusWriter<MessengerPage>(writing(neverWrites), PAGES);
    const page = await world.createPage('fenced');
    await expect(writer.write(page, status('NoBackend'), world.signal)).rejects.toBeInstanceOf(NotLeaderError);
    expect(await read('fenced')).toEqual(page);
  });
});

describe('KubeFinalizerWriter', () => {
  const writer = (): KubeFinalizerWriter<MessengerPage> => new KubeFinalizerWriter({ client: world.client, fence: writesAlone }, PAGES);
  const finalizersOf = async (name: string): Promise<readonly string[] | undefined> =>
    (await world.plane.admin.find<MessengerPage>(`${PAGES_PATH}/${name}`))?.metadata.finalizers;

  it('adds and removes its own and leaves those of others', async () => {
    const page = await world.createPage('finalizers');
    const added = await writer().add(page, FINALIZER, world.signal);
    expect(added.metadata.finalizers).toEqual([FINALIZER]);
    await world.plane.admin.patch(`${PAGES_PATH}/finalizers`, {
      metadata: { finalizers: ['a.example/first', FINALIZER, 'z.example/last'] },
    });
    expect((await writer().add(page, FINALIZER, world.signal)).metadata.finalizers).toHaveLength(3);
    await writer().remove(page, FINALIZER, world.signal);
    await writer().remove(page, FINALIZER, world.signal);
    expect(await finalizersOf('finalizers')).toEqual(['a.example/first', 'z.example/last']);
    await writer().add(page, FINALIZER, world.signal);
    expect(await finalizersOf('finalizers')).toEqual(['a.example/first', 'z.example/last', FINALIZER]);
  });

  it('loses none when several add and remove at once', async () => {
    const page = await world.createPage('crowded');
    const names = Array.from({ length: 4 }, (_, i) => `crowd.example/f${i}`);
    // Each may give up after five lost races; whoever succeeded must be in the list.
    const added = await Promise.allSettled(names.map((name) => writer().add(page, name, world.signal)));
    const succeeded = names.filter((_, i) => added[i]?.status === 'fulfilled');
    expect(succeeded.length).toBeGreaterThan(0);
    expect([...((await finalizersOf('crowded')) ?? [])].sort()).toEqual(succeeded);
    await Promise.all(succeeded.map((name) => writer().remove(page, name, world.signal)));
    expect((await finalizersOf('crowded')) ?? []).toEqual([]);
  });

  it('adds none to an object that is replaced, gone or being deleted; removing from those is fine', async () => {
    const page = await world.createPage('going');
    await writer().add(page, 'a.example/keeps', world.signal);
    await world.plane.admin.delete(`${PAGES_PATH}/going`);
    await expect(writer().add(page, FINALIZER, world.signal)).rejects.toBeInstanceOf(StaleReadError);
    await writer().remove(page, 'a.example/keeps', world.signal);
    await world.plane.admin.waitForGone(`${PAGES_PATH}/going`);
    await expect(writer().add(page, FINALIZER, world.signal)).rejects.toBeInstanceOf(StaleReadError);
    await writer().remove(page, FINALIZER, world.signal);
    await world.createPage('going');
    await expect(writer().add(page, FINALIZER, world.signal)).rejects.toBeInstanceOf(StaleReadError);
    expect(await finalizersOf('going')).toBeUndefined();
  });

  it('does not write outside the fence', async () => {
    const page = await world.createPage('finalizer-fenced');
    const fenced = new KubeFinalizerWriter<MessengerPage>({ client: world.client, fence: neverWrites }, PAGES);
    await expect(fenced.add(page, FINALIZER, world.signal)).rejects.toBeInstanceOf(NotLeaderError);
    expect(await finalizersOf('finalizer-fenced')).toBeUndefined();
  });
});

describe('KubeLiveReader', () => {
  it('reads the object itself, and nothing where there is none', async () => {
    const live = new KubeLiveReader<MessengerPage>(world.client, PAGES);
    const page = await world.createPage('live');
    expect(await live.get({ namespace: NAMESPACE, name: 'live' }, world.signal)).toEqual(page);
    expect(await live.get({ namespace: NAMESPACE, name: 'none' }, world.signal)).toBeUndefined();
  });
});

describe('Reflector, when the server goes away', () => {
  it('goes on after the API server was killed and came back', async () => {
    const { store } = world.follow();
    await eventually(() => store.hasSynced());
    await world.plane.killApiServer();
    await world.plane.startApiServer();
    await world.createPage('after-the-crash');
    await eventually(() => store.get({ namespace: NAMESPACE, name: 'after-the-crash' }), 60_000);
    expect(versions(store.list())).toEqual(await world.onServer());
  }, 90_000);

  it('equals the server again after etcd was restored to an older revision, though newer ones were written meanwhile', async () => {
    const { store, events } = world.follow();
    await world.createPage('stays');
    const snapshot = await world.plane.snapshotEtcd();
    await eventually(() => store.get({ namespace: NAMESPACE, name: 'stays' }), 60_000);
    const lost = await world.createPage('lost');
    await eventually(() => store.get({ namespace: NAMESPACE, name: 'lost' }), 60_000);

    await world.plane.restoreEtcd(snapshot);
    // Beyond the revision that the reflector has seen, so that a watch resumed from there would
    // hear of later changes only.
    let revision = 0;
    for (let i = 0; revision <= Number(lost.metadata.resourceVersion); i++) {
      revision = Number((await world.createPage(`new-past-${i}`)).metadata.resourceVersion);
    }

    expect(Object.keys(await world.onServer())).not.toContain('lost');
    await eventually(async () => {
      expect(versions(store.list())).toEqual(await world.onServer());
      return true;
    }, 120_000);
    expect(events).toContain('list');
  }, 200_000);
});
