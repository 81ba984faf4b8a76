import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { ReleasedObject } from '../../src/release/report.js';
import { run, type Finished } from '../support/control-plane-process.js';
import { eventually } from '../support/eventually.js';
import { recordManifests } from '../support/grant-usage.js';
import { builtOperator } from '../support/operator-build.js';
import { RELEASE } from '../support/operator-chart.js';
import { namespaceNamed, type Place } from '../support/page-manifests.js';
import { FOREIGN_FINALIZER as FOREIGN, pagesOfAllSorts, type Sort } from '../support/page-sorts.js';
import { NAMESPACE, PageWorld, tell, type PageAccount } from '../support/page-world.js';

const CHART = 'charts/messenger-operator';
const FINALIZER = 'messenger-operator.dev/unsubscribe';
const SCALE = `/apis/apps/v1/namespaces/${RELEASE}/deployments/${RELEASE}-controller/scale`;
const JOB = `/apis/batch/v1/namespaces/${RELEASE}/jobs/${RELEASE}-release`;
const HOOK = `system:serviceaccount:${RELEASE}:${RELEASE}-release`;
const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

interface Scale {
  readonly spec: { readonly replicas?: number };
}
interface Report {
  readonly objects: readonly ReleasedObject[];
  readonly notes: readonly string[];
}

// Each test starts a process or more, on a machine that may be busy.
jest.setTimeout(90_000);

let world: PageWorld;
let main: string;

beforeAll(async () => {
  [world, main] = await Promise.all([PageWorld.start(), builtOperator()]);
}, 300_000);

afterAll(async () => {
  await world.stop();
}, 60_000);

/** Runs the command as the admin, or with another kubeconfig. */
const release = (args: readonly string[], kubeconfig = world.cluster.adminKubeconfig): Promise<Finished> =>
  run(process.execPath, [main, 'release', '--kubeconfig', kubeconfig, ...args], { deadlineMs: 120_000 });

