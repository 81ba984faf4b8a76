import type { Clock } from '../kit/clock.js';
import type { Logger } from '../kit/log.js';
import { keyText, type NamespacedName } from '../core/domain/object-key.js';
import { LogOnceAMinute } from '../kit/log-once-a-minute.js';
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
  /** Objects retained at once (200,000). When it is reached, the namespaces share it evenly. */
  readonly maxRetained?: number;
  readonly random?: () => number;
}

/** Two for each of 100,000 pages. */
const MAX_RETAINED = 200_000;
/** At most 100 reads a second for everything that is polled. */
const POLL_MS_EACH = 10;

/**
 * The data of the Secrets (or ConfigMaps) that an object refers to. Reads an object by name when
 * its metadata changes or a reference to it appears, once at a time for each; where metadata cannot
 * be watched it reads again and again. A read that fails is tried again with back-off and changes
 * nothing that was known.
 */
export class ReferencedData implements DataCache {
  readonly #options: ReferencedDataOptions;
  readonly #deps: RetainedDeps;
  readonly #retained = new Map<string, RetainedData>();
  /** Those that an object refers to and that there is no room for, in their order. */
  readonly #noRoom = new Map<string, NamespacedName>();
  /** namespace → the retained objects in it, the newest last. */
  readonly #byNamespace = new Map<string, Map<string, NamespacedName>>();
  readonly #noRoomLog: LogOnceAMinute;
  readonly #keysOf = new Map<string, ReadonlySet<string>>();
  readonly #owners = new Map<string, Set<string>>();
  readonly #handlers = new Set<(key: NamespacedName) => void>();
  #unsubscribe: (() => void) | undefined;

  constructor(options: ReferencedDataOptions) {
    this.#options = options;
    this.#noRoomLog = new LogOnceAMinute(options, 'too many referenced objects: some stay unknown');
    this.#deps = {
      ...options,
      limiter: new Limiter(options.maxReads ?? 16),
      pollMs: () => this.#pollMs(),
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

  /** Objects that are referred to and stay unknown, because too many are retained. */
  get beyondBound(): number {
    return this.#noRoom.size;
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

  /**
   * Whether each retained object is known, or a read of it has at least ended: the moment to become
   * ready.
   */
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
    if (this.#retained.size < (this.#options.maxRetained ?? MAX_RETAINED) || this.#makeRoom(key.namespace)) this.#keep(text, key);
    else this.#leaveOut(text, key);
  }

  /**
   * Takes a place from the namespace that has the most, unless this one has as many. @returns
   * whether there is room now
   */
  #makeRoom(namespace: string): boolean {
    const own = this.#byNamespace.get(namespace)?.size ?? 0;
    const [largest] = [...this.#byNamespace.values()].sort((a, b) => b.size - a.size);
    if (largest === undefined || largest.size <= own + 1) return false;
    const [text, key] = [...largest].at(-1) ?? [];
    if (text === undefined || key === undefined) return false;
    this.#drop(text, key);
    this.#leaveOut(text, key);
    this.#tell(key);
    return true;
  }

  #leaveOut(text: string, key: NamespacedName): void {
    if (!this.#noRoom.has(text)) this.#noRoomLog.write({ key: text, namespace: key.namespace, retained: this.#retained.size });
    this.#noRoom.set(text, key);
  }

  #drop(text: string, key: NamespacedName): boolean {
    this.#retained.get(text)?.release();
    const inNamespace = this.#byNamespace.get(key.namespace);
    inNamespace?.delete(text);
    if (inNamespace?.size === 0) this.#byNamespace.delete(key.namespace);
    return this.#retained.delete(text);
  }

  /** Longer, the more objects there are to poll, so that the reads of all stay below a rate. */
  #pollMs(): number {
    let polled = 0;
    for (const [namespace, { size }] of this.#byNamespace) if (this.#options.source.coverage(namespace) !== 'watched') polled += size;
    return Math.max(this.#options.pollMs ?? 30_000, polled * POLL_MS_EACH);
  }

  #keep(text: string, key: NamespacedName): void {
    const entry = new RetainedData(this.#deps, key);
    this.#retained.set(text, entry);
    const inNamespace = this.#byNamespace.get(key.namespace) ?? new Map<string, NamespacedName>();
    this.#byNamespace.set(key.namespace, inNamespace.set(text, key));
    if (this.#unsubscribe !== undefined) entry.evaluate();
  }

  #dropOwner(owner: string, text: string): void {
    const owners = this.#owners.get(text);
    owners?.delete(owner);
    if (owners === undefined || owners.size > 0) return;
    this.#owners.delete(text);
    this.#noRoom.delete(text);
    const [namespace = '', name = ''] = text.split('/');
    if (this.#drop(text, { namespace, name })) this.#useRoom();
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
