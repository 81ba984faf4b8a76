import type { KubeObject } from '../api/meta.js';
import { NotLeaderError, StaleReadError } from '../core/domain/errors.js';
import { keyOf, keyText } from '../core/domain/object-key.js';
import { hasFinalizer, isBeingDeleted } from '../runtime/finalizers.js';
import type { FinalizerWriter } from '../runtime/ports.js';
import { fencedRequest, type WriteDeps } from './fenced.js';
import { isStatus, unavailable } from './kube-error.js';
import { withKind } from './list.js';
import { KubeLiveReader } from './live-reader.js';
import { objectPath, type ResourceType } from './resources.js';

/** Another writer may come in between reading the list and patching it; so many in a row do not. */
const TRIES = 5;

interface PatchOperation {
  readonly op: 'test' | 'add' | 'remove';
  readonly path: string;
  readonly value?: unknown;
}

/**
 * Adds and removes one finalizer by a JSON patch that holds only for the object and the list that
 * were just read, so that a finalizer of another controller is never lost and never comes back.
 */
export class KubeFinalizerWriter<T extends KubeObject> implements FinalizerWriter<T> {
  readonly #deps: WriteDeps;
  readonly #resource: ResourceType;
  readonly #live: KubeLiveReader<T>;

  constructor(deps: WriteDeps, resource: ResourceType) {
    this.#deps = deps;
    this.#resource = resource;
    this.#live = new KubeLiveReader(deps.client, resource);
  }

  async add(object: T, finalizer: string, signal: AbortSignal): Promise<T> {
    for (let tries = 1; tries <= TRIES; tries++) {
      const live = await this.#live.get(keyOf(object), signal);
      if (live === undefined || live.metadata.uid !== object.metadata.uid) throw this.#stale(object, 'was replaced or is gone');
      if (hasFinalizer(live, finalizer)) return live;
      // The server refuses new finalizers on an object that is being deleted.
      if (isBeingDeleted(live)) throw this.#stale(object, 'is being deleted');
      const patched = await this.#patch(live, adding(live, finalizer), signal);
      if (patched !== undefined) return patched;
    }
    throw this.#stale(object, 'is changed too often to add a finalizer');
  }

  async remove(object: T, finalizer: string, signal: AbortSignal): Promise<void> {
    for (let tries = 1; tries <= TRIES; tries++) {
      const live = await this.#live.get(keyOf(object), signal);
      if (live === undefined || live.metadata.uid !== object.metadata.uid || !hasFinalizer(live, finalizer)) return;
      if ((await this.#patch(live, removing(live, finalizer), signal)) !== undefined) return;
    }
    throw this.#stale(object, 'is changed too often to remove a finalizer');
  }

  /** undefined: it is not any more as it was read. */
  async #patch(live: T, operations: readonly PatchOperation[], signal: AbortSignal): Promise<T | undefined> {
    const path = objectPath(this.#resource, keyOf(live));
    try {
      const patched = await fencedRequest(this.#deps, {
        method: 'PATCH',
        path,
        contentType: 'application/json-patch+json',
        body: operations,
        signal,
      });
      return withKind(patched as T, { resource: this.#resource });
    } catch (error) {
      // 422 is a test that failed, 409 a write in between; 404 that the object went, which the next
      // read tells.
      if (isStatus(error, 404, 409, 422)) return undefined;
      throw error instanceof NotLeaderError ? error : unavailable(error, signal);
    }
  }

  #stale(object: T, how: string): StaleReadError {
    return new StaleReadError(`${this.#resource.kind} ${keyText(keyOf(object))} ${how}`);
  }
}

function adding(live: KubeObject, finalizer: string): readonly PatchOperation[] {
  const { uid, resourceVersion, finalizers = [] } = live.metadata;
  const sameObject: PatchOperation = { op: 'test', path: '/metadata/uid', value: uid };
  if (finalizers.length === 0) {
    // There is no list to test, and adding one would replace a list that was made meanwhile.
    const untouched: PatchOperation = { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion };
    return [sameObject, untouched, { op: 'add', path: '/metadata/finalizers', value: [finalizer] }];
  }
  return [sameObject, sameList(finalizers), { op: 'add', path: '/metadata/finalizers/-', value: finalizer }];
}

function removing(live: KubeObject, finalizer: string): readonly PatchOperation[] {
  const { uid, finalizers = [] } = live.metadata;
  const sameObject: PatchOperation = { op: 'test', path: '/metadata/uid', value: uid };
  return [sameObject, sameList(finalizers), { op: 'remove', path: `/metadata/finalizers/${finalizers.indexOf(finalizer)}` }];
}

function sameList(value: readonly string[]): PatchOperation {
  return { op: 'test', path: '/metadata/finalizers', value };
}
