import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { stringify } from 'yaml';
import { leaseNameOf } from '../../src/k8s/lease.js';
import { findPrograms } from '../support/control-plane-tools.js';
import { startControlPlane, type ControlPlane } from '../support/control-plane.js';
import { readConfigOf } from '../unit/chart/flags.js';
import { containerOf, grantsOf, manifestsOf, podsOf, type Manifest, type PodSpec } from '../unit/chart/rendered.js';

const CHART = 'charts/messenger-operator';
const NAMESPACE = 'messenger-operator';
const START_DEADLINE_MS = 150_000;

interface Rule {
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

type Values = Readonly<Record<string, unknown>>;

const { helm } = await findPrograms();
// Without helm and without Go to build it there is nothing to render with.
const suite = helm === null ? describe.skip : describe;

suite('the chart, rendered', () => {
  let cluster: ControlPlane;

  beforeAll(async () => {
    cluster = await startControlPlane();
    const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
    await cluster.admin.applyYaml(stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE, labels } }));
  }, START_DEADLINE_MS);

  afterAll(async () => {
    await cluster.stop();
  });

  async function template(
    values: Values,
    ...args: readonly string[]
  ): Promise<{ readonly code: number; readonly manifests: readonly Manifest[]; readonly stderr: string }> {
    const command = [
      'template',
      'messenger-operator',
      CHART,
      '--namespace',
      NAMESPACE,
      '--kube-version',
      '1.34.0',
      '--values',
      '-',
      ...args,
    ];
    const { code, stdout, stderr } = await cluster.helm(command, { stdin: stringify(values) });
    return { code, stderr, manifests: code === 0 ? manifestsOf(stdout) : [] };
  }

  const named = (manifests: readonly Manifest[], kind: string): readonly string[] =>
    manifests
      .filter((one) => one.kind === kind)
      .map(({ metadata }) => (metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`));

  const configOf = (manifests: readonly Manifest[], role: string): Readonly<Record<string, unknown>> => {
    const pod = podsOf(manifests).get(role);
    if (pod === undefined) throw new Error(`no Pod of ${role}`);
    return readConfigOf(containerOf(pod).args);
  };

  const secretReaders = (manifests: readonly Manifest[]): readonly string[] =>
    manifests
      .filter(
        ({ metadata, rules = [] }) => metadata.name.includes('webhook') && rules.some(({ resources }) => resources.includes('secrets')),
      )
      .map(({ kind, metadata }) => (kind === 'ClusterRole' ? '*' : (metadata.namespace ?? '')));

  it('passes helm lint, strictly', async () => {
    expect(await cluster.helm(['lint', '--strict', CHART])).toMatchObject({ code: 0 });
  });

  it('is what deploy/install.yaml and the copies of the CRDs were made from', () => {
    const { status, stdout } = spawnSync(process.execPath, ['scripts/generate.mjs', '--check'], { encoding: 'utf8' });

    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  });

  const MATRIX: readonly { readonly what: string; readonly values: Values }[] = [
    { what: 'nothing', values: {} },
    { what: 'a class', values: { className: 'blue', crds: { install: false } } },
    { what: 'two namespaces', values: { watchNamespaces: ['a', 'b'] } },
    { what: 'every Secret', values: { webhook: { secretNamespaces: ['*'] } } },
    {
      what: 'an Ingress',
      values: {
        ingress: {
          enabled: true,
          className: 'nginx',
          hosts: [{ host: 'bots.example.com' }],
          tls: [{ hosts: ['bots.example.com'], secretName: 'tls' }],
        },
      },
    },
    {
      what: 'a load balancer with TLS',
      values: {
        webhook: {
          tls: { existingSecret: 'public' },
          service: {
            type: 'LoadBalancer',
            port: 443,
            loadBalancerClass: 'lb',
            loadBalancerSourceRanges: ['10.0.0.0/8'],
            externalTrafficPolicy: 'Local',
          },
        },
      },
    },
    { what: 'a node port', values: { webhook: { service: { type: 'NodePort', nodePort: 30_080 } } } },
    {
      what: "cert-manager's certificate",
      values: { pagesApi: { tls: { certManager: { enabled: true, issuerRef: { name: 'ca', kind: 'ClusterIssuer' } } } } },
    },
    { what: 'one replica of each', values: { webhook: { replicas: 1 }, pagesApi: { replicas: 1 } } },
    {
      what: 'a look without touching',
      values: {
        controller: { readOnly: true, interval: '1h', extraArgs: ['--workers=4'], env: [{ name: 'MESSENGER_LOG_LEVEL', value: 'debug' }] },
      },
    },
    {
      what: 'names of its own',
      values: {
        fullnameOverride: 'msgr',
        commonLabels: { team: 'bots' },
        image: { repository: 'r.example.com/m', digest: `sha256:${'a'.repeat(64)}` },
        imagePullSecrets: [{ name: 'pull' }],
      },
    },
    {
      what: 'ServiceAccounts and roles that others make',
      values: {
        rbac: { create: false, aggregateClusterRoles: false },
        controller: { serviceAccount: { name: 'c' } },
        webhook: { serviceAccount: { name: 'w' } },
        pagesApi: { serviceAccount: { name: 'p' } },
      },
    },
    {
      what: 'places to run',
      values: {
        webhook: {
          nodeSelector: { zone: 'a' },
          tolerations: [{ operator: 'Exists' }],
          affinity: { nodeAffinity: {} },
          priorityClassName: 'high',
          podAnnotations: { a: 'b' },
          podLabels: { c: 'd' },
          topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule' }],
        },
      },
    },
  ];

  it.each(MATRIX)('renders with $what: flags that the commands take, objects that the API server takes', async ({ values }) => {
    const { code, stderr, manifests } = await template(values);

    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect([...podsOf(manifests).keys()].sort()).toEqual(['controller', 'pages-api', 'webhook']);
    for (const pod of podsOf(manifests).values()) readConfigOf(containerOf(pod).args);
    const text = manifests
      .filter(({ apiVersion, metadata }) => apiVersion !== 'cert-manager.io/v1' && [NAMESPACE, undefined].includes(metadata.namespace))
      .map((manifest) => stringify(manifest))
      .join('---\n');
    const judged = await cluster.kubectl(['create', '--dry-run=server', '--validate=strict', '-f', '-'], { stdin: text });
    expect(judged.code === 0 ? '' : judged.stderr).toBe('');
  });

  it('works in the namespaces that it is given, and by roles of these alone', async () => {
    const { manifests } = await template({ watchNamespaces: ['a', 'b'] });

    const everywhere = grantsOf(
      manifests.filter(({ kind, metadata }) => kind === 'ClusterRole' && !/-(view|edit|admin|bot)$/.test(metadata.name)),
    );
    expect(everywhere.map((grant) => grant.split(' | ')[2])).toEqual(['tokenreviews', 'subjectaccessreviews']);
    expect(named(manifests, 'Role')).toEqual(
      expect.arrayContaining([
        'a/messenger-operator-controller',
        'b/messenger-operator-pages-api',
        `${NAMESPACE}/messenger-operator-controller-own`,
      ]),
    );
    for (const role of ['controller', 'webhook', 'pages-api']) expect(configOf(manifests, role)['watchNamespaces']).toEqual(['a', 'b']);
  });

  it.each<[string, Values, readonly string[], readonly string[]]>([
    ['nothing is said', {}, [NAMESPACE], [NAMESPACE]],
    ['namespaces are watched', { watchNamespaces: ['a', 'b'] }, ['a', 'b'], ['a', 'b']],
    ['some are named', { webhook: { secretNamespaces: ['c'] } }, ['c'], ['c']],
    ['all are wanted', { webhook: { secretNamespaces: ['*'] } }, ['*'], []],
    ['all of the watched ones are wanted', { watchNamespaces: ['a'], webhook: { secretNamespaces: ['*'] } }, ['a'], ['a']],
  ])('lets the webhook read Secrets, and tells it where, when %s', async (_, values, granted, told) => {
    const { manifests } = await template(values);

    expect(secretReaders(manifests)).toEqual(granted);
    expect(configOf(manifests, 'webhook')['webhookSecretNamespaces']).toEqual(told);
  });

  const hookOf = (manifests: readonly Manifest[]): Readonly<Record<string, unknown>> => {
    const job = manifests.find(({ kind }) => kind === 'Job')?.spec as { readonly template: { readonly spec: PodSpec } } | undefined;
    if (job === undefined) throw new Error('no Job');
    return readConfigOf(containerOf(job.template.spec).args);
  };
  const secretGrants = (manifests: readonly Manifest[]): readonly string[] =>
    grantsOf(manifests.filter(({ metadata }) => metadata.name.includes('-release'))).filter((grant) => grant.includes('secrets'));

  it.each(['', 'blue'])('lets the controller and the Job of the uninstall use the Lease of class "%s" alone', async (className) => {
    const { manifests } = await template({ className });

    const rules = manifests.filter(({ kind }) => kind === 'Role').flatMap((role) => (role as { rules?: readonly Rule[] }).rules ?? []);
    const leases = rules.filter(({ resources }) => resources.includes('leases'));
    const [named, any] = [{ resourceNames: [leaseNameOf(className)], verbs: ['get', 'update'] }, { verbs: ['create'] }];
    expect(leases.map(({ resourceNames, verbs }) => (resourceNames === undefined ? { verbs } : { resourceNames, verbs }))).toEqual([
      ...[named, any],
      ...[named, any],
    ]);
  });

  it('frees the finalizers before an uninstall: all of its class and namespaces, the controller stopped, within the time of the Job', async () => {
    const { manifests } = await template({ className: 'blue', watchNamespaces: ['a', 'b'], uninstall: { timeoutSeconds: 120 } });

    expect(hookOf(manifests)).toMatchObject({
      ...{ all: true, unsubscribe: false, dryRun: false, className: 'blue', watchNamespaces: ['a', 'b'], leaderElect: true },
      ...{ stopController: 'messenger-operator-controller', controllerReplicas: 1, leaseNamespace: NAMESPACE, timeoutMs: 60_000 },
    });
    expect(manifests.find(({ kind }) => kind === 'Job')).toMatchObject({
      metadata: { annotations: { 'helm.sh/hook': 'pre-delete' } },
      spec: { activeDeadlineSeconds: 120, backoffLimit: 1 },
    });
    expect(secretGrants(manifests)).toEqual([]);
    const hooks = manifests.filter(({ metadata }) => 'helm.sh/hook' in ((metadata as { annotations?: object }).annotations ?? {}));
    // The Job alone: helm deletes the hooks that succeeded when it gives up waiting for another
    // one, rights included.
    expect(hooks.map(({ kind }) => kind)).toEqual(['Job']);
    expect(hooks[0]?.metadata).toMatchObject({ annotations: { 'helm.sh/hook-delete-policy': 'before-hook-creation,hook-succeeded' } });
  });

  it('reads Secrets before an uninstall only to unsubscribe, which an install that changes nothing never does', async () => {
    const { manifests: asked } = await template({ uninstall: { unsubscribe: true } });
    const { manifests: readOnly } = await template({ uninstall: { unsubscribe: true }, controller: { readOnly: true } });

    expect(hookOf(asked)).toMatchObject({ unsubscribe: true });
    expect(secretGrants(asked)).toEqual(['messenger-operator-release |  | secrets | get']);
    expect(hookOf(readOnly)).toMatchObject({ unsubscribe: false });
    expect(secretGrants(readOnly)).toEqual([]);
  });

  it('has no hook where the finalizers are to stay, and no roles for it where others make them', async () => {
    const { manifests: without } = await template({ uninstall: { releaseFinalizers: false } });
    const { manifests: theirs } = await template({ rbac: { create: false }, uninstall: { serviceAccount: { name: 'mine' } } });

    expect(without.filter(({ metadata }) => metadata.name.includes('-release'))).toEqual([]);
    expect(theirs.filter(({ metadata }) => metadata.name.includes('-release')).map(({ kind }) => kind)).toEqual(['Job']);
  });

  it('leaves out what was switched off, and adds what was switched on', async () => {
    const { manifests: bare } = await template({
      crds: { install: false },
      rbac: { create: false, aggregateClusterRoles: false },
      webhook: { replicas: 1 },
      pagesApi: { replicas: 1 },
    });
    const { manifests: open } = await template({ ingress: { enabled: true, hosts: [{ host: 'bots.example.com' }] } });

    expect(named(bare, 'CustomResourceDefinition')).toEqual([]);
    expect(named(bare, 'PodDisruptionBudget')).toEqual([]);
    expect(named(bare, 'ClusterRole')).toEqual(['messenger-operator-bot']);
    expect(open.find(({ kind }) => kind === 'Ingress')?.spec).toMatchObject({
      rules: [
        { host: 'bots.example.com', http: { paths: [{ path: '/webhooks/messenger', backend: { service: { port: { number: 80 } } } }] } },
      ],
    });
  });

  it.each<[string, Values, string]>([
    ['a value that there is not', { webhooks: { replicas: 3 } }, 'webhooks'],
    ['a flag in a wrong form', { webhook: { extraArgs: ['max-in-flight 5'] } }, 'extraArgs'],
    ['a namespace that is no name', { watchNamespaces: ['My Namespace'] }, 'watchNamespaces'],
    ['all namespaces and one more', { webhook: { secretNamespaces: ['*', 'a'] } }, 'secretNamespaces'],
    ['no namespace at all, which the webhook would take for all', { webhook: { secretNamespaces: [] } }, 'secretNamespaces'],
    ['an Ingress without a host', { ingress: { enabled: true } }, 'ingress.enabled needs ingress.hosts'],
    ['cert-manager without an issuer', { pagesApi: { tls: { certManager: { enabled: true } } } }, 'issuerRef.name'],
  ])('refuses %s', async (_, values, says) => {
    const { code, stderr } = await template(values);

    expect(code).not.toBe(0);
    expect(stderr).toContain(says);
  });

  it('refuses an API server that cannot select pages by their id', async () => {
    const { code, stderr } = await template({}, '--kube-version', '1.30.9');

    expect(code).not.toBe(0);
    expect(stderr).toContain('1.31.0');
  });
});
