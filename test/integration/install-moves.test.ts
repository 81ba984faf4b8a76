import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../../src/api/meta.js';
import { startControlPlane, type ControlPlane } from '../support/control-plane.js';
import { findPrograms } from '../support/control-plane-tools.js';
import { documentedCommands, type DocumentedCommand } from '../support/documented-commands.js';
import { namespaceNamed } from '../support/page-manifests.js';

const PAGE = '/apis/messenger-operator.dev/v1alpha1/namespaces/bots/messengerpages/clinic';
const CRD = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/messengerpages.messenger-operator.dev';
const deployment = (namespace: string): string => `/apis/apps/v1/namespaces/${namespace}/deployments/messenger-operator-controller`;

// Each step is a few runs of kubectl or helm.
jest.setTimeout(120_000);

const { helm, kubectl } = await findPrograms();
// Without helm and without Go to build it there is nothing to type.
const suite = helm === null || kubectl === null ? describe.skip : describe;

/** The commands below a heading of docs/operations.md, up to the next one. */
function commandsBelow(heading: string): readonly DocumentedCommand[] {
  const lines = readFileSync('docs/operations.md', 'utf8').split('\n');
  const begin = lines.indexOf(heading);
  const length = lines.slice(begin + 1).findIndex((line) => /^##+ /.test(line));
  return documentedCommands('docs/operations.md').filter(({ line }) => line > begin && line <= begin + 1 + length);
}

suite('an install with a page in use', () => {
  let cluster: ControlPlane;
  let page: KubeObject;

  beforeAll(async () => {
    cluster = await startControlPlane({ controllerManager: true });
  }, 150_000);

  afterAll(async () => {
    await cluster.stop();
  });

  const succeeds = async (args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await cluster.kubectl(args);
    expect({ args, code, stderr: code === 0 ? '' : stderr }).toEqual({ args, code: 0, stderr: '' });
    return stdout;
  };
  const type = async (commands: readonly DocumentedCommand[]): Promise<void> => {
    expect(commands).not.toEqual([]);
    for (const { text } of commands) {
      const { code, stderr } = await cluster.shell(text, '.');
      expect({ text, code, stderr: code === 0 ? '' : stderr }).toEqual({ text, code: 0, stderr: '' });
    }
  };
  /** Of every object of the file, by kind and name. */
  const versions = async (): Promise<readonly string[]> => {
    const shown = await succeeds(['get', '-f', 'deploy/install.yaml', '-o', 'json']);
    const { items } = JSON.parse(shown) as { items: readonly KubeObject[] };
    return items.map(({ kind, metadata: { name, resourceVersion } }) => `${kind} ${name} ${resourceVersion}`);
  };
  const releaseOf = async (path: string): Promise<string> => {
    const { metadata } = await cluster.admin.get<KubeObject>(path);
    const annotation = (name: string): string | undefined => metadata.annotations?.[`meta.helm.sh/release-${name}`];
    return `${annotation('namespace')}/${annotation('name')}`;
  };

  it('is not changed by install.yaml a second time, although kubectl prints it for the PodDisruptionBudgets', async () => {
    await succeeds(['apply', '-f', 'deploy/install.yaml']);
    // Until then the API server itself writes the status of a CRD.
    await succeeds(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s']);
    const before = await versions();
    expect(before).toHaveLength(parseAllDocuments(readFileSync('deploy/install.yaml', 'utf8')).length);

    const said = await succeeds(['apply', '-f', 'deploy/install.yaml']);

    const configured = said.split('\n').filter((line) => line !== '' && !line.endsWith(' unchanged'));
    expect(configured).toEqual([
      'poddisruptionbudget.policy/messenger-operator-pages-api configured',
      'poddisruptionbudget.policy/messenger-operator-webhook configured',
    ]);
    expect(await versions()).toEqual(before);
    await succeeds(['diff', '-f', 'deploy/install.yaml']);
  });

  it('is not changed by --server-side a second time either', async () => {
    await succeeds(['apply', '--server-side', '--force-conflicts', '-f', 'deploy/install.yaml']);
    const before = await versions();
    await succeeds(['apply', '--server-side', '-f', 'deploy/install.yaml']);
    expect(await versions()).toEqual(before);
  });

  it('moves from install.yaml to helm', async () => {
    await cluster.admin.apply(namespaceNamed('bots'));
    await cluster.admin.apply({
      apiVersion: 'messenger-operator.dev/v1alpha1',
      kind: 'MessengerPage',
      metadata: { name: 'clinic', namespace: 'bots', finalizers: ['messenger-operator.dev/subscription'] },
      spec: { pageId: '1001', appRef: { name: 'main' }, accessTokenSecretRef: { name: 'clinic' } },
    });
    page = await cluster.admin.get<KubeObject>(PAGE);

    await type(commandsBelow('### From install.yaml to helm'));

    expect(await releaseOf(deployment('messenger-operator'))).toBe('messenger-operator/messenger-operator');
    expect(await releaseOf(CRD)).toBe('messenger-operator/messenger-operator');
    expect(await cluster.admin.get(PAGE)).toEqual(page);
  });

  it('moves to another namespace, with the CRDs that helm keeps', async () => {
    const [uninstall, install] = commandsBelow('### To another namespace, or under another release name');
    if (uninstall === undefined || install === undefined) throw new Error('docs/operations.md has not the two commands');
    await type([uninstall]);
    const refused = await cluster.shell(install.text.replace('--take-ownership', ''), '.');
    expect(refused.stderr).toContain('cannot be imported into the current release');

    await type([install]);

    expect(await cluster.admin.find(deployment('messenger-operator'))).toBeUndefined();
    expect(await releaseOf(deployment('messaging'))).toBe('messaging/messenger-operator');
    expect(await releaseOf(CRD)).toBe('messaging/messenger-operator');
    expect(await cluster.admin.get(PAGE)).toEqual(page);
  });
});
