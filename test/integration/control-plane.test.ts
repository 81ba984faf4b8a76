import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startControlPlane, type ControlPlane } from '../support/control-plane.js';
import { eventually } from '../support/eventually.js';

const NAMESPACE = 'control-plane-test';
const START_DEADLINE_MS = 150_000;

interface TokenReview {
  readonly status: {
    readonly authenticated?: boolean;
    readonly user?: { readonly username: string };
    readonly audiences?: readonly string[];
  };
}

describe('the control plane of the tests', () => {
  let cluster: ControlPlane;

  beforeAll(async () => {
    cluster = await startControlPlane();
    await cluster.admin.applyYaml(`
apiVersion: v1
kind: Namespace
metadata: {name: ${NAMESPACE}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: operator, namespace: ${NAMESPACE}}
`);
  }, START_DEADLINE_MS);

  afterAll(async () => {
    await cluster.stop();
  });

  const review = async (token: string, audiences: readonly string[]): Promise<TokenReview['status']> => {
    const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token, audiences } };
    return (await cluster.admin.create<TokenReview>('/apis/authentication.k8s.io/v1/tokenreviews', request)).status;
  };

  const operator = { serviceAccount: 'operator', namespace: NAMESPACE };

  it('tells a version that a chart can check against', async () => {
    const { gitVersion } = await cluster.admin.get<{ gitVersion: string }>('/version');

    expect(gitVersion).toMatch(/^v1\.\d+\.\d+/);
  });

  it('accepts a ServiceAccount token for the audience it was made for, and for no other', async () => {
    const token = await cluster.requestToken(NAMESPACE, 'operator', { audiences: ['messenger-operator'], expirationSeconds: 600 });

    expect(await review(token, ['messenger-operator'])).toMatchObject({
      authenticated: true,
      user: { username: `system:serviceaccount:${NAMESPACE}:operator` },
      audiences: ['messenger-operator'],
    });
    expect((await review(token, ['somebody-else'])).authenticated).not.toBe(true);
  });

  it('accepts a token without audiences as one for itself', async () => {
    const token = await cluster.requestToken(NAMESPACE, 'operator');

    expect((await review(token, [cluster.audience])).authenticated).toBe(true);
  });

  it('lets a ServiceAccount do only what a role allows', async () => {
    const kubeconfig = await cluster.kubeconfigFor(operator);

    const refused = await cluster.kubectl(['get', 'pods'], { kubeconfig });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(`User "system:serviceaccount:${NAMESPACE}:operator" cannot list resource "pods"`);

    await cluster.admin.applyYaml(`
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: operator, namespace: ${NAMESPACE}}
rules: [{apiGroups: [''], resources: [pods], verbs: [get, list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: operator, namespace: ${NAMESPACE}}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: operator}
subjects: [{kind: ServiceAccount, name: operator, namespace: ${NAMESPACE}}]
`);
    // The API server looks roles up in a cache that follows a moment later.
    await eventually(async () => (await cluster.kubectl(['get', 'pods'], { kubeconfig })).code === 0);
    expect((await cluster.kubectl(['get', 'secrets'], { kubeconfig })).code).toBe(1);
  });

  it('serves another user by impersonation', async () => {
    const kubeconfig = await cluster.kubeconfigFor({ user: 'jane', groups: ['developers'] });

    const { stderr } = await cluster.kubectl(['get', 'secrets', '-n', NAMESPACE], { kubeconfig });

    expect(stderr).toContain('User "jane" cannot list resource "secrets"');
  });

  it('serves a kind as soon as applyYaml has returned, with rules and selectable fields', async () => {
    await cluster.admin.applyYaml(CRD);
    const path = `/apis/tests.example.com/v1/namespaces/${NAMESPACE}/widgets`;
    const widget = (name: string, size: number): unknown => ({
      apiVersion: 'tests.example.com/v1',
      kind: 'Widget',
      metadata: { name },
      spec: { color: name, size },
    });

    await cluster.admin.create(path, widget('red', 1));
    await cluster.admin.create(path, widget('blue', 2));

    await expect(cluster.admin.create(path, widget('green', 9))).rejects.toMatchObject({ status: 422, reason: 'Invalid' });
    await expect(cluster.admin.list(`${path}?fieldSelector=spec.color%3Dred`)).resolves.toMatchObject([{ metadata: { name: 'red' } }]);
  });

  it('runs helm against itself', async () => {
    const { code, stdout } = await cluster.helm(['list', '--all-namespaces', '-o', 'json']);

    expect({ code, stdout: stdout.trim() }).toEqual({ code: 0, stdout: '[]' });
  });

  it('says what it waited for when the deadline has passed', async () => {
    const path = `/api/v1/namespaces/${NAMESPACE}`;

    await expect(cluster.admin.waitFor(path, () => false, 100)).rejects.toThrow(/last seen: \{"kind":"Namespace"/);
    await expect(cluster.admin.waitForGone(path, 100)).rejects.toThrow(/was still there after 100 ms/);
  });
});

