import type { KubeObject } from '../api/meta.js';
import type { NamespacedName } from '../core/domain/object-key.js';
import type { LiveReader } from '../runtime/ports.js';
import { isStatus, unavailable } from './kube-error.js';
import type { KubeClient } from './kube-http.js';
import { withKind } from './list.js';
import { objectPath, type ResourceType } from './resources.js';

/** Reads objects of one kind at the API server: a quorum read, never a cache. */
export class KubeLiveReader<T extends KubeObject> implements LiveReader<T> {
  readonly #client: KubeClient;
  readonly #resource: ResourceType;

  constructor(client: KubeClient, resource: ResourceType) {
    this.#client = client;
    this.#resource = resource;
  }

  async get(key: NamespacedName, signal: AbortSignal): Promise<T | undefined> {
    try {
      const object = await this.#client.request({ method: 'GET', path: objectPath(this.#resource, key), signal });
      return withKind(object as T, { resource: this.#resource });
    } catch (error) {
      if (isStatus(error, 404)) return undefined;
      throw unavailable(error, signal);
    }
  }
}
