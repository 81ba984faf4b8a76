import { type FSWatcher, watch } from 'node:fs';
import type { Clock } from '../kit/clock.js';
import type { Logger } from '../kit/log.js';
import type { FolderSource, Next } from './folder-source.js';

export interface FolderWatchDeps {
  readonly root: string;
  readonly source: FolderSource;
  readonly clock: Clock;
  readonly log: Logger;
  /** Between two looks when the file system tells of nothing. */
  readonly rescanMs: number;
  /** How long a removal waits for its second look: that look comes no later. */
  readonly confirmMs: number;
}

/** Several writes that belong together are one look. */
const DEBOUNCE_MS = 100;
const WATCH_AGAIN_MS = 10_000;

/**
 * Looks at the folder when the file system tells of a change, and every `rescanMs` all the same: a
 * notification may get lost (network disks), and the switch of a mounted ConfigMap's `..data` link
 * is one of a hidden name.
 */
export class FolderWatch {
  readonly #deps: FolderWatchDeps;
  #signal: AbortSignal = AbortSignal.abort();
  #cancelTimer: (() => void) | undefined;
  #dueMs = Infinity;
  readonly #watchers: FSWatcher[] = [];
  #passing: Promise<void> | undefined;
  /** Something changed while the folder was being looked at. */
  #missed = false;

  constructor(deps: FolderWatchDeps) {
    this.#deps = deps;
  }

  /**
   * Looks for the first time and goes on until the signal is aborted. Resolves after the first
   * look.
   */
  async start(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    signal.addEventListener('abort', () => {
      this.#cancelTimer?.();
      this.#unwatch();
    });
    this.#watch();
    await this.#pass();
  }

  /** Looks at the folder soon. */
  poke(ms = DEBOUNCE_MS): void {
    const { clock } = this.#deps;
    const due = clock.monotonicMs() + ms;
    if (this.#passing !== undefined) this.#missed = true;
    if (this.#signal.aborted || this.#passing !== undefined || due >= this.#dueMs) return;
    this.#cancelTimer?.();
    this.#dueMs = due;
    this.#cancelTimer = clock.setTimer(ms, () => {
      void this.#pass();
    });
  }

  #pass(): Promise<void> {
    this.#cancelTimer?.();
    this.#passing ??= this.#look().finally(() => {
      this.#passing = undefined;
    });
    return this.#passing;
  }

  async #look(): Promise<void> {
    const { source, rescanMs, confirmMs } = this.#deps;
    this.#missed = false;
    const next = await source.pass(this.#signal).catch((): Next => 'later');
    this.#passing = undefined;
    this.#dueMs = Infinity;
    this.poke(next === 'soon' ? Math.min(rescanMs, confirmMs + 1) : rescanMs);
    // The compiler cannot see that poke() was called meanwhile.
    if (this.#missed as boolean) this.poke();
  }

  #watch(): void {
    const { root, log, clock } = this.#deps;
    if (this.#signal.aborted) return;
    let failed = false;
    const again = (error: unknown): void => {
      if (failed) return;
      failed = true;
      log.debug('the folder cannot be watched; it is read again and again', { error });
      this.#unwatch();
      clock.setTimer(WATCH_AGAIN_MS, () => {
        this.#watch();
      });
    };
    try {
      // Node's recursive watch follows folders and files but is blind to links: the folder itself
      // is watched besides.
      for (const recursive of [true, false]) {
        const watcher = watch(root, { recursive, persistent: false }, () => {
          this.poke();
        });
        this.#watchers.push(watcher.once('error', again));
      }
    } catch (error) {
      again(error);
    }
  }

  #unwatch(): void {
    for (const watcher of this.#watchers.splice(0)) watcher.close();
  }
}