const GUARD = fileURLToPath(new URL('../support/control-plane-guard.mjs', import.meta.url));

describe("the control plane's guard", () => {
  it('ends the servers and removes their folder once the process that started them is gone', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'guard-test-'));
    const server = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    const ended = once(server, 'exit');
    const guard = spawn(process.execPath, [GUARD, folder], { stdio: ['pipe', 'ignore', 'ignore'] });
    const guardEnded = once(guard, 'exit');

    guard.stdin.write(`+${server.pid ?? 0}\n`);
    guard.stdin.end();

    try {
      await guardEnded;
      await expect(ended).resolves.toEqual([null, 'SIGKILL']);
      await expect(stat(folder)).rejects.toThrow(/ENOENT/);
    } finally {
      server.kill('SIGKILL');
    }
  });
});

const whenManaged = process.env['TEST_KUBECONFIG'] ? describe.skip : describe;

whenManaged('the control plane that a test may break', () => {
  let cluster: ControlPlane;

  beforeAll(async () => {
    cluster = await startControlPlane({ controllerManager: true });
  }, START_DEADLINE_MS);

  afterAll(async () => {
    await cluster.stop();
  });

  const configMap = (name: string): unknown => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } });
  const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';

  it('keeps address, certificate and data over a stop and a crash', async () => {
    const { uid } = (await cluster.admin.create(CONFIG_MAPS, configMap('kept'))).metadata;

    await cluster.stopApiServer();
    await expect(cluster.admin.request('GET', '/version')).rejects.toThrow(/ECONNREFUSED/);
    await cluster.startApiServer();
    await cluster.killApiServer();
    await cluster.startApiServer();

    await expect(cluster.admin.get(`${CONFIG_MAPS}/kept`)).resolves.toMatchObject({ metadata: { uid } });
  }, 120_000);

  it('goes back to a snapshot of etcd', async () => {
    await cluster.admin.create(CONFIG_MAPS, configMap('before'));
    const snapshot = await cluster.snapshotEtcd();
    const later = await cluster.admin.create(CONFIG_MAPS, configMap('after'));

    await cluster.restoreEtcd(snapshot);

    await expect(cluster.admin.find(`${CONFIG_MAPS}/before`)).resolves.toBeDefined();
    await expect(cluster.admin.find(`${CONFIG_MAPS}/after`)).resolves.toBeUndefined();
    const again = await cluster.admin.create(CONFIG_MAPS, configMap('again'));
    expect(Number(again.metadata.resourceVersion) - Number(later.metadata.resourceVersion)).toBeLessThan(100);
  }, 120_000);

  it('writes who asked for what to the audit log', async () => {
    const kubeconfig = await cluster.kubeconfigFor({ serviceAccount: 'default', namespace: 'default' });
    await cluster.kubectl(['get', 'secret', 'nothing'], { kubeconfig });

    expect(await cluster.audit()).toContainEqual(
      expect.objectContaining({
        verb: 'get',
        user: expect.objectContaining({ username: 'system:serviceaccount:default:default' }),
        objectRef: expect.objectContaining({ resource: 'secrets', namespace: 'default', name: 'nothing' }),
        responseStatus: expect.objectContaining({ code: 403 }),
      }),
    );
  });

  it('can be used as a cluster that somebody else runs', async () => {
    process.env['TEST_KUBECONFIG'] = cluster.adminKubeconfig;
    try {
      const external = await startControlPlane();

      expect({ server: external.server, audience: external.audience, managed: external.managed }).toEqual({
        server: cluster.server,
        audience: cluster.audience,
        managed: false,
      });
      await expect(external.stopApiServer()).rejects.toThrow(/TEST_KUBECONFIG/);
      const kubeconfig = await external.kubeconfigFor({ serviceAccount: 'default', namespace: 'default' });
      expect((await external.kubectl(['auth', 'whoami', '-o', 'name'], { kubeconfig })).code).toBe(0);
      await external.stop();
      await expect(cluster.admin.request('GET', '/readyz')).resolves.toMatchObject({ status: 200 });
    } finally {
      delete process.env['TEST_KUBECONFIG'];
    }
  });

  it('empties and removes a namespace that is deleted', async () => {
    await cluster.admin.applyYaml('{apiVersion: v1, kind: Namespace, metadata: {name: short-lived}}');
    await cluster.admin.create('/api/v1/namespaces/short-lived/configmaps', configMap('inside'));

    await cluster.admin.delete('/api/v1/namespaces/short-lived');

    await cluster.admin.waitForGone('/api/v1/namespaces/short-lived', 15_000);
  });
});

const CRD = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.tests.example.com}
spec:
  group: tests.example.com
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget}
  versions:
    - name: v1
      served: true
      storage: true
      selectableFields: [{jsonPath: .spec.color}]
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              properties: {color: {type: string}, size: {type: integer}}
              x-kubernetes-validations: [{rule: self.size < 5, message: too large}]
`;
