import type { KubeObject } from '../api/meta.js';
import { FIELD_MANAGER } from '../api/v1alpha1/constants.js';
import { NotLeaderError, StaleReadError } from '../core/domain/errors.js';
import { keyOf, keyText } from '../core/domain/object-key.js';
import { sameData } from '../runtime/equality.js';
import type { StatusWriter } from '../runtime/ports.js';
import { fencedRequest, type WriteDeps } from './fenced.js';
import { isStatus, unavailable } from './kube-error.js';
import { KubeLiveReader } from './live-reader.js';
import { apiVersionOf, objectPath, type ResourceType } from './resources.js';

/** Another client may write in between reading a version and writing onto it; so many in a row do not. */
const TRIES = 5;

/**
 * The one place where a status is written: server-side apply, onto exactly the version of the object that is known to have
 * the right uid. The uid alone does not do: for a status of a custom resource the API server takes a foreign one without a
 * word (its strategy puts the stored metadata in its place before anything is compared).
 */
export class KubeStatusWriter<T extends KubeObject & { readonly status?: unknown }> implements StatusWriter<T> {
  readonly #deps: WriteDeps;
  readonly #resource: ResourceType;
  readonly #live: KubeLiveReader<T>;

  constructor(deps: WriteDeps, resource: ResourceType) {
    this.#deps = deps;
    this.#resource = resource;
    this.#live = new KubeLiveReader(deps.client, resource);
  }

  async write(object: T, status: NonNullable<T['status']>, signal: AbortSignal): Promise<void> {
    if (sameData(object.status, status)) return;
    let { resourceVersion } = object.metadata;
    for (let tries = 1; tries <= TRIES; tries++) {
      if (await this.#apply(object, { status, resourceVersion }, signal)) return;
      const live = await this.#live.get(keyOf(object), signal);
      if (live === undefined || live.metadata.uid !== object.metadata.uid) break;
      ({ resourceVersion } = live.metadata);
    }
    throw new StaleReadError(`${this.#resource.kind} ${keyText(keyOf(object))} was replaced, is gone or changes too often`);
  }

  /**
   * The whole status: a field that we once applied and now leave out is removed by the server.
   * @returns false when the object has another version by now, or is gone
   */
  async #apply(
    object: T,
    written: { readonly status: unknown; readonly resourceVersion: string | undefined },
    signal: AbortSignal,
  ): Promise<boolean> {
    const { name, namespace, uid } = object.metadata;
    const { status, resourceVersion } = written;
    try {
      await fencedRequest(this.#deps, {
        method: 'PATCH',
        path: objectPath(this.#resource, keyOf(object), 'status'),
        query: { fieldManager: FIELD_MANAGER, force: true },
        contentType: 'application/apply-patch+yaml',
        body: {
          apiVersion: apiVersionOf(this.#resource),
          kind: this.#resource.kind,
          metadata: { name, namespace, uid, resourceVersion },
          status,
        },
        signal,
      });
      return true;
    } catch (error) {
      if (isStatus(error, 404, 409)) return false;
      throw error instanceof NotLeaderError ? error : unavailable(error, signal);
    }
  }
}
