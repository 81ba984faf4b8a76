import { randomUUID } from 'node:crypto';
import type { Clock } from '../kit/clock.js';
import { keyText, type NamespacedName } from '../core/domain/object-key.js';
import { type Coverage, type FetchedData, type MetadataSource, sameState } from '../runtime/data-ports.js';
import type { DataContent } from './data-object.js';

/**
 * The Secrets (or ConfigMaps) of the folder. Kept in memory only: their values never reach the
 * state folder.
 */
export class FolderData implements MetadataSource {
  readonly #clock: Clock;
  readonly #nextVersion: () => string;
  readonly #objects = new Map<string, FetchedData>();
  readonly #handlers = new Set<(key: NamespacedName | undefined) => void>();
  #spokenMs: number | undefined;

  constructor(clock: Clock, nextVersion: () => string) {
    this.#clock = clock;
    this.#nextVersion = nextVersion;
  }

  apply(key: NamespacedName, { type, data }: DataContent, labels: Readonly<Record<string, string>>): void {
    const before = this.#objects.get(keyText(key));
    const next = { uid: before?.uid ?? randomUUID(), resourceVersion: this.#nextVersion(), type, labels, data };
    if (before !== undefined && sameState(present(before), present(next))) return;
    this.#objects.set(keyText(key), next);
    this.#tell(key);
  }

  remove(key: NamespacedName): void {
    if (this.#objects.delete(keyText(key))) this.#tell(key);
  }

  keys(): readonly string[] {
    return [...this.#objects.keys()];
  }

  /** Every one, with its type and labels: for what is found by type, not by reference. */
  list(): readonly (readonly [string, FetchedData])[] {
    return [...this.#objects];
  }

  /** The folder was read: what is not known now is not there. */
  publish(): void {
    const first = this.#spokenMs === undefined;
    this.#spokenMs = this.#clock.monotonicMs();
    if (first) this.#tell(undefined);
  }

  fetch(key: NamespacedName): Promise<FetchedData | undefined> {
    return Promise.resolve(this.#objects.get(keyText(key)));
  }

  coverage(): Coverage {
    return this.hasSynced() ? 'watched' : 'pending';
  }

  resourceVersion(key: NamespacedName): string | undefined {
    return this.#objects.get(keyText(key))?.resourceVersion;
  }

  hasSynced(): boolean {
    return this.#spokenMs !== undefined;
  }

  ageMs(): number {
    return this.#spokenMs === undefined ? Infinity : this.#clock.monotonicMs() - this.#spokenMs;
  }

  subscribe(handler: (key: NamespacedName | undefined) => void): () => void {
    const own = (key: NamespacedName | undefined): void => {
      handler(key);
    };
    this.#handlers.add(own);
    return () => this.#handlers.delete(own);
  }

  #tell(key: NamespacedName | undefined): void {
    for (const handler of this.#handlers) handler(key);
  }
}

function present(data: FetchedData): FetchedData & { readonly kind: 'present'; readonly goneSinceMs: undefined } {
  return { kind: 'present', goneSinceMs: undefined, ...data };
}
