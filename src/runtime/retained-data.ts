import type { Clock } from '../kit/clock.js';
import type { Logger } from '../kit/log.js';
import { keyText, type NamespacedName } from '../core/domain/object-key.js';
import { backoffMs } from './queue/backoff.js';
import { ReadRefusedError, sameState, type FetchData, type MetadataSource } from './data-ports.js';
import type { Limiter } from './limiter.js';
import type { DataState } from './ports.js';

export interface RetainedDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly source: MetadataSource;
  readonly fetch: FetchData;
  readonly limiter: Limiter;
  readonly graceMs: number;
  /** Until the next read of an object whose metadata is not watched. */
  readonly pollMs: () => number;
  readonly random: () => number;
  readonly changed: (key: NamespacedName) => void;
}

const UNKNOWN: DataState = { kind: 'unknown' };
const ABSENT: DataState = { kind: 'absent' };
const RETRY = { baseMs: 1_000, maxMs: 30_000 };
/**
 * What may not be read, or is not there and has to be read by name: the wait doubles up to this.
 */
const REFUSED_MAX_MS = 10 * 60_000;

/** One object that another one refers to: its last known state, and the reads that keep it true. */
export class RetainedData {
  readonly #deps: RetainedDeps;
  readonly #key: NamespacedName;
  readonly #life = new AbortController();
  #state = UNKNOWN;
  #tried = false;
  #failures = 0;
  /** Reads in a row that did not find it. */
  #absentReads = 0;
  /**
   * The metadata's version when the last successful read began: that version needs no other read.
   */
  #checkedVersion: string | undefined;
  #reading: Promise<void> | undefined;
  #cancelGrace: (() => void) | undefined;
  #cancelNextRead: (() => void) | undefined;

  constructor(deps: RetainedDeps, key: NamespacedName) {
    this.#deps = deps;
    this.#key = key;
  }

  get state(): DataState {
    return this.#state;
  }

  /** Whether it is known, or at least a read of it has ended. */
  get tried(): boolean {
    return this.#tried || this.#state.kind !== 'unknown';
  }

  /** Compares what is known here with the metadata and reads where that is needed. Never throws. */
  evaluate(): void {
    if (this.#life.signal.aborted || this.#reading !== undefined) return;
    const { source } = this.#deps;
    if (source.coverage(this.#key.namespace) !== 'watched') {
      if (this.#state.kind === 'unknown' && this.#failures === 0) this.#read();
      else this.#poll();
      return;
    }
    const version = source.resourceVersion(this.#key);
    if (version === undefined) {
      this.#checkedVersion = undefined;
      this.#vanished();
    } else if (!this.#isCurrent(version)) this.#read();
    else if (this.#failures === 0) this.#planNothing();
  }

  /** The read under way, or a new one where nothing is known. @throws as the read does */
  async known(): Promise<DataState> {
    this.evaluate();
    if (this.#state.kind === 'unknown' && this.#reading === undefined) this.#read();
    await this.#reading;
    return this.#state;
  }

  /** No object refers to it any more. */
  release(): void {
    this.#life.abort(new Error('released'));
    this.#cancelGrace?.();
    this.#cancelNextRead?.();
  }

  #isCurrent(version: string): boolean {
    if (version === this.#checkedVersion && this.#state.kind !== 'unknown') return true;
    return this.#state.kind === 'present' && this.#state.goneSinceMs === undefined && this.#state.resourceVersion === version;
  }

  #read(): void {
    this.#planNothing();
    const reading = this.#fetch().finally(() => {
      this.#reading = undefined;
      this.#tried = true;
      if (this.#failures === 0) this.evaluate();
    });
    this.#reading = reading;
    reading.catch(() => undefined);
  }

  async #fetch(): Promise<void> {
    const { source, limiter, fetch } = this.#deps;
    const { signal } = this.#life;
    try {
      let version: string | undefined;
      const found = await limiter.run(() => {
        version = source.resourceVersion(this.#key);
        return fetch(this.#key, signal);
      }, signal);
      if (signal.aborted) return;
      this.#failures = 0;
      this.#absentReads = found === undefined ? this.#absentReads + 1 : 0;
      this.#checkedVersion = version;
      if (found === undefined) this.#vanished();
      else this.#found({ kind: 'present', ...found, goneSinceMs: undefined });
    } catch (error) {
      if (!signal.aborted) this.#failed(error);
      throw error;
    }
  }

  #failed(error: unknown): void {
    const { log, random } = this.#deps;
    this.#failures++;
    // Logged once; the age of what waits for it shows that it goes on.
    if (this.#failures === 1) log.warn('cannot read a referenced object', { key: keyText(this.#key), error });
    const maxMs = error instanceof ReadRefusedError ? REFUSED_MAX_MS : RETRY.maxMs;
    this.#readAfter(backoffMs(this.#failures, { ...RETRY, maxMs, random }));
  }

  #found(state: DataState): void {
    this.#cancelGrace?.();
    this.#cancelGrace = undefined;
    this.#become(state);
  }

  #vanished(): void {
    if (this.#state.kind === 'unknown') this.#become(ABSENT);
    if (this.#state.kind !== 'present' || this.#state.goneSinceMs !== undefined) return;
    this.#keepFor(this.#state);
  }

  #keepFor(state: Extract<DataState, { kind: 'present' }>): void {
    const { clock, graceMs } = this.#deps;
    this.#cancelGrace = clock.setTimer(graceMs, () => {
      // It is there again and cannot be read at the moment: that is no reason to call it absent.
      if (this.#isListedAnew()) this.#keepFor(state);
      else this.#become(ABSENT);
    });
    this.#become({ ...state, goneSinceMs: clock.monotonicMs() });
  }

  #isListedAnew(): boolean {
    const { source } = this.#deps;
    const version = source.resourceVersion(this.#key);
    return source.coverage(this.#key.namespace) === 'watched' && version !== undefined && version !== this.#checkedVersion;
  }

  /** From here on the watch says when to read again. */
  #planNothing(): void {
    this.#cancelNextRead?.();
    this.#cancelNextRead = undefined;
  }

  #poll(): void {
    const { pollMs, random } = this.#deps;
    if (this.#cancelNextRead !== undefined) return;
    const wait = Math.min(pollMs() * 2 ** Math.min(10, Math.max(0, this.#absentReads - 1)), Math.max(pollMs(), REFUSED_MAX_MS));
    this.#readAfter(wait * (0.8 + 0.4 * random()));
  }

  #readAfter(ms: number): void {
    this.#cancelNextRead = this.#deps.clock.setTimer(ms, () => {
      this.#cancelNextRead = undefined;
      if (this.#reading === undefined) this.#read();
    });
  }

  #become(state: DataState): void {
    const same = sameState(this.#state, state);
    this.#state = state;
    if (!same) this.#deps.changed(this.#key);
  }
}
