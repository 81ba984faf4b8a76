import { describe, expect, it } from '@jest/globals';
import type { KubeObject } from '../../../src/api/meta.js';
import type { MessengerApp, MessengerPage } from '../../../src/api/v1alpha1/types.gen.js';
import type { Cluster } from '../../../src/runtime/cluster.js';
import { KindMap } from '../../../src/runtime/kinds.js';
import { APPS, KINDS, PAGES } from '../../../src/api/kinds.js';
import { Leader, type LeaderPorts } from '../../../src/app/leader.js';
import { controllers } from '../../../src/controller/controllers.js';
import { keyOf, keyText } from '../../../src/core/domain/object-key.js';
import type { ControllerSpec } from '../../../src/runtime/controller-spec.js';
import { awaitChange } from '../../../src/runtime/ports.js';
import { generationChanged } from '../../../src/runtime/predicates.js';
import { afterFirstList, existing, on, watchAll } from '../../../src/runtime/watches.js';
import { APP_INDEXES, PAGE_INDEXES } from '../../../src/controller/indexes.js';
import { silentLogger } from '../../../src/kit/log.js';
import { findCondition } from '../../../src/runtime/conditions.js';
import { DeadlineError, unlessAborted } from '../../../src/runtime/deadline.js';
import { Store } from '../../../src/runtime/store.js';
import { FakeClock, flush } from '../../support/fake-clock.js';
import { FakeGraph } from '../controller/support/fake-graph.js';
import { FakeKind } from '../controller/support/fake-kind.js';
import { FakeSecrets } from '../controller/support/fake-secrets.js';
import { anApp, CALLBACK, OPTIONS } from '../controller/support/world.js';

/** A leader of these apps, at work. */
function aLeader(
  workers: number,
  apps: readonly MessengerApp[],
  refresh: Cluster['refresh'] = () => Promise.resolve(),
  more: (clock: FakeClock) => Pick<LeaderPorts, 'controllers'> = () => ({}),
) {
  const clock = new FakeClock();
  const graph = new FakeGraph();
  graph.appSecrets.set('151', 'app-secret');
  graph.appRows.set('151', [{ object: 'page', callbackUrl: CALLBACK, active: true, fields: ['messages'] }]);
  const secrets = new FakeSecrets(clock);
  secrets.put('bots/main', { appSecret: 'app-secret', verifyToken: 'verify-me' });
  const kinds = {
    pages: new FakeKind<MessengerPage>(clock, 'page', PAGE_INDEXES),
    apps: new FakeKind<MessengerApp>(clock, 'app', APP_INDEXES),
  };
  for (const app of apps) kinds.apps.create(app);
  const access = <T extends KubeObject & { readonly spec: unknown }>(kind: FakeKind<T>) => ({
    informer: kind.store,
    live: kind,
    status: kind as never,
    finalizers: kind,
  });
  const accesses = new KindMap().set(PAGES, access(kinds.pages)).set(APPS, access(kinds.apps));
  const leader = new Leader({
    cluster: {
      kind: (kind) => accesses.get(kind),
      services: new Store({ clock }),
      namespaces: new Store({ clock }),
      secrets,
      events: { record: () => undefined },
      fence: { check: () => undefined },
      refresh,
    },
    graph,
    signs: { pressure: () => 1, answeredVersion: () => undefined },
    observer: { queue: () => ({}), passes: () => () => undefined, counters: { leftSubscribed: () => undefined } },
    clock,
    log: silentLogger,
    options: { ...OPTIONS, workers },
    random: () => 0.5,
    ...more(clock),
  });
  const stop = new AbortController();
  const ended = leader.run(stop.signal);
  const end = async (): Promise<void> => {
    stop.abort(new Error('the test is over'));
    await ended;
  };
  return { leader, clock, end, ended, apps: kinds.apps };
}

describe('Leader', () => {
  it('has a controller for each kind', async () => {
    const { leader, end } = aLeader(2, []);

    expect(KINDS.filter(({ singular }) => leader.queue(singular) === undefined)).toEqual([]);
    await end();
  });

  it('looks at every app though more of them want one appId than there are workers', async () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const { clock, apps, end } = aLeader(
      2,
      names.map((name) => anApp({}, { namespace: 'bots', name })),
    );

    for (let i = 0; i < 10; i++) {
      await clock.advance(1_000);
      await flush();
    }

    const reasons = names.map((name) => findCondition(apps.find({ namespace: 'bots', name })?.status?.conditions, 'Accepted')?.reason);
    expect(reasons).toEqual(['Succeeded', 'AppClaimed', 'AppClaimed', 'AppClaimed', 'AppClaimed']);
    await end();
  });

  it('begins no work before all is known that an earlier leader wrote', async () => {
    let known: () => void = () => undefined;
    const refresh = (): Promise<void> =>
      new Promise((resolve) => {
        known = resolve;
      });
    const { clock, apps, end } = aLeader(2, [anApp({}, { namespace: 'bots', name: 'a' })], refresh);
    const judged = (): boolean => apps.find({ namespace: 'bots', name: 'a' })?.status !== undefined;

    await clock.advance(60_000);
    await flush();
    expect(judged()).toBe(false);

    known();
    for (let i = 0; i < 5; i++) {
      await flush();
      await clock.advance(1_000);
    }
    expect(judged()).toBe(true);
    await end();
  });

  it('gives up after five minutes in which that could not be found out', async () => {
    const { clock, ended } = aLeader(2, [], (signal) => unlessAborted(new Promise(() => undefined), signal));
    const failed = ended.catch((error: unknown) => error);

    await clock.advance(5 * 60_000);

    expect(await failed).toBeInstanceOf(DeadlineError);
  });

  it('ends without a word when it is stopped meanwhile', async () => {
    const { end } = aLeader(2, [], (signal) => unlessAborted(new Promise(() => undefined), signal));

    await expect(end()).resolves.toBeUndefined();
  });

  it('runs the controller of one more kind for one more row in the list', async () => {
    const passes: string[] = [];
    const gadget = (name: string, generation = 1): KubeObject => ({ metadata: { namespace: 'bots', name, uid: name, generation } });
    let store: Store<KubeObject> | undefined;
    const { clock, apps, end } = aLeader(2, [anApp()], undefined, (now) => {
      const gadgets = new Store<KubeObject>({ clock: now });
      store = gadgets;
      gadgets.replace([gadget('old')]);
      const spec: ControllerSpec = {
        name: 'gadget',
        reconciler: {
          reconcile: (key) => {
            passes.push(keyText(key));
            return Promise.resolve(awaitChange());
          },
        },
        watch: watchAll(
          on(gadgets, { when: generationChanged(), wake: (one) => [keyOf(one)], as: afterFirstList(gadgets) }),
          existing(gadgets),
        ),
      };
      return { controllers: (deps) => [...controllers(deps), spec as ControllerSpec<never>] };
    });
    for (let i = 0; i < 5; i++) await clock.advance(1_000);
    expect(passes).toEqual(['bots/old']);

    store?.apply(gadget('new'));
    store?.apply(gadget('old'));
    store?.apply(gadget('old', 2));
    for (let i = 0; i < 5; i++) await clock.advance(1_000);

    expect(passes).toEqual(['bots/old', 'bots/new', 'bots/old']);
    expect(apps.find({ namespace: 'bots', name: 'main' })?.status).toBeDefined();
    await end();
  });
});
