import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { PAGES } from '../../../src/api/kinds.js';
import type { KubeObject } from '../../../src/api/meta.js';
import { ClusterUnavailableError, NotLeaderError, StaleReadError } from '../../../src/core/domain/errors.js';
import { KubeFinalizerWriter } from '../../../src/k8s/finalizer-writer.js';
import type { KubeClient } from '../../../src/k8s/kube-http.js';
import { KubeLiveReader } from '../../../src/k8s/live-reader.js';
import { StatusProblems } from '../../../src/k8s/status-problems.js';
import { KubeStatusWriter } from '../../../src/k8s/status-writer.js';
import { silentLogger } from '../../../src/kit/log.js';
import type { KubeEvent, WriteFence } from '../../../src/runtime/ports.js';
import { eventually } from '../../support/eventually.js';
import { FakeClock } from '../../support/fake-clock.js';
import { clientOf, json, ScriptedApi, status, type Answer } from './scripted-api.js';

interface Thing extends KubeObject {
  readonly status?: { readonly phase: string };
}

const SIGNAL = new AbortController().signal;
const CONFLICT = status(409, 'Conflict');
const FINALIZER = 'messenger-operator.dev/unsubscribe';
const thing = (metadata: Partial<KubeObject['metadata']> = {}): Thing => ({
  metadata: { name: 'a', namespace: 'bots', uid: 'u1', resourceVersion: '5', ...metadata },
  status: { phase: 'old' },
});

class Fence implements WriteFence {
  checks = 0;
  closesAfter = Infinity;

  check(): void {
    if (++this.checks > this.closesAfter) throw new NotLeaderError();
  }
}

let api: ScriptedApi;
let clock: FakeClock;
let client: KubeClient;
let fence: Fence;

beforeEach(async () => {
  api = await new ScriptedApi().start();
  clock = new FakeClock();
  client = clientOf(api, clock);
  fence = new Fence();
});

afterEach(async () => {
  await client.close();
  await api.stop();
});

const methods = (): string[] => api.seen.map(({ method }) => method);

