import type { NamespacedName } from '../core/domain/object-key.js';
import { isStatus } from './kube-error.js';
import type { KubeClient } from './kube-http.js';
import { apiVersionOf, collectionPath, LEASES, objectPath } from './resources.js';

/** Times of a Lease's spec are RFC 3339 with microseconds. */
export interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

export interface Lease {
  readonly metadata: { readonly resourceVersion?: string; readonly [field: string]: unknown };
  readonly spec?: LeaseSpec;
}

/** The Lease object at the API server. Writes hold only for the version that was read. */
export class LeaseLock {
  readonly #client: KubeClient;
  readonly #key: NamespacedName;

  constructor(client: KubeClient, key: NamespacedName) {
    this.#client = client;
    this.#key = key;
  }

  async get(timeoutMs: number, signal: AbortSignal): Promise<Lease | undefined> {
    try {
      return (await this.#client.request({ method: 'GET', path: objectPath(LEASES, this.#key), apart: true, timeoutMs, signal })) as Lease;
    } catch (error) {
      if (isStatus(error, 404)) return undefined;
      throw error;
    }
  }

  /**
   * Creates it, or replaces the version in `before`. @throws KubeStatusError 409 when another
   * process was faster
   */
  async write(before: Lease | undefined, spec: LeaseSpec, timeoutMs: number, signal: AbortSignal): Promise<Lease> {
    const identity = { apiVersion: apiVersionOf(LEASES), kind: LEASES.kind };
    const request =
      before === undefined
        ? {
            method: 'POST' as const,
            path: collectionPath(LEASES, this.#key.namespace),
            body: { ...identity, metadata: { ...this.#key }, spec },
          }
        : { method: 'PUT' as const, path: objectPath(LEASES, this.#key), body: { ...identity, metadata: before.metadata, spec } };
    return (await this.#client.request({ ...request, apart: true, timeoutMs, signal })) as Lease;
  }
}

/** The time as a Lease or an Event has it. */
export function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}

const LEASE_NAME = 'messenger-operator';

/** The name of the Lease of a class's leader: installs of different classes lead side by side. */
export function leaseNameOf(className: string): string {
  return className === '' ? LEASE_NAME : `${LEASE_NAME}-${className}`;
}
