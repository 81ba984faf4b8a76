import type { WriteFence } from '../runtime/ports.js';
import type { KubeClient, KubeRequest } from './kube-http.js';

/**
 * What a write may take. It begins at most 10 s after the last renewal of a lease of 15 s, and must have ended before
 * somebody else can hold the lease.
 */
export const WRITE_TIMEOUT_MS = 4_500;

export interface WriteDeps {
  readonly client: KubeClient;
  readonly fence: WriteFence;
}

/** A write that begins only if the fence lets it, and ends before the lease does. @throws NotLeaderError, and as the client */
export function fencedRequest({ client, fence }: WriteDeps, request: KubeRequest): Promise<unknown> {
  fence.check();
  return client.request({ ...request, timeoutMs: WRITE_TIMEOUT_MS });
}
