import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { stringify } from 'yaml';
import { eventually } from '../support/eventually.js';
import { findPrograms } from '../support/control-plane-tools.js';
import { startControlPlane, type ControlPlane } from '../support/control-plane.js';

const CHART = 'charts/messenger-operator';
const NAMESPACE = 'messenger-operator';
const START_DEADLINE_MS = 150_000;

const REVIEWS = '/apis/authorization.k8s.io/v1/subjectaccessreviews';

type Values = Readonly<Record<string, unknown>>;
/** Verb, resource, namespace. */
/** Verb, resource, namespace and name; no name: any. */
type Access = readonly [string, string, string, string?];

const account = (role: string): string => `system:serviceaccount:${NAMESPACE}:messenger-operator-${role}`;
const WHO = {
  controller: account('controller'),
  webhook: account('webhook'),
  'pages-api': account('pages-api'),
  viewer: 'vera',
  editor: 'ed',
  admin: 'ada',
  bot: 'system:serviceaccount:bots:bot',
};

const { helm } = await findPrograms();
// Without helm and without Go to build it there is nothing to install with.
const suite = helm === null ? describe.skip : describe;

suite('the chart, installed', () => {
  let cluster: ControlPlane;

  const release = ['messenger-operator', CHART, '--namespace', NAMESPACE];
  const secret = `/api/v1/namespaces/${NAMESPACE}/secrets/messenger-operator-pages-api-tls`;
  const dataOf = async (path: string): Promise<Readonly<Record<string, string>>> =>
    (await cluster.admin.get<{ data: Record<string, string> }>(path)).data;

  beforeAll(async () => {
    cluster = await startControlPlane({ controllerManager: true });
    const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
    await cluster.admin.applyYaml(stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE, labels } }));
    // A cluster of others may have the CRDs already.
    const adopt = cluster.managed ? [] : ['--take-ownership'];
    const { code, stderr } = await cluster.helm(['install', ...release, ...adopt]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    await cluster.admin.applyYaml(PEOPLE);
    // Aggregated roles are filled by a controller, a moment later.
    await eventually(() => may('admin', ['create', 'messengerapps', 'bots']));
  }, START_DEADLINE_MS);

  afterAll(async () => {
    await cluster.stop();
  });

  it('has made the Pages API a certificate that bots can check', async () => {
    const data = await dataOf(secret);
    const pem = (key: string): string => Buffer.from(data[key] ?? '', 'base64').toString();
    const { 'ca.crt': published } = await dataOf(`/api/v1/namespaces/${NAMESPACE}/configmaps/messenger-operator-pages-api-ca`);

    const [certificate, ca] = [new X509Certificate(pem('tls.crt')), new X509Certificate(pem('ca.crt'))];

    expect(certificate.verify(ca.publicKey)).toBe(true);
    expect(certificate.checkHost(`messenger-operator-pages-api.${NAMESPACE}.svc`)).toBeDefined();
    expect(certificate.checkHost('messenger-operator-pages-api.other.svc')).toBeUndefined();
    expect(published?.trim()).toBe(pem('ca.crt').trim());
  });

  it('keeps that certificate at an upgrade, and makes another one when it is gone', async () => {
    const before = await dataOf(secret);
    await cluster.helm(['upgrade', ...release, '--set', 'log.level=debug']);
    const kept = await dataOf(secret);
    await cluster.admin.delete(secret);
    await cluster.helm(['upgrade', ...release]);

    expect(kept).toEqual(before);
    expect((await dataOf(secret))['tls.crt']).not.toBe(before['tls.crt']);
  });

  it('has Pods that a namespace takes which enforces the restricted standard', async () => {
    const path = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments`;
    const deployments = await cluster.admin.list<{ metadata: { name: string }; spec: { template: { spec: object } } }>(path);

    expect(deployments).toHaveLength(3);
    for (const { metadata, spec } of deployments) {
      const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: metadata.name }, spec: spec.template.spec };
      const { status, body } = await cluster.admin.request(
        'POST',
        `/api/v1/namespaces/${NAMESPACE}/pods?dryRun=All&fieldValidation=Strict`,
        pod,
      );
      expect({ status, message: (body as { message?: string }).message }).toEqual({ status: 201, message: undefined });
    }
  });

  /** Asks whether `who` may; a resource is of our group unless it names another one behind `@`. */
  async function may(who: keyof typeof WHO, [verb, resource, namespace, name]: Access): Promise<boolean> {
    const [path = '', group = 'messenger-operator.dev'] = resource.split('@');
    const [plural, subresource] = path.split('/');
    const resourceAttributes = { verb, group, resource: plural, subresource, namespace, name };
    const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec: { user: WHO[who], resourceAttributes } };
    return (await cluster.admin.create<{ status: { allowed: boolean } }>(REVIEWS, review)).status.allowed;
  }

  it.each<[keyof typeof WHO, boolean, Access]>([
    ['controller', true, ['patch', 'messengerpages/status', 'bots']],
    ['controller', true, ['patch', 'messengerpages', 'bots']],
    ['controller', false, ['delete', 'messengerpages', 'bots']],
    ['controller', false, ['update', 'secrets@', 'bots']],
    ['controller', true, ['create', 'leases@coordination.k8s.io', NAMESPACE]],
    ['controller', true, ['get', 'leases@coordination.k8s.io', NAMESPACE, 'messenger-operator']],
    ['controller', true, ['update', 'leases@coordination.k8s.io', NAMESPACE, 'messenger-operator']],
    ['controller', false, ['get', 'leases@coordination.k8s.io', NAMESPACE, 'another-controller']],
    ['controller', false, ['update', 'leases@coordination.k8s.io', NAMESPACE, 'another-controller']],
    ['controller', false, ['update', 'leases@coordination.k8s.io', NAMESPACE]],
    ['controller', false, ['update', 'leases@coordination.k8s.io', 'kube-system']],
    ['webhook', true, ['watch', 'messengerpages', 'bots']],
    ['webhook', false, ['patch', 'messengerpages/status', 'bots']],
    ['webhook', true, ['get', 'secrets@', NAMESPACE]],
    ['webhook', false, ['get', 'secrets@', 'bots']],
    ['webhook', false, ['list', 'secrets@', 'kube-system']],
    ['webhook', false, ['create', 'events@events.k8s.io', 'bots']],
    ['pages-api', true, ['get', 'secrets@', 'bots']],
    ['pages-api', false, ['patch', 'messengerpages/status', 'bots']],
    ['pages-api', true, ['create', 'tokenreviews@authentication.k8s.io', '']],
    ['viewer', true, ['list', 'messengerpages', 'bots']],
    ['viewer', false, ['create', 'messengerpages', 'bots']],
    ['editor', true, ['create', 'messengerpages', 'bots']],
    ['editor', true, ['get', 'messengerapps', 'bots']],
    ['editor', false, ['create', 'messengerapps', 'bots']],
    ['editor', false, ['patch', 'messengerpages/status', 'bots']],
    ['editor', false, ['get', 'messengerpages/token', 'bots']],
    ['editor', false, ['create', 'messengerpages/proxy', 'bots']],
    ['admin', true, ['create', 'messengerapps', 'bots']],
    ['admin', false, ['update', 'messengerpages/status', 'bots']],
    ['bot', true, ['get', 'messengerpages/token', 'bots']],
    ['bot', false, ['get', 'messengerpages/token', 'other']],
    ['bot', false, ['get', 'secrets@', 'bots']],
  ])('%s: %s that it may %s', async (who, allowed, access) => {
    expect(await may(who, access)).toBe(allowed);
  });

  it('leaves the CRDs, and with them all pages, at an uninstall', async () => {
    // No Pod runs here: release.test.ts has the hook.
    const { code } = await cluster.helm(['uninstall', 'messenger-operator', '--namespace', NAMESPACE, '--no-hooks']);

    expect(code).toBe(0);
    expect(
      await cluster.admin.find('/apis/apiextensions.k8s.io/v1/customresourcedefinitions/messengerpages.messenger-operator.dev'),
    ).toBeDefined();
    expect(await cluster.admin.find(secret)).toBeUndefined();
  });
});

const binding = (name: string, role: string, subject: Values): Values => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'RoleBinding',
  metadata: { name, namespace: 'bots' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
  subjects: [subject],
});
const person = (name: string): Values => ({ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name });

/** One of each of the cluster's own roles, and a bot, in the namespace `bots`. */
const PEOPLE = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'bots' } },
  binding('viewer', 'view', person('vera')),
  binding('editor', 'edit', person('ed')),
  binding('admin', 'admin', person('ada')),
  binding('bot', 'messenger-operator-bot', { kind: 'ServiceAccount', name: 'bot', namespace: 'bots' }),
]
  .map((manifest) => stringify(manifest))
  .join('---\n');
