import type { JsonWebKey } from 'node:crypto';
import { isStatus, unavailable } from './kube-error.js';
import type { KubeClient } from './kube-http.js';

const DISCOVERY_PATH = '/.well-known/openid-configuration';
const KEYS_PATH = '/openid/v1/jwks';
/** The API server gives the keys in no other type. */
const KEYS_TYPE = 'application/jwk-set+json';
const TIMEOUT_MS = 2_000;

/**
 * Who issues the cluster's ServiceAccount tokens, and the public keys, as the API server itself
 * serves them. undefined: it does not, or not to us (ClusterRole
 * `system:service-account-issuer-discovery`). @throws ClusterUnavailableError
 */
export async function readTokenIssuer(
  client: KubeClient,
  signal: AbortSignal,
): Promise<{ readonly issuer: string; readonly keys: readonly JsonWebKey[] } | undefined> {
  try {
    const [discovery, keySet] = await Promise.all([
      client.request({ method: 'GET', path: DISCOVERY_PATH, timeoutMs: TIMEOUT_MS, signal }),
      client.request({ method: 'GET', path: KEYS_PATH, accept: KEYS_TYPE, timeoutMs: TIMEOUT_MS, signal }),
    ]);
    const { issuer } = discovery as { readonly issuer?: unknown };
    const { keys } = keySet as { readonly keys?: readonly JsonWebKey[] };
    return typeof issuer === 'string' && Array.isArray(keys) ? { issuer, keys } : undefined;
  } catch (error) {
    if (isStatus(error, 401, 403, 404)) return undefined;
    throw unavailable(error, signal);
  }
}
