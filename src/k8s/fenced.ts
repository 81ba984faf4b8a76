import { WRITE_TIMEOUT_MS } from '../kit/lease-times.js';
import type { WriteFence } from '../runtime/ports.js';
import type { KubeClient, KubeRequest } from './kube-http.js';

export interface WriteDeps {
  readonly client: KubeClient;
  readonly fence: WriteFence;
}

/**
 * A write that begins only if the fence lets it, and ends before the lease does. @throws
 * NotLeaderError, and as the client
 */
export function fencedRequest({ client, fence }: WriteDeps, request: KubeRequest): Promise<unknown> {
  fence.check();
  return client.request({ ...request, timeoutMs: WRITE_TIMEOUT_MS });
}
