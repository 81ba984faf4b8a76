import type { KubeObject } from '../api/meta.js';
import type { Clock } from '../kit/clock.js';
import { sameData } from '../runtime/equality.js';
import type { StatusWriter } from '../runtime/ports.js';

type WithStatus = KubeObject & { readonly status?: unknown };

interface Written {
  readonly status: unknown;
  /** When it was written, by the monotonic clock. */
  readonly atMs: number;
  /** Answered, or seen by the watch; else it may or may not have arrived. */
  done: boolean;
}

/**
 * Writes that the watch has not brought back yet, of one object; more than this and the oldest is
 * taken for foreign.
 */
const MAX_PENDING = 6;
/**
 * By then every watch has brought a write, or was followed by a list. What the cache still shows
 * instead is the truth: an etcd that was restored to before the write.
 */
const BROUGHT_BY_MS = 5 * 60_000;

/**
 * What this process last wrote into the status of each object, so that a pass never judges from an
 * older one that the cache still shows, and recognises a status that another writer wrote. One
 * entry an object; `forget` it when it is gone.
 */
export class StatusMemory<T extends WithStatus> {
  /**
   * uid → statuses in the order of time: what it was before our first write that is still under
   * way, then ours.
   */
  readonly #written = new Map<string, Written[]>();
  readonly #clock: Pick<Clock, 'monotonicMs'>;

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /**
   * The status to go on from: our last write while the cache still shows one before it, else what
   * the cache shows.
   */
  current(object: T): T {
    const written = this.#written.get(object.metadata.uid ?? '') ?? [];
    const since = this.#clock.monotonicMs() - BROUGHT_BY_MS;
    const last = written.findLastIndex(({ done, atMs }) => done && atMs > since);
    const stale = written.slice(0, Math.max(0, last)).some(({ status }) => sameData(status, object.status));
    return stale ? { ...object, status: written[last]?.status } : object;
  }

  /**
   * Takes note of what the watch brought. @returns whether it is a status that this process wrote
   */
  seen(object: T): boolean {
    const written = this.#written.get(object.metadata.uid ?? '') ?? [];
    const at = written.findLastIndex(({ status }) => sameData(status, object.status));
    const found = written[at];
    if (found === undefined) return false;
    found.done = true;
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
        // Before the answer: the watch may be faster.
        const entry = this.#add(object, status);
        await writer.write(object, status, signal);
        entry.done = true;
      },
    };
  }

  #add(object: T, status: unknown): Written {
    const uid = object.metadata.uid ?? '';
    const atMs = this.#clock.monotonicMs();
    const written = this.#written.get(uid) ?? [{ status: object.status, atMs, done: true }];
    const entry = { status, atMs, done: false };
    written.push(entry);
    if (written.length > MAX_PENDING) written.shift();
    this.#written.set(uid, written);
    return entry;
  }
}
