import type { Clock } from '../kit/clock.js';
import type { Logger } from '../kit/log.js';
import { keyText, type NamespacedName } from '../core/domain/object-key.js';
import type { FetchData, MetadataSource } from './data-ports.js';
import { unlessAborted } from './deadline.js';
import { Limiter } from './limiter.js';
import type { DataCache, DataState } from './ports.js';
import { RetainedData, type RetainedDeps } from './retained-data.js';

export interface ReferencedDataOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly source: MetadataSource;
  readonly fetch: FetchData;
  /** How long the last good value of an object that vanished is kept. */
  readonly graceMs: number;
  /** Between two reads of one object where the metadata is not watched (30 s, ±20 %). */
  readonly pollMs?: number;
  /** Reads at once (16). */
  readonly maxReads?: number;
  /** Objects retained at once (20,000); one more stays unknown until another one is released. */
  readonly maxRetained?: number;
  readonly random?: () => number;
}

/**
 * The data of the Secrets (or ConfigMaps) that an object refers to. Reads an object by name when its metadata changes or a
 * reference to it appears, once at a time for each; where metadata cannot be watched it reads again and again. A read
 * that fails is tried again with back-off and changes nothing that was known.
 */
export class ReferencedData implements DataCache {
  readonly #options: ReferencedDataOptions;
  readonly #deps: RetainedDeps;
  readonly #retained = new Map<string, RetainedData>();
  /** Those that an object refers to and that there is no room for, in their order. */
  readonly #noRoom = new Map<string, NamespacedName>();
  readonly #keysOf = new Map<string, ReadonlySet<string>>();
  readonly #owners = new Map<string, Set<string>>();
  readonly #handlers = new Set<(key: NamespacedName) => void>();
  #unsubscribe: (() => void) | undefined;

  constructor(options: ReferencedDataOptions) {
    this.#options = options;
    this.#deps = {
      ...options,
      limiter: new Limiter(options.maxReads ?? 16),
      pollMs: options.pollMs ?? 30_000,
      random: options.random ?? Math.random,
      changed: (key) => {
        this.#tell(key);
      },
    };
  }

  /** Objects retained at the moment. */
  get size(): number {
    return this.#retained.size;
  }

  /** Follows the metadata until the signal is aborted; then every read and timer ends. */
  start(signal: AbortSignal): void {
    this.#unsubscribe = this.#options.source.subscribe((key) => {
      if (key !== undefined) this.#retained.get(keyText(key))?.evaluate();
      else this.#evaluateAll();
    });
    signal.addEventListener('abort', () => {
      this.#stop();
    });
    this.#evaluateAll();
  }

  hasSynced(): boolean {
    return this.#options.source.hasSynced();
  }

  /** Whether each retained object is known, or a read of it has at least ended: the moment to become ready. */
  isSettled(): boolean {
    for (const entry of this.#retained.values()) if (!entry.tried) return false;
    return this.hasSynced();
  }

  ageMs(): number {
    return this.#options.source.ageMs();
  }

  peek(key: NamespacedName): DataState {
    return this.#retained.get(keyText(key))?.state ?? { kind: 'unknown' };
  }

  async read(key: NamespacedName, signal: AbortSignal): Promise<DataState> {
    signal.throwIfAborted();
    const retained = this.#retained.get(keyText(key));
    if (retained !== undefined) return unlessAborted(retained.known(), signal);
    const once = new RetainedData({ ...this.#deps, changed: () => undefined }, key);
    try {
      return await unlessAborted(once.known(), signal);
    } finally {
      once.release();
    }
  }

  retain(owner: string, keys: readonly NamespacedName[]): void {
    const wanted = new Map(keys.map((key) => [keyText(key), key]));
    const before = this.#keysOf.get(owner) ?? new Set<string>();
    for (const [text, key] of wanted) if (!before.has(text)) this.#addOwner(owner, text, key);
    for (const text of before) if (!wanted.has(text)) this.#dropOwner(owner, text);
    if (wanted.size === 0) this.#keysOf.delete(owner);
    else this.#keysOf.set(owner, new Set(wanted.keys()));
  }

  subscribe(handler: (key: NamespacedName) => void): () => void {
    const own = (key: NamespacedName): void => {
      handler(key);
    };
    this.#handlers.add(own);
    return () => this.#handlers.delete(own);
  }

  #addOwner(owner: string, text: string, key: NamespacedName): void {
    const owners = this.#owners.get(text) ?? new Set<string>();
    this.#owners.set(text, owners.add(owner));
    if (this.#retained.has(text)) return;
    if (this.#retained.size >= (this.#options.maxRetained ?? 20_000)) {
      if (!this.#noRoom.has(text)) this.#options.log.error('too many referenced objects', { key: text, retained: this.#retained.size });
      this.#noRoom.set(text, key);
      return;
    }
    this.#keep(text, key);
  }

  #keep(text: string, key: NamespacedName): void {
    const entry = new RetainedData(this.#deps, key);
    this.#retained.set(text, entry);
    if (this.#unsubscribe !== undefined) entry.evaluate();
  }

  #dropOwner(owner: string, text: string): void {
    const owners = this.#owners.get(text);
    owners?.delete(owner);
    if (owners === undefined || owners.size > 0) return;
    this.#owners.delete(text);
    this.#noRoom.delete(text);
    this.#retained.get(text)?.release();
    if (this.#retained.delete(text)) this.#useRoom();
  }

  #useRoom(): void {
    for (const [text, key] of this.#noRoom) {
      this.#noRoom.delete(text);
      this.#keep(text, key);
      return;
    }
  }

  #evaluateAll(): void {
    for (const entry of this.#retained.values()) entry.evaluate();
  }

  #stop(): void {
    this.#unsubscribe?.();
    for (const entry of this.#retained.values()) entry.release();
  }

  #tell(key: NamespacedName): void {
    for (const handler of this.#handlers) {
      try {
        handler(key);
      } catch (error) {
        this.#options.log.error('a data handler failed', { key: keyText(key), error });
      }
    }
  }
}
