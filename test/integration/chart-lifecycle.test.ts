import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Finished } from '../support/control-plane-process.js';
import { findPrograms } from '../support/control-plane-tools.js';
import { startControlPlane, type ControlPlane } from '../support/control-plane.js';
import { namespaceNamed } from '../support/page-manifests.js';

const CHART = 'charts/messenger-operator';
const NAMESPACE = 'messenger-operator';
const ROLES = '/apis/rbac.authorization.k8s.io/v1/namespaces/bots/roles';

interface Deployment {
  readonly spec: { readonly template: { readonly spec: { readonly containers: readonly { readonly args: readonly string[] }[] } } };
}

jest.setTimeout(60_000);

const { helm } = await findPrograms();
// Without helm and without Go to build it there is nothing to install with.
const suite = helm === null ? describe.skip : describe;

suite('the chart, while namespaces come and go', () => {
  let cluster: ControlPlane;
  const release = ['messenger-operator', CHART, '--namespace', NAMESPACE];
  const forBots = ['--set', 'webhook.secretNamespaces={bots}'];

  beforeAll(async () => {
    cluster = await startControlPlane({ controllerManager: true });
  }, 150_000);

  afterAll(async () => {
    await cluster.stop();
  });

  const succeeds = async (args: readonly string[]): Promise<Finished> => {
    const finished = await cluster.helm(args);
    expect(finished).toMatchObject({ code: 0, stderr: '' });
    return finished;
  };
  const watchedByWebhook = async (): Promise<string | undefined> => {
    const path = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments/messenger-operator-webhook`;
    const { spec } = await cluster.admin.get<Deployment>(path);
    return spec.template.spec.containers[0]?.args.find((flag) => flag.startsWith('--webhook-secret-namespaces='));
  };

  it('installs for a namespace that does not exist yet, and says what is missing', async () => {
    const { stdout } = await succeeds(['install', ...release, '--create-namespace', ...forBots]);

    expect(stdout).toContain('These namespaces do not exist and got no Roles: bots');
    expect(await watchedByWebhook()).toBe(`--webhook-secret-namespaces=${NAMESPACE}`);
  });

  it('gives the namespace its Role at the next upgrade', async () => {
    await cluster.admin.apply(namespaceNamed('bots'));

    const { stdout } = await succeeds(['upgrade', ...release, ...forBots]);

    expect(stdout).not.toContain('do not exist');
    expect(await cluster.admin.find(`${ROLES}/messenger-operator-webhook-secrets`)).toBeDefined();
    expect(await watchedByWebhook()).toBe('--webhook-secret-namespaces=bots');
  });

  it('upgrades after the namespace was deleted', async () => {
    await cluster.admin.delete('/api/v1/namespaces/bots');
    await cluster.admin.waitForGone('/api/v1/namespaces/bots', 30_000);

    const { stdout } = await succeeds(['upgrade', ...release, ...forBots]);

    expect(stdout).toContain('These namespaces do not exist and got no Roles: bots');
    expect(await watchedByWebhook()).toBe(`--webhook-secret-namespaces=${NAMESPACE}`);
  });
});