describe('KubeStatusWriter', () => {
  let events: KubeEvent[];
  let problems: StatusProblems;

  beforeEach(() => {
    events = [];
    problems = new StatusProblems({ clock, log: silentLogger, events: { record: (_object, event) => events.push(event) } }, PAGES);
  });

  const writer = (): KubeStatusWriter<Thing> => new KubeStatusWriter<Thing>({ client, fence, clock, problems }, PAGES);
  const openApi = (status: object): Answer =>
    json(200, {
      components: {
        schemas: {
          other: { properties: { status: {} } },
          page: {
            properties: { status },
            'x-kubernetes-group-version-kind': [{ group: 'messenger-operator.dev', version: 'v1alpha1', kind: 'MessengerPage' }],
          },
        },
      },
    });

  it('applies the status onto the version that the cache has', async () => {
    api.next(json(200, {}));
    await writer().write(thing(), { phase: 'new' }, SIGNAL);
    const [seen] = api.seen;
    expect(seen?.url.pathname).toBe('/apis/messenger-operator.dev/v1alpha1/namespaces/bots/messengerpages/a/status');
    expect(seen?.url.search).toBe('?fieldManager=messenger-operator&force=true');
    expect(seen?.headers['content-type']).toBe('application/apply-patch+yaml');
    expect(seen?.body).toEqual({
      apiVersion: 'messenger-operator.dev/v1alpha1',
      kind: 'MessengerPage',
      metadata: { name: 'a', namespace: 'bots', uid: 'u1', resourceVersion: '5' },
      status: { phase: 'new' },
    });
  });

  it('asks nobody when nothing differs', async () => {
    await writer().write(thing(), { phase: 'old' }, SIGNAL);
    expect([api.seen.length, fence.checks]).toEqual([0, 0]);
  });

  it('reads the object again after a conflict and goes on if it is still the same one', async () => {
    api.next(CONFLICT, json(200, thing({ resourceVersion: '9' })), json(200, {}));
    await writer().write(thing(), { phase: 'new' }, SIGNAL);
    expect(methods()).toEqual(['PATCH', 'GET', 'PATCH']);
    expect(api.seen[2]?.body).toMatchObject({ metadata: { uid: 'u1', resourceVersion: '9' } });
    expect(fence.checks).toBe(2);
  });

  it.each([
    ['another one of the same name', [CONFLICT, json(200, thing({ uid: 'u2' }))]],
    ['gone', [status(404, 'NotFound'), status(404, 'NotFound')]],
  ])('leaves it when the object is %s', async (_what, answers) => {
    api.next(...answers);
    await expect(writer().write(thing(), { phase: 'new' }, SIGNAL)).rejects.toBeInstanceOf(StaleReadError);
    expect(methods()).toEqual(['PATCH', 'GET']);
  });

  it('gives up on an object that changes all the time', async () => {
    for (let i = 0; i < 10; i++) api.next(CONFLICT, json(200, thing({ resourceVersion: String(10 + i) })));
    await expect(writer().write(thing(), { phase: 'new' }, SIGNAL)).rejects.toBeInstanceOf(StaleReadError);
    expect(methods().filter((method) => method === 'PATCH')).toHaveLength(5);
  });

  it.each([status(500, 'Internal'), status(429, 'TooManyRequests'), status(403, 'Forbidden'), status(422, 'Invalid')])(
    'calls the cluster unavailable when it answers otherwise',
    async (answer) => {
      api.next(answer);
      await expect(writer().write(thing(), { phase: 'new' }, SIGNAL)).rejects.toBeInstanceOf(ClusterUnavailableError);
    },
  );

  it('leaves out what an older CRD does not declare, says so, and asks for the schema once', async () => {
    const one = writer();
    api.next(status(500, 'InternalError'), openApi({ properties: { phase: {} } }), json(200, {}), json(200, {}));
    await one.write(thing(), { phase: 'new', later: 1 } as never, SIGNAL);
    await one.write(thing(), { phase: 'newer', later: 2 } as never, SIGNAL);
    // What it shows already, but for the field that it cannot show.
    await one.write(thing(), { phase: 'old', later: 3 } as never, SIGNAL);

    expect(methods()).toEqual(['PATCH', 'GET', 'PATCH', 'PATCH']);
    expect(api.seen[1]?.url.pathname).toBe('/openapi/v3/apis/messenger-operator.dev/v1alpha1');
    expect(api.seen[3]?.body).toMatchObject({ status: { phase: 'newer' } });
    expect(problems.texts()).toEqual(['messengerpages.messenger-operator.dev: the CRD lacks status.later: apply the CRDs of this version']);
    expect([problems.unknownFields, events.map(({ reason }) => reason)]).toEqual([1, ['CrdOutdated', 'CrdOutdated']]);

    await clock.advance(10 * 60_000);
    api.next(json(200, {}));
    await one.write(thing(), { phase: 'new', later: 1 } as never, SIGNAL);
    expect(api.seen[4]?.body).toMatchObject({ status: { phase: 'new', later: 1 } });
    expect(problems.texts()).toEqual([]);
  });

  it.each([status(403, 'Forbidden'), status(422, 'Invalid')])('reports a status that is refused, until it is written', async (refusal) => {
    const one = writer();
    api.next(refusal).otherwise(json(200, { components: { schemas: {} } }));
    await expect(one.write(thing(), { phase: 'new' }, SIGNAL)).rejects.toBeInstanceOf(ClusterUnavailableError);
    expect(problems.texts()).toEqual([
      expect.stringMatching(/^messengerpages.messenger-operator.dev: the status of 1 objects is refused, such as bots\/a: 4\d\d because/),
    ]);
    expect(events).toMatchObject([{ type: 'Warning', reason: 'StatusRefused' }]);

    await one.write(thing(), { phase: 'new' }, SIGNAL);
    expect([problems.texts(), problems.refusedObjects]).toEqual([[], 0]);
  });

  it('forgets a refused status whose object is gone', async () => {
    api.next(status(403, 'Forbidden'));
    await expect(writer().write(thing(), { phase: 'new' }, SIGNAL)).rejects.toBeInstanceOf(ClusterUnavailableError);
    await clock.advance(41 * 60_000);
    expect(problems.refusedObjects).toBe(0);
  });

  it('begins no write outside the fence, not even a second attempt', async () => {
    fence.closesAfter = 1;
    api.next(CONFLICT, json(200, thing({ resourceVersion: '9' })));
    await expect(writer().write(thing(), { phase: 'new' }, SIGNAL)).rejects.toBeInstanceOf(NotLeaderError);
    expect(methods()).toEqual(['PATCH', 'GET']);
  });

  it('ends before the lease can be somebody else’s', async () => {
    api.next(() => undefined);
    const writing = writer()
      .write(thing(), { phase: 'new' }, SIGNAL)
      .catch((error: unknown) => error);
    await eventually(() => api.seen.length === 1);
    await clock.advance(4_500);
    expect(await writing).toBeInstanceOf(ClusterUnavailableError);
  });
});