async function released(args: readonly string[]): Promise<Report> {
  const { code, stdout, stderr } = await release([...args, '-o', 'json']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Report;
}

const finalizersOf = async (place: Place): Promise<readonly string[] | undefined> => (await world.page(place))?.metadata.finalizers;
const deleteLater = (place: Place): Promise<string> =>
  world.kubectl(['delete', 'mpage', place.name, '-n', place.namespace, '--wait=false']);
const replicas = async (): Promise<number> => (await world.cluster.admin.get<Scale>(SCALE)).spec.replicas ?? 0;

describe('release by hand, with no controller running', () => {
  let deleted: PageAccount;
  let other: PageAccount;
  let living: PageAccount;

  beforeAll(async () => {
    [deleted, other, living] = await Promise.all([world.readyPage('by-hand'), world.readyPage('other'), world.readyPage('living')]);
    await world.operator.end('controller');
    await deleteLater(deleted.place);
    await deleteLater(other.place);
  });

  it('changes nothing with --dry-run, and says what it would do', async () => {
    const before = await Promise.all([deleted, other, living].map(({ place }) => world.page(place)));

    const { objects } = await released(['--all', '--unsubscribe', '--dry-run', '--graph-url', world.sim.url]);

    expect(objects.map(({ name, finalizer, graph }) => [name, finalizer, graph])).toEqual(
      expect.arrayContaining([
        ['by-hand', 'would be freed', 'would be unsubscribed'],
        ['living', 'would be freed', 'would be unsubscribed'],
        ['main', 'would be freed', undefined],
      ]),
    );
    expect(await Promise.all([deleted, other, living].map(({ place }) => world.page(place)))).toEqual(before);
    expect(world.rowOf(deleted.pageId)).not.toBe('none');
  });

  it('frees the page that it is named, which is gone at once, and leaves Graph alone', async () => {
    const { objects } = await released([deleted.place.name, '-n', NAMESPACE]);

    expect(objects).toMatchObject([{ kind: 'MessengerPage', name: 'by-hand', pageId: deleted.pageId, finalizer: 'freed', message: '' }]);
    expect(await world.page(deleted.place)).toBeUndefined();
    expect(await finalizersOf(other.place)).toEqual([FINALIZER]);
    expect(world.rowOf(deleted.pageId)).not.toBe('none');
  });

  it('refuses a page that is not being deleted, saying what to do', async () => {
    const { code, stdout, stderr } = await release([living.place.name, '-n', NAMESPACE]);

    expect(code).toBe(1);
    expect(stdout).toContain('delete it first, or use --all');
    expect(stderr).toContain('1 of 1 could not be freed');
    expect(await finalizersOf(living.place)).toEqual([FINALIZER]);
  });

  it('unsubscribes what is being deleted, taking the Lease of a leader that is gone, and no other page', async () => {
    const { objects } = await released(['-n', NAMESPACE, '--unsubscribe', '--graph-url', world.sim.url]);

    expect(objects).toMatchObject([{ name: 'other', finalizer: 'freed', graph: 'unsubscribed' }]);
    expect(await world.page(other.place)).toBeUndefined();
    expect(world.rowOf(other.pageId)).toBe('none');
    expect(world.rowOf(living.pageId)).not.toBe('none');
  });

  it('frees what hangs in a namespace that goes away', async () => {
    const namespace = 'going';
    await world.apply(namespaceNamed(namespace));
    const account = world.newPage('stranded', { namespace });
    await world.apply(...world.pageManifests(account, { appRef: { name: 'nowhere' } }));
    await world.cluster.admin.patch(world.path(account.place), { metadata: { finalizers: [FINALIZER] } });
    await world.kubectl(['delete', 'namespace', namespace, '--wait=false']);
    await eventually(async () => (await world.page(account.place))?.metadata.deletionTimestamp);

    const { objects } = await released(['-A']);

    expect(objects).toMatchObject([{ name: 'stranded', namespace, finalizer: 'freed' }]);
    await world.cluster.admin.waitForGone(`/api/v1/namespaces/${namespace}`, 30_000);
  });

  it('does not free what a live leader would put a finalizer on again', async () => {
    await world.operator.start(['controller']);
    await eventually(async () => (await world.operator.output('controller')).includes('became leader'));
    const began = performance.now();

    const { code, stderr } = await release(['--all']);

    tell(`release --all refuses beside a live leader after ${Math.round(performance.now() - began)} ms`);
    expect(code).toBe(1);
    expect(stderr).toContain('leads; a running controller would undo this');
    expect(await finalizersOf(living.place)).toEqual([FINALIZER]);
  });

  it('frees what is being deleted beside a live leader', async () => {
    const stuck = await world.readyPage('stuck');
    const fault = world.sim.control.addFault({ pageId: stuck.pageId, effect: { kind: 'http', status: 503 } });
    await deleteLater(stuck.place);

    const { objects } = await released([`page/${stuck.place.name}`, '-n', NAMESPACE]);

    expect(objects).toMatchObject([{ name: 'stuck', finalizer: 'freed' }]);
    await world.cluster.admin.waitForGone(world.path(stuck.place), 10_000);
    world.sim.control.removeFault(fault.id);
  });
});

describe('helm uninstall', () => {
  let sorts: readonly Sort[];
  const values = (unsubscribe: boolean): readonly string[] => [
    ...['--namespace', RELEASE, '--set', 'webhook.secretNamespaces={bots}', '--set', `graph.url=${world.sim.url}`],
    ...['--set', `uninstall.unsubscribe=${unsubscribe}`],
  ];
  const rendered = async (template: string): Promise<string> => {
    const { stdout } = await world.cluster.helm([
      'template',
      RELEASE,
      CHART,
      ...values(true),
      '-s',
      `templates/uninstall/${template}.yaml`,
    ]);
    return stdout;
  };

  /**
   * As the kubelet would: runs what the Pod of the Job runs, with the rights that it has, and ends
   * the controller that is scaled away.
   */
  async function runHook(args: readonly string[]): Promise<Finished> {
    const kubeconfig = await world.cluster.kubeconfigFor({ serviceAccount: `${RELEASE}-release`, namespace: RELEASE });
    const [command, ...flags] = args;
    expect(command).toBe('release');
    const ending = release([...flags, '-o', 'json'], kubeconfig);
    const scaledAway = eventually(async () => (await replicas()) === 0, 30_000).then(() => world.operator.end('controller'));
    const [finished] = await Promise.all([ending, scaledAway]);
    return finished;
  }

  beforeAll(async () => {
    sorts = await pagesOfAllSorts(world);
    const { code, stderr } = await world.cluster.helm([
      'install',
      RELEASE,
      CHART,
      ...values(true),
      '--take-ownership',
      '--force-conflicts',
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  }, 120_000);

  it('gives the controller its replicas back when something could not be freed, and names it', async () => {
    world.cluster.expectRefusals({ role: 'release', verb: 'patch', because: 'the right to patch is taken away' });
    const rbac = await rendered('rbac');
    await recordManifests(rbac);
    await world.cluster.admin.applyYaml(rbac);
    await world.cluster.admin.patch(`/apis/rbac.authorization.k8s.io/v1/clusterroles/${RELEASE}-release`, {
      rules: [{ apiGroups: ['messenger-operator.dev'], resources: ['messengerapps', 'messengerpages'], verbs: ['get', 'list'] }],
    });
    const before = await replicas();
    await world.operator.end('controller');
    await world.cluster.admin.delete(`/apis/coordination.k8s.io/v1/namespaces/${RELEASE}/leases/${RELEASE}`);

    const { code, stdout, stderr } = await runHook([
      'release',
      '--all',
      `--stop-controller=${RELEASE}-controller`,
      `--lease-namespace=${RELEASE}`,
    ]);

    const { objects } = JSON.parse(stdout) as Report;
    expect({ code, before, after: await replicas() }).toEqual({ code: 1, before: 1, after: 1 });
    expect(objects.every(({ finalizer }) => finalizer === 'kept')).toBe(true);
    expect(objects.find(({ name }) => name === 'guarded')?.message).toContain(
      `by hand: kubectl patch mpage guarded -n bots --type=merge -p '{"metadata":{"finalizers":["${FOREIGN}"]}}'`,
    );
    expect(stderr).toContain('could not be freed');
    await world.cluster.admin.applyYaml(rbac);
    await world.operator.start(['controller']);
    await world.condition(sorts[0]?.account.place ?? { name: '', namespace: '' }, 'Ready', { status: 'True' });
  }, 120_000);

  it('frees twenty pages of all sorts by its hook, unsubscribes those that can be, and says what it left', async () => {
    const [failing, dead] = ['failing', 'dead'].map((name) => sorts.find(({ account }) => account.place.name === name)?.account);
    world.sim.control.addFault({ pageId: failing?.pageId ?? '', effect: { kind: 'http', status: 503 } });
    world.sim.control.setTokenState(dead?.alias ?? '', 'uninstalled');
    world.sim.control.addFault({
      method: 'DELETE',
      pageId: dead?.pageId ?? '',
      effect: { kind: 'error', code: 190, subcode: 458, status: 400 },
    });
    expect(sorts).toHaveLength(20);
    const began = performance.now();

    const uninstalling = world.cluster.helm(['uninstall', RELEASE, '--namespace', RELEASE], { deadlineMs: 120_000 });
    const job = await eventually(() => world.cluster.admin.find<Job>(JOB), 20_000);
    const { code, stdout, stderr } = await runHook(job.spec.template.spec.containers[0]?.args ?? []);
    await complete();
    const uninstalled = await uninstalling;

    tell(`helm uninstall with ${sorts.length} pages took ${Math.round(performance.now() - began)} ms`);
    expect({ code, uninstalled: uninstalled.code }).toEqual({ code: 0, uninstalled: 0 });
    const { objects, notes } = JSON.parse(stdout) as Report;
    const graphOf = new Map(objects.map(({ name, graph }) => [name, graph]));
    expect(sorts.map(({ account }) => [account.place.name, graphOf.get(account.place.name)])).toEqual(
      sorts.map(({ account, graph }) => [account.place.name, graph]),
    );
    expect(sorts.filter(({ row }) => row === 'none').map(({ account }) => world.rowOf(account.pageId))).toEqual(
      sorts.filter(({ row }) => row === 'none').map(() => 'none'),
    );
    expect(sorts.filter(({ row, account }) => row === 'kept' && world.rowOf(account.pageId) === 'none')).toEqual([]);
    expect(
      objects.filter(
        ({ graph, message, pageId }) => graph === 'left subscribed' && !message.includes(`DELETE /${pageId ?? '?'}/subscribed_apps`),
      ),
    ).toEqual([]);
    expect(objects.filter(({ finalizer }) => finalizer !== 'freed')).toEqual([]);
    expect(notes).toEqual([`the Deployment ${RELEASE}/${RELEASE}-controller has 1 replicas again`]);
    for (const secretValue of [world.app.appSecret, ...sorts.map(({ account }) => account.token)].filter((value) => value !== '')) {
      expect(`${stdout}${stderr}`).not.toContain(secretValue);
    }
  }, 180_000);

  it('has left every object, none with a finalizer of ours, and all of others', async () => {
    const pages = await world.cluster.admin.list<{ metadata: { name: string; finalizers?: readonly string[] } }>(
      `/apis/messenger-operator.dev/v1alpha1/namespaces/${NAMESPACE}/messengerpages`,
    );

    expect(pages.map(({ metadata }) => metadata.name)).toEqual(expect.arrayContaining(sorts.map(({ account }) => account.place.name)));
    expect(pages.flatMap(({ metadata }) => metadata.finalizers ?? [])).toEqual([FOREIGN]);
    expect((await world.appObject(world.app.place))?.metadata.finalizers ?? []).toEqual([]);
    await world.cluster.admin.patch(world.path({ name: 'guarded', namespace: NAMESPACE }), { metadata: { finalizers: null } });
    await world.kubectl(['delete', 'mpage,mapp', '--all', '-n', NAMESPACE, '--timeout=20s']);
  });

  it('has taken its own hook away, and used every right of it', async () => {
    expect(await world.cluster.admin.find(JOB)).toBeUndefined();
    expect(await world.cluster.admin.find(`/apis/rbac.authorization.k8s.io/v1/clusterroles/${RELEASE}-release`)).toBeUndefined();
    const entries = (await world.cluster.audit()).filter(
      ({ user, responseStatus }) => user.username === HOOK && responseStatus?.code !== 403,
    );
    const used = new Set(
      entries.map(({ verb, objectRef }) =>
        [verb, objectRef?.resource, objectRef?.subresource].filter((part) => part !== undefined).join(' '),
      ),
    );
    expect([...used].sort()).toEqual([
      'create leases',
      'get deployments scale',
      'get leases',
      'get messengerapps',
      'get messengerpages',
      'get secrets',
      'list messengerapps',
      'list messengerpages',
      'patch deployments scale',
      'patch messengerapps',
      'patch messengerpages',
      'update leases',
    ]);
  });

  it('leaves nothing to do for a release where the CRDs are gone as well', async () => {
    for (const plural of ['messengerpages', 'messengerapps']) await world.cluster.admin.delete(`${CRDS}/${plural}.messenger-operator.dev`);
    for (const plural of ['messengerpages', 'messengerapps']) {
      await world.cluster.admin.waitForGone(`${CRDS}/${plural}.messenger-operator.dev`, 30_000);
    }

    const { code, stdout, stderr } = await eventually(async () => {
      const finished = await release(['--all']);
      return finished.stderr.includes('messengerapps') ? finished : undefined;
    }, 30_000);

    expect({ code, stdout }).toEqual({ code: 0, stdout: 'Nothing to free.\n' });
    expect(stderr).toContain('the CustomResourceDefinition messengerpages.messenger-operator.dev is gone, and with it every MessengerPage');
  });
});

interface Job {
  readonly spec: { readonly template: { readonly spec: { readonly containers: readonly { readonly args: readonly string[] }[] } } };
}

/** What kubelet and job controller say once the Pod has ended well. */
async function complete(): Promise<void> {
  const now = new Date(Date.now()).toISOString().replace(/\.\d+Z/, 'Z');
  const condition = (type: string) => ({
    type,
    status: 'True',
    reason: 'CompletionsReached',
    message: '',
    lastProbeTime: now,
    lastTransitionTime: now,
  });
  await world.cluster.admin.patch(`${JOB}/status`, {
    status: { startTime: now, completionTime: now, succeeded: 1, conditions: [condition('SuccessCriteriaMet'), condition('Complete')] },
  });
}
