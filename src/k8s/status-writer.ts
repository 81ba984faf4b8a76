import type { KubeObject } from '../api/meta.js';
import { FIELD_MANAGER } from '../api/v1alpha1/constants.js';
import { NotLeaderError, StaleReadError } from '../core/errors.js';
import { keyOf, keyText } from '../core/object-key.js';
import { sameData } from '../runtime/equality.js';
import type { StatusWriter } from '../runtime/ports.js';
import { fencedRequest, type WriteDeps } from './fenced.js';
import { isStatus, unavailable } from './kube-error.js';
import { apiVersionOf, objectPath, type ResourceType } from './resources.js';

/** The one place where a status is written. */
export class KubeStatusWriter<T extends KubeObject & { readonly status?: unknown }> implements StatusWriter<T> {
  readonly #deps: WriteDeps;
  readonly #resource: ResourceType;

  constructor(deps: WriteDeps, resource: ResourceType) {
    this.#deps = deps;
    this.#resource = resource;
  }

  async write(object: T, status: NonNullable<T['status']>, signal: AbortSignal): Promise<void> {
    if (sameData(object.status, status)) return;
    try {
      await fencedRequest(this.#deps, {
        method: 'PATCH',
        path: objectPath(this.#resource, keyOf(object), 'status'),
        query: { fieldManager: FIELD_MANAGER, force: true },
        contentType: 'application/apply-patch+yaml',
        body: this.#applied(object, status),
        signal,
      });
    } catch (error) {
      throw this.#translated(object, error, signal);
    }
  }

  /** The whole status: a field that we once applied and now leave out is removed by the server. */
  #applied(object: T, status: unknown): object {
    const { name, namespace, uid } = object.metadata;
    return { apiVersion: apiVersionOf(this.#resource), kind: this.#resource.kind, metadata: { name, namespace, uid }, status };
  }

  #translated(object: T, error: unknown, signal: AbortSignal): Error {
    if (error instanceof NotLeaderError) return error;
    // 409 is the uid: conflicts of fields are forced.
    if (isStatus(error, 404, 409)) return new StaleReadError(`${this.#resource.kind} ${keyText(keyOf(object))} was replaced or is gone`);
    return unavailable(error, signal);
  }
}
