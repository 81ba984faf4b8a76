import { keyText, type NamespacedName } from '../../../src/core/domain/object-key.js';
import type { Coverage, FetchedData, MetadataSource } from '../../../src/runtime/data-ports.js';

/** Secrets as the server has them, and what the watch has told of them so far. */
export class FakeSecrets implements MetadataSource {
  readonly server = new Map<string, FetchedData>();
  readonly watched = new Map<string, string>();
  mode: Coverage = 'watched';
  reads: string[] = [];
  atOnce = 0;
  mostAtOnce = 0;
  failWith: Error | undefined;
  hold: Promise<void> | undefined;
  readonly #handlers = new Set<(key: NamespacedName | undefined) => void>();

  put(key: NamespacedName, version: string, value: string, uid = 'u1'): void {
    const data = new Map([['token', Buffer.from(value)]]);
    this.server.set(keyText(key), { uid, resourceVersion: version, type: 'Opaque', labels: {}, data });
    this.watch(key, version);
  }

  drop(key: NamespacedName): void {
    this.server.delete(keyText(key));
    this.watch(key, undefined);
  }

  watch(key: NamespacedName, version: string | undefined): void {
    if (version === undefined) this.watched.delete(keyText(key));
    else this.watched.set(keyText(key), version);
    if (this.mode === 'watched') for (const handler of this.#handlers) handler(key);
  }

  cover(mode: Coverage): void {
    this.mode = mode;
    for (const handler of this.#handlers) handler(undefined);
  }

  readonly fetch = async (key: NamespacedName): Promise<FetchedData | undefined> => {
    this.reads.push(keyText(key));
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.atOnce);
    const answer = this.server.get(keyText(key));
    const error = this.failWith;
    await (this.hold ?? Promise.resolve());
    this.atOnce--;
    if (error !== undefined) throw error;
    return answer;
  };

  coverage(): Coverage {
    return this.mode;
  }
  resourceVersion(key: NamespacedName): string | undefined {
    return this.watched.get(keyText(key));
  }
  hasSynced(): boolean {
    return this.mode !== 'pending';
  }
  ageMs(): number {
    return 0;
  }
  subscribe(handler: (key: NamespacedName | undefined) => void): () => void {
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  }
}