describe('KubeFinalizerWriter', () => {
  const writer = (): KubeFinalizerWriter<Thing> => new KubeFinalizerWriter<Thing>({ client, fence }, PAGES);
  const INVALID = status(422, 'Invalid');

  it('adds to the list as it was just read, and only to it', async () => {
    api.next(json(200, thing({ finalizers: ['x/y'] })), json(200, thing({ finalizers: ['x/y', FINALIZER] })));
    expect((await writer().add(thing(), FINALIZER, SIGNAL)).metadata.finalizers).toEqual(['x/y', FINALIZER]);
    expect(api.seen[1]?.body).toEqual([
      { op: 'test', path: '/metadata/uid', value: 'u1' },
      { op: 'test', path: '/metadata/finalizers', value: ['x/y'] },
      { op: 'add', path: '/metadata/finalizers/-', value: FINALIZER },
    ]);
  });

  it('makes the list where there is none, if nobody else has changed the object', async () => {
    api.next(json(200, thing({ resourceVersion: '8' })), json(200, thing({ finalizers: [FINALIZER] })));
    await writer().add(thing(), FINALIZER, SIGNAL);
    expect(api.seen[1]?.body).toEqual([
      { op: 'test', path: '/metadata/uid', value: 'u1' },
      { op: 'test', path: '/metadata/resourceVersion', value: '8' },
      { op: 'add', path: '/metadata/finalizers', value: [FINALIZER] },
    ]);
  });

  it('removes its own by its place in that list, and reads again when somebody was faster', async () => {
    api.next(
      json(200, thing({ finalizers: ['a/a', FINALIZER] })),
      INVALID,
      json(200, thing({ finalizers: [FINALIZER, 'b/b'] })),
      json(200, thing()),
    );
    await writer().remove(thing(), FINALIZER, SIGNAL);
    expect(api.seen[1]?.body).toContainEqual({ op: 'remove', path: '/metadata/finalizers/1' });
    expect(api.seen[3]?.body).toContainEqual({ op: 'remove', path: '/metadata/finalizers/0' });
  });

  it('writes nothing where it is already so, or where the object is gone or another one', async () => {
    api.next(
      json(200, thing({ finalizers: [FINALIZER] })),
      json(200, thing()),
      status(404, 'NotFound'),
      json(200, thing({ uid: 'u2', finalizers: [FINALIZER] })),
    );
    await writer().add(thing(), FINALIZER, SIGNAL);
    for (let i = 0; i < 3; i++) await writer().remove(thing(), FINALIZER, SIGNAL);
    expect(methods()).toEqual(['GET', 'GET', 'GET', 'GET']);
  });

  it('gives up after five lost races, without a guess', async () => {
    for (let i = 0; i < 5; i++) api.next(json(200, thing({ finalizers: [FINALIZER] })), CONFLICT);
    await expect(writer().remove(thing(), FINALIZER, SIGNAL)).rejects.toBeInstanceOf(StaleReadError);
    expect(api.seen).toHaveLength(10);
  });

  it('asks the fence right before each attempt', async () => {
    fence.closesAfter = 1;
    for (let i = 0; i < 2; i++) api.next(json(200, thing({ finalizers: [FINALIZER] })), CONFLICT);
    await expect(writer().remove(thing(), FINALIZER, SIGNAL)).rejects.toBeInstanceOf(NotLeaderError);
    expect(methods()).toEqual(['GET', 'PATCH', 'GET']);
  });
});

describe('KubeLiveReader', () => {
  it('tells gone from not to be read', async () => {
    const live = new KubeLiveReader<Thing>(client, PAGES);
    api.next(json(200, thing()), status(404, 'NotFound'), status(500, 'Internal'));
    expect(await live.get({ namespace: 'bots', name: 'a' }, SIGNAL)).toMatchObject({ kind: 'MessengerPage', metadata: { uid: 'u1' } });
    expect(await live.get({ namespace: 'bots', name: 'a' }, SIGNAL)).toBeUndefined();
    await expect(live.get({ namespace: 'bots', name: 'a' }, SIGNAL)).rejects.toBeInstanceOf(ClusterUnavailableError);
  });
});
