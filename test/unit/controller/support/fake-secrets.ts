import { ClusterUnavailableError } from '../../../../src/core/domain/errors.js';
import { keyText, parseKey, type NamespacedName } from '../../../../src/core/domain/object-key.js';
import type { DataCache, DataState } from '../../../../src/runtime/ports.js';
import type { FakeClock } from '../../../support/fake-clock.js';

/** The Secrets of the cluster. */
export class FakeSecrets implements DataCache {
  readonly #clock: FakeClock;
  readonly #states = new Map<string, DataState>();
  readonly #handlers = new Set<(key: NamespacedName) => void>();
  readonly retained = new Map<string, readonly string[]>();
  /** `namespace/name` of each object that a pass has read. */
  readonly reads = new Set<string>();
  /** `namespace/name` of those that cannot be read. */
  readonly unreadable = new Set<string>();
  #version = 0;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  put(key: string, data: Readonly<Record<string, string>>): void {
    this.#version += 1;
    this.#set(key, {
      kind: 'present',
      uid: `secret-${key}`,
      resourceVersion: String(this.#version),
      type: 'Opaque',
      labels: {},
      data: new Map(Object.entries(data).map(([name, value]) => [name, Buffer.from(value)])),
      goneSinceMs: undefined,
    });
  }

  /** It was deleted: its last value is kept, as the cache does for the grace time. */
  vanish(key: string): void {
    const state = this.#states.get(key);
    if (state?.kind === 'present') this.#set(key, { ...state, goneSinceMs: this.#clock.monotonicMs() });
  }

  /** It was deleted, and its grace time is over. */
  drop(key: string): void {
    this.#set(key, { kind: 'absent' });
  }

  hasSynced(): boolean {
    return true;
  }

  ageMs(): number {
    return 0;
  }

  peek(key: NamespacedName): DataState {
    return this.#states.get(keyText(key)) ?? { kind: 'absent' };
  }

  async read(key: NamespacedName): Promise<DataState> {
    this.reads.add(keyText(key));
    if (this.unreadable.has(keyText(key))) throw new ClusterUnavailableError(`Secret ${keyText(key)} cannot be read`);
    return Promise.resolve(this.peek(key));
  }

  retain(owner: string, keys: readonly NamespacedName[]): void {
    if (keys.length === 0) this.retained.delete(owner);
    else this.retained.set(owner, keys.map(keyText));
  }

  subscribe(handler: (key: NamespacedName) => void): () => void {
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  }

  #set(key: string, state: DataState): void {
    this.#states.set(key, state);
    for (const handler of this.#handlers) handler(parseKey(key));
  }
}
