import type { KubeObject } from '../api/meta.js';
import { sameData } from '../runtime/equality.js';
import type { StatusWriter } from '../runtime/ports.js';

type WithStatus = KubeObject & { readonly status?: unknown };

/** Writes that the watch has not brought back yet, of one object; more than this and the oldest is taken for foreign. */
const MAX_PENDING = 6;

/**
 * What this process last wrote into the status of each object, so that a pass never judges from an older one that the cache
 * still shows, and a status that somebody else wrote is told from our own. One entry an object; `forget` it when it is gone.
 */
export class StatusMemory<T extends WithStatus> {
  /** uid → statuses in the order of time: what it was before our first write that is still under way, then ours. */
  readonly #written = new Map<string, unknown[]>();

  /** The status to go on from: our last write while the cache still shows one before it, else what the cache shows. */
  current(object: T): T {
    const written = this.#written.get(object.metadata.uid ?? '');
    if (written === undefined) return object;
    const last = written[written.length - 1];
    const stale = written.slice(0, -1).some((status) => sameData(status, object.status));
    return stale ? { ...object, status: last } : object;
  }

  /** Takes note of what the watch brought. @returns whether it is a status that this process wrote */
  seen(object: T): boolean {
    const written = this.#written.get(object.metadata.uid ?? '');
    if (written === undefined) return false;
    const at = written.findLastIndex((status) => sameData(status, object.status));
    if (at < 0) return false;
    written.splice(0, at);
    return true;
  }

  forget(uid: string | undefined): void {
    this.#written.delete(uid ?? '');
  }

  /** Writes through `writer`, only what differs from the last known status, and remembers it. */
  writer(writer: StatusWriter<T>): StatusWriter<T> {
    return {
      write: async (object, status, signal) => {
        if (sameData(object.status, status)) return;
        await writer.write(object, status, signal);
        this.#remember(object, status);
      },
    };
  }

  #remember(object: T, status: unknown): void {
    const uid = object.metadata.uid ?? '';
    const written = this.#written.get(uid) ?? [object.status];
    written.push(status);
    if (written.length > MAX_PENDING) written.shift();
    this.#written.set(uid, written);
  }
}
