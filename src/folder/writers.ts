import type { KubeObject } from '../api/meta.js';
import type { NamespacedName } from '../core/domain/object-key.js';
import type { FinalizerWriter, LiveReader, StatusWriter, WriteFence } from '../runtime/ports.js';
import type { ObjectSet } from './object-set.js';

/**
 * Status into the state folder, as the status writer of the API server does it: only when it
 * differs.
 */
export class FolderStatusWriter<T extends KubeObject & { readonly status?: unknown }> implements StatusWriter<T> {
  readonly #set: ObjectSet;
  readonly #fence: WriteFence;

  constructor(set: ObjectSet, fence: WriteFence) {
    this.#set = set;
    this.#fence = fence;
  }

  write(object: T, status: NonNullable<T['status']>, signal: AbortSignal): Promise<void> {
    return attempt(signal, this.#fence, () => {
      this.#set.writeStatus(object, plain(status));
    });
  }
}

export class FolderFinalizerWriter<T extends KubeObject> implements FinalizerWriter<T> {
  readonly #set: ObjectSet;
  readonly #fence: WriteFence;

  constructor(set: ObjectSet, fence: WriteFence) {
    this.#set = set;
    this.#fence = fence;
  }

  add(object: T, finalizer: string, signal: AbortSignal): Promise<T> {
    // The set holds objects of this one kind.
    return attempt(signal, this.#fence, () => this.#set.addFinalizer(object, finalizer) as unknown as T);
  }

  remove(object: T, finalizer: string, signal: AbortSignal): Promise<void> {
    return attempt(signal, this.#fence, () => {
      this.#set.removeFinalizer(object, finalizer);
    });
  }
}

/** The object as the state folder has it: there is nothing more recent to read. */
export class FolderLiveReader<T extends KubeObject> implements LiveReader<T> {
  readonly #set: ObjectSet;

  constructor(set: ObjectSet) {
    this.#set = set;
  }

  get(key: NamespacedName): Promise<T | undefined> {
    return Promise.resolve(this.#set.get(key) as T | undefined);
  }
}

async function attempt<T>(signal: AbortSignal, fence: WriteFence, write: () => T): Promise<T> {
  await Promise.resolve();
  signal.throwIfAborted();
  fence.check();
  return write();
}

/** What JSON makes of it: a field that is undefined is not there. */
function plain<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}
