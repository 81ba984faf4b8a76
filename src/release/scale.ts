import { isStatus } from '../k8s/kube-error.js';
import type { KubeClient } from '../k8s/kube-http.js';
import { objectPath, type ResourceType } from '../k8s/resources.js';
import type { NamespacedName } from '../core/domain/object-key.js';

const DEPLOYMENTS: ResourceType = { group: 'apps', version: 'v1', plural: 'deployments', kind: 'Deployment', namespaced: true };
const TIMEOUT_MS = 5_000;

/**
 * Scales a Deployment to zero. @returns how many replicas it had; undefined: it is gone. @throws as
 * the client
 */
export async function stopDeployment(
  client: Pick<KubeClient, 'request'>,
  key: NamespacedName,
  signal: AbortSignal,
): Promise<number | undefined> {
  const path = objectPath(DEPLOYMENTS, key, 'scale');
  try {
    const scale = (await client.request({ method: 'GET', path, timeoutMs: TIMEOUT_MS, signal })) as Scale;
    const replicas = scale.spec?.replicas ?? 0;
    if (replicas > 0) await client.request({ ...scaling(path, 0), signal });
    return replicas;
  } catch (error) {
    if (isStatus(error, 404)) return undefined;
    throw error;
  }
}

/**
 * Gives a Deployment its replicas back, also when everything else was asked to stop. @throws as the
 * client
 */
export async function scaleDeployment(client: Pick<KubeClient, 'request'>, key: NamespacedName, replicas: number): Promise<void> {
  await client.request(scaling(objectPath(DEPLOYMENTS, key, 'scale'), replicas));
}

interface Scale {
  readonly spec?: { readonly replicas?: number };
}

function scaling(path: string, replicas: number) {
  const contentType = 'application/merge-patch+json';
  return { method: 'PATCH' as const, path, contentType, body: { spec: { replicas } }, timeoutMs: TIMEOUT_MS };
}
