import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { run, type Finished } from '../support/control-plane-process.js';
import { eventually } from '../support/eventually.js';
import { builtOperator } from '../support/operator-build.js';
import { RELEASE } from '../support/operator-chart.js';
import { PageWorld, type PageAccount } from '../support/page-world.js';

const FINALIZER = 'messenger-operator.dev/unsubscribe';
const SCALE = `/apis/apps/v1/namespaces/${RELEASE}/deployments/${RELEASE}-controller/scale`;
const JOB = `/apis/batch/v1/namespaces/${RELEASE}/jobs/${RELEASE}-release`;

interface Scale {
  readonly spec: { readonly replicas?: number };
}
interface Job {
  readonly spec: { readonly template: { readonly spec: { readonly containers: readonly { readonly args: readonly string[] }[] } } };
}

// A controller that comes back waits 20 seconds for the Lease.
jest.setTimeout(180_000);

let world: PageWorld;
let main: string;
let page: PageAccount;
/** Of the Job's Pod; made before helm gives up, as the Pod gets its token when it starts. */
let podKubeconfig: string;

beforeAll(async () => {
  [world, main] = await Promise.all([PageWorld.start(), builtOperator()]);
  const values = ['--set', 'webhook.secretNamespaces={bots}', '--take-ownership', '--force-conflicts'];
  const installed = await world.cluster.helm(['install', RELEASE, 'charts/messenger-operator', '--namespace', RELEASE, ...values]);
  expect(installed).toMatchObject({ code: 0, stderr: '' });
  page = await world.readyPage('clinic');
  podKubeconfig = await world.cluster.kubeconfigFor({ serviceAccount: `${RELEASE}-release`, namespace: RELEASE });
}, 300_000);

afterAll(async () => {
  await world.stop();
}, 60_000);

const replicas = async (): Promise<number> => (await world.cluster.admin.get<Scale>(SCALE)).spec.replicas ?? 0;
const hasFinalizer = async (): Promise<boolean> => (await world.page(page.place))?.metadata.finalizers?.includes(FINALIZER) ?? false;

/**
 * As the kubelet would: runs what the Job's Pod runs, and ends the controller that is scaled away.
 */
async function runPod(): Promise<Finished> {
  const job = await world.cluster.admin.get<Job>(JOB);
  const args = job.spec.template.spec.containers[0]?.args ?? [];
  const ending = run(process.execPath, [main, ...args, '--kubeconfig', podKubeconfig], { deadlineMs: 120_000 });
  const scaledAway = eventually(async () => (await replicas()) === 0, 30_000).then(() => world.operator.end('controller'));
  const [finished] = await Promise.all([ending, scaledAway]);
  return finished;
}

describe('helm uninstall with a --timeout shorter than its Job', () => {
  it('leaves the Job its rights: it frees all pages, and the controller works again', async () => {
    const before = await replicas();
    const { code: gaveUp } = await world.cluster.helm(['uninstall', RELEASE, '--namespace', RELEASE, '--timeout', '2s']);

    const { code, stdout, stderr } = await runPod();

    expect(gaveUp).not.toBe(0);
    expect({ code, stdout, before, after: await replicas() }).toMatchObject({ code: 0, before: 1, after: 1 });
    expect(stderr).toContain('-controller has 1 replicas again');
    expect(await hasFinalizer()).toBe(false);
    await world.operator.start(['controller']);
    await eventually(hasFinalizer, 60_000);
  });

  it('restores the replicas of the chart if an earlier Pod of the Job was killed', async () => {
    await world.cluster.admin.patch(SCALE, { spec: { replicas: 0 } });

    const { code } = await runPod();

    expect({ code, after: await replicas() }).toEqual({ code: 0, after: 1 });
    await world.operator.start(['controller']);
    await eventually(hasFinalizer, 60_000);
  });
});
