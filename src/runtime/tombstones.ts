import { BoundedMap } from '../kit/bounded-map.js';
import { isOlder } from './resource-version.js';

const MAX_REMEMBERED = 1_024;

/**
 * Objects that went a short time ago, by uid: a line of the watch that comes late or twice must not
 * bring one back. Remembers the newest 1,024.
 */
export class Tombstones {
  #versions = new BoundedMap<string, string | undefined>(MAX_REMEMBERED);

  add(uid: string | undefined, resourceVersion: string | undefined): void {
    if (uid === undefined) return;
    const known = this.#versions.get(uid);
    // Of two ends of the same object the later one counts.
    this.#versions.set(uid, isOlder(resourceVersion, known) ? known : resourceVersion);
  }

  /**
   * Whether this version was written before the object went. A later one is the same object come
   * back (a restored etcd).
   */
  covers(uid: string | undefined, resourceVersion: string | undefined): boolean {
    if (uid === undefined || !this.#versions.has(uid)) return false;
    return !isOlder(this.#versions.get(uid), resourceVersion);
  }

  clear(): void {
    this.#versions = new BoundedMap(MAX_REMEMBERED);
  }
}
