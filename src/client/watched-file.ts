import { readFile, stat } from 'node:fs/promises';

const LOOK_EVERY_MS = 1_000;

/**
 * A small text file that is read again when it changes, looked at every second at most. Keeps its
 * last good text.
 */
export class WatchedFile {
  readonly #path: string;
  readonly #lookEveryMs: number;
  #text: string | undefined;
  #version: string | undefined;
  #lookedMs = -Infinity;

  constructor(path: string, lookEveryMs = LOOK_EVERY_MS) {
    this.#path = path;
    this.#lookEveryMs = lookEveryMs;
  }

  /** Without blanks around it. @throws when it could never be read, or is empty. */
  async text(): Promise<string> {
    const now = performance.now();
    if (this.#text !== undefined && now - this.#lookedMs < this.#lookEveryMs) return this.#text;
    try {
      await this.#look();
      this.#lookedMs = now;
    } catch (error) {
      // A mounted file is away for a moment while it is replaced.
      if (this.#text === undefined) throw error;
    }
    if (this.#text === undefined) throw new Error(`${this.#path} is empty`);
    return this.#text;
  }

  async #look(): Promise<void> {
    const { mtimeMs, ino, size } = await stat(this.#path);
    const version = `${mtimeMs} ${ino} ${size}`;
    if (version === this.#version) return;
    const text = (await readFile(this.#path, 'utf8')).trim();
    if (text === '') return;
    this.#text = text;
    this.#version = version;
  }
}
