import { describe, expect, it } from '@jest/globals';
import { APPS, type CustomObject, PAGES } from '../../../src/api/kinds.js';
import { UNSUBSCRIBE_FINALIZER } from '../../../src/api/v1alpha1/constants.js';
import type { MessengerApp, MessengerPage } from '../../../src/api/v1alpha1/types.gen.js';
import type { ReleasedObject } from '../../../src/release/report.js';
import type { Targets } from '../../../src/release/targets.js';
import { ReleaseWork, type ReleaseWorkDeps } from '../../../src/release/work.js';
import { ClusterUnavailableError, StaleReadError } from '../../../src/core/domain/errors.js';
import { silentLogger } from '../../../src/kit/log.js';
import { withDeadline } from '../../../src/runtime/deadline.js';
import { FakeClock } from '../../support/fake-clock.js';

const FOREIGN = 'example.com/keep';

function page(name: string, pageId = name): MessengerPage {
  return {
    metadata: { name, namespace: 'bots', uid: name, finalizers: [FOREIGN, UNSUBSCRIBE_FINALIZER] },
    spec: { pageId, appRef: { name: 'main' }, accessTokenSecretRef: { name } },
  };
}

const APP: MessengerApp = {
  kind: 'MessengerApp',
  metadata: { name: 'main', namespace: 'bots', uid: 'main', finalizers: ['messenger-operator.dev/in-use'] },
  spec: { appId: '42', appSecretRef: { name: 'main' }, verifyTokenRef: { name: 'main' } },
};

interface World {
  readonly clock: FakeClock;
  readonly freed: string[];
  readonly deps: ReleaseWorkDeps;
}

function world(change: Partial<ReleaseWorkDeps> = {}, live: readonly MessengerPage[] = []): World {
  const clock = new FakeClock();
  const freed: string[] = [];
  const remove = ({ metadata }: CustomObject): Promise<void> => Promise.resolve(void freed.push(metadata.name));
  const deps: ReleaseWorkDeps = {
    livePages: { get: ({ name }) => Promise.resolve(live.find(({ metadata }) => metadata.name === name)) },
    finalizersOf: () => ({ remove }),
    unsubscribe: undefined,
    ...{ clock, log: silentLogger, dryRun: false, graphMs: 60_000 },
    ...change,
  };
  return { clock, freed, deps };
}

async function run({ deps, clock }: World, pages: readonly MessengerPage[], timeoutMs = 100_000): Promise<readonly ReleasedObject[]> {
  const targets: Targets = {
    groups: [
      { kind: PAGES, objects: pages.map((one) => ({ ...one, kind: 'MessengerPage' })) },
      { kind: APPS, objects: [APP] },
    ],
    ...{ leaving: new Set<string>(), knownApps: new Map() },
    ...{ skipped: [], missing: [], notes: [], any: true },
  };
  const deadline = withDeadline(clock, undefined, timeoutMs);
  const working = new ReleaseWork(deps).run(targets, deadline.signal);
  for (let i = 0; i < 110; i++) await clock.advance(1_000);
  deadline.clear();
  return working;
}

const hanging = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => {
      reject(signal.reason as Error);
    });
  });

describe('freeing what was found', () => {
  it('frees the pages, and the apps after them', async () => {
    const here = world();
    const rows = await run(here, [page('a'), page('b')]);
    expect(here.freed).toEqual(['a', 'b', 'main']);
    expect(rows.map(({ kind, name, finalizer, graph }) => [kind, name, finalizer, graph])).toEqual([
      ['MessengerPage', 'a', 'freed', undefined],
      ['MessengerPage', 'b', 'freed', undefined],
      ['MessengerApp', 'main', 'freed', undefined],
    ]);
  });

  it('takes off no finalizer in a dry run', async () => {
    const here = world({ dryRun: true });
    expect((await run(here, [page('a')])).map(({ finalizer }) => finalizer)).toEqual(['would be freed', 'would be freed']);
    expect(here.freed).toEqual([]);
  });

  it('goes on with the others when one cannot be freed, and says how to do it by hand without touching what is not ours', async () => {
    const refused = new ClusterUnavailableError('PATCH …: 403 Forbidden');
    const here = world({
      livePages: { get: () => Promise.resolve(undefined) },
      finalizersOf: () => ({ remove: ({ metadata }) => (metadata.name === 'a' ? Promise.reject(refused) : Promise.resolve()) }),
    });
    const [first, ...others] = await run(here, [page('a'), page('b')]);
    expect(first).toMatchObject({ finalizer: 'kept' });
    expect(first?.message).toBe(
      `PATCH …: 403 Forbidden; by hand: kubectl patch mpage a -n bots --type=merge -p '{"metadata":{"finalizers":["${FOREIGN}"]}}'`,
    );
    expect(others.map(({ finalizer }) => finalizer)).toEqual(['freed', 'freed']);
  });

  it('frees every page though Graph hangs, and says which were left', async () => {
    const pages = Array.from({ length: 30 }, (_, i) => page(`p${i}`));
    const here = world({ unsubscribe: (_page, signal) => hanging(signal) }, pages);
    const rows = await run(here, pages);
    expect(here.freed).toHaveLength(31);
    expect(rows.filter(({ graph }) => graph === 'left subscribed')).toHaveLength(30);
    expect(rows[29]?.message).toContain('no time left to ask Graph: to finish');
  });

  it('ends in time though nothing answers', async () => {
    const here = world({
      livePages: { get: (_key, signal) => hanging(signal) },
      finalizersOf: () => ({ remove: (_page, _name, signal) => hanging(signal) }),
    });
    const rows = await run(here, [page('a')], 5_000);
    expect(rows[0]).toMatchObject({ finalizer: 'kept', message: expect.stringContaining('no time left; run it again') });
  });

  it('looks again at a page that changed meanwhile, and not for ever', async () => {
    let changes = 2;
    const said: string[] = [];
    const here = world(
      {
        unsubscribe: ({ metadata }) => {
          said.push(metadata.name);
          if (metadata.name === 'b' || changes-- > 0) return Promise.reject(new StaleReadError('it changed'));
          return Promise.resolve({ graph: 'unsubscribed', message: '' });
        },
      },
      [page('a'), page('b')],
    );
    const [a, b] = await run(here, [page('a'), page('b')]);
    expect(a).toMatchObject({ finalizer: 'freed', graph: 'unsubscribed' });
    expect(b).toMatchObject({ finalizer: 'kept' });
    expect(said.filter((name) => name === 'b')).toHaveLength(3);
  });

  it('asks nothing of Graph for a page that went meanwhile', async () => {
    const asked: string[] = [];
    const here = world({
      unsubscribe: ({ metadata }) => Promise.resolve({ graph: 'unsubscribed', message: `${asked.push(metadata.name)}` }),
    });
    expect((await run(here, [page('a')]))[0]).toMatchObject({ finalizer: 'freed', message: '' });
    expect(asked).toEqual([]);
  });

  it('lets two objects of one Page be unsubscribed one after the other', async () => {
    let under = 0;
    let most = 0;
    const pages = [page('a', '1001'), page('b', '1001'), page('c', '1001')];
    const here = world(
      {
        unsubscribe: async () => {
          most = Math.max(most, ++under);
          await Promise.resolve();
          under -= 1;
          return { graph: 'unsubscribed', message: '' };
        },
      },
      pages,
    );
    await run(here, pages);
    expect(most).toBe(1);
  });
});
