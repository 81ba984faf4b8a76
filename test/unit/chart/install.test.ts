import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { readConfigOf } from './flags.js';
import { containerOf, installed, podsOf } from './rendered.js';

const pods = podsOf(installed);
const roles = [...pods.keys()];

describe('deploy/install.yaml', () => {
  it('has the three roles, each with a ServiceAccount of its own', () => {
    const accounts = [...pods.values()].map(({ serviceAccountName }) => serviceAccountName);

    expect(roles.sort()).toEqual(['controller', 'pages-api', 'webhook']);
    expect(new Set(accounts).size).toBe(3);
    expect(installed.filter(({ kind }) => kind === 'ServiceAccount').map(({ metadata }) => metadata.name)).toEqual(accounts.sort());
  });

  it('has no object of our kinds and no key: both are yours to make', () => {
    expect(installed.filter(({ apiVersion }) => apiVersion.startsWith('messenger-operator.dev/'))).toEqual([]);
    expect(installed.filter(({ kind }) => kind === 'Secret')).toEqual([]);
    expect(readFileSync('deploy/install.yaml', 'utf8')).not.toContain('PRIVATE KEY');
  });

  it('keeps the CRDs at an uninstall', () => {
    const crds = installed.filter(({ kind }) => kind === 'CustomResourceDefinition');

    expect(crds).toHaveLength(2);
    for (const { metadata } of crds) expect(metadata).toMatchObject({ annotations: { 'helm.sh/resource-policy': 'keep' } });
  });

  it.each(roles)('%s runs without rights on its node', (role) => {
    const pod = pods.get(role);

    expect(pod).toMatchObject({ securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } } });
    expect(pod && containerOf(pod)).toMatchObject({
      securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
      resources: { limits: { memory: expect.any(String) } },
    });
  });

  it.each(roles)('%s is probed on its admin port', (role) => {
    const pod = pods.get(role);

    expect(pod && containerOf(pod)).toMatchObject({
      livenessProbe: { httpGet: { path: '/livez', port: 'admin' } },
      readinessProbe: { httpGet: { path: '/readyz', port: 'admin' } },
      ports: expect.arrayContaining([expect.objectContaining({ name: 'admin', containerPort: 9090 })]),
    });
  });

  it.each(roles)('%s gets flags that the command takes, and is not killed while it drains', (role) => {
    const pod = pods.get(role);
    if (pod === undefined) throw new Error(`no Pod of ${role}`);
    const { args, lifecycle } = containerOf(pod);

    const config = readConfigOf(args);

    expect(config['adminPort']).toBe(9090);
    const drainMs = Number(config['drainTimeoutMs'] ?? 0);
    const preStopMs = (lifecycle?.preStop.sleep.seconds ?? 0) * 1_000;
    expect(pod.terminationGracePeriodSeconds * 1_000).toBeGreaterThan(drainMs + preStopMs);
  });

  it('gives the webhook the Secrets of its own namespace alone', () => {
    const pod = pods.get('webhook');

    expect(pod && readConfigOf(containerOf(pod).args)['webhookSecretNamespaces']).toEqual(['messenger-operator']);
  });

  it('spreads the two webhook Pods and lets one of them go at a time', () => {
    const named = (kind: string): unknown =>
      installed.find((one) => one.kind === kind && one.metadata.name === 'messenger-operator-webhook')?.spec;

    expect(named('Deployment')).toMatchObject({ replicas: 2 });
    expect(named('PodDisruptionBudget')).toMatchObject({ maxUnavailable: 1 });
    expect(pods.get('webhook')).toMatchObject({ topologySpreadConstraints: [{ topologyKey: 'kubernetes.io/hostname' }] });
  });
});

describe('the chart', () => {
  it('has the version of the package', () => {
    const chart = parse(readFileSync('charts/messenger-operator/Chart.yaml', 'utf8')) as Record<string, unknown>;
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

    expect(chart).toMatchObject({ version, appVersion: version });
  });
});
