import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ControlPlane } from './control-plane.js';
import { recordManifests } from './grant-usage.js';

const CHART = join(fileURLToPath(new URL('../../', import.meta.url)), 'charts', 'messenger-operator');

/**
 * Name of the release, of its namespace, and so the beginning of all names that the chart gives.
 */
export const RELEASE = 'messenger-operator';

/**
 * Applies what real helm renders of the chart: CRDs, ServiceAccounts, RBAC and the rest (no Pod
 * runs here). `secretNamespaces` is the chart's `webhook.secretNamespaces`.
 */
export async function installChart(cluster: ControlPlane, secretNamespaces: readonly string[]): Promise<void> {
  const values = ['--set', `webhook.secretNamespaces={${secretNamespaces.join(',')}}`];
  const { code, stdout, stderr } = await cluster.helm(['template', RELEASE, CHART, '--no-hooks', '--namespace', RELEASE, ...values]);
  if (code !== 0) throw new Error(`helm does not render the chart: ${stderr}`);
  await recordManifests(stdout);
  await cluster.admin.applyYaml(`{apiVersion: v1, kind: Namespace, metadata: {name: ${RELEASE}}}\n---\n${stdout}`);
}

/** `system:serviceaccount:…` of a role, as the audit log names it. */
export function accountOf(role: string): string {
  return `system:serviceaccount:${RELEASE}:${RELEASE}-${role}`;
}
