import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../kit/clock.js';
import { NotLeaderError } from '../core/domain/errors.js';
import type { WriteFence } from '../runtime/ports.js';

/** Another process uses the state folder. */
export class StateLockedError extends Error {
  constructor(path: string, holder: string) {
    super(`the state folder is in use by ${holder}; two processes must not share it. If that process is gone, remove ${path}`);
    this.name = 'StateLockedError';
  }
}

interface Holder {
  readonly token: string;
  readonly pid: number;
  readonly host: string;
}

const BEAT_MS = 5_000;
/** A holder that did not touch the lock for so long is gone, even if a process has its number. */
const STALE_MS = 30_000;

/**
 * The one process that may write a state folder, and Graph on its behalf. A lock whose process is
 * gone is taken over; a holder that lost it all the same (its machine slept, the file was removed)
 * finds out at its next write.
 */
export class StateLock implements WriteFence {
  readonly #folder: string;
  readonly #path: string;
  readonly #clock: Clock;
  readonly #holder: Holder = { token: randomUUID(), pid: process.pid, host: hostname() };
  #cancelBeat: (() => void) | undefined;

  constructor(folder: string, clock: Clock) {
    this.#folder = folder;
    this.#path = join(folder, 'lock');
    this.#clock = clock;
  }

  /** @throws StateLockedError */
  acquire(): void {
    const holder = this.#read();
    if (holder !== undefined && this.#isAlive(holder)) {
      throw new StateLockedError(this.#path, `process ${holder.pid} on ${holder.host}`);
    }
    const mine = `${this.#path}.${this.#holder.token}`;
    writeFileSync(mine, JSON.stringify(this.#holder), { mode: 0o600 });
    renameSync(mine, this.#path);
    this.check();
    this.#beat();
  }

  /**
   * @throws NotLeaderError when the lock is no longer this process's: it says what happened and
   * what to do.
   */
  check(): void {
    const holder = this.#read();
    if (holder?.token !== this.#holder.token) throw new NotLeaderError(`the lock of the state folder was lost: ${this.#loss(holder)}`);
  }

  release(): void {
    this.#cancelBeat?.();
    if (this.#read()?.token === this.#holder.token) rmSync(this.#path, { force: true });
  }

  #loss(holder: Holder | undefined): string {
    if (holder !== undefined) {
      return `process ${holder.pid} on ${holder.host} took ${this.#path}. Only one process may use a state folder: give each its own --state-dir`;
    }
    const again = 'Start this process again. It keeps the pages that have a manifest and unsubscribes nothing';
    if (existsSync(this.#folder)) return `${this.#path} was deleted or damaged while the process ran. ${again}`;
    return `${this.#folder} was deleted while the process ran. ${again}`;
  }

  #isAlive({ pid, host }: Holder): boolean {
    const ageMs = this.#clock.nowMs() - (statSync(this.#path, { throwIfNoEntry: false })?.mtimeMs ?? 0);
    if (ageMs > STALE_MS) return false;
    // In a container the process before us had our number.
    return host !== this.#holder.host || (pid !== process.pid && processExists(pid));
  }

  #beat(): void {
    this.#cancelBeat = this.#clock.setTimer(BEAT_MS, () => {
      const seconds = this.#clock.nowMs() / 1_000;
      try {
        if (this.#read()?.token === this.#holder.token) utimesSync(this.#path, seconds, seconds);
      } catch {
        // A folder that went away is found by the next check.
      }
      this.#beat();
    });
  }

  #read(): Holder | undefined {
    try {
      const { token, pid, host } = JSON.parse(readFileSync(this.#path, 'utf8')) as Partial<Holder>;
      return token === undefined || pid === undefined || host === undefined ? undefined : { token, pid, host };
    } catch {
      return undefined;
    }
  }
}

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return typeof error === 'object' && error !== null && 'code' in error && error.code === 'EPERM';
  }
}
