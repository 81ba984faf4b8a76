import type { BigIntStats } from 'node:fs';
import { lstat, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import type { Clock } from '../kit/clock.js';
import { type ManifestDocument, type ManifestFile, parseManifests } from './manifest-file.js';
import type { Problem } from './problem.js';

/** What the folder holds at one moment. */
export interface Scan {
  readonly documents: readonly ManifestDocument[];
  readonly problems: readonly Problem[];
  /** Everything was read and parsed, and there was something: what is missing in it is really missing. */
  readonly good: boolean;
  /** Some file was written only just now and is not taken in yet: look again at once. */
  readonly unsettled: boolean;
  /** The folder itself could be listed. */
  readonly readable: boolean;
}

export interface FolderReaderOptions {
  readonly root: string;
  /** A folder below the root that holds no manifests: the state folder. */
  readonly exclude?: string;
  readonly clock: Clock;
  readonly limits?: Partial<Limits>;
}

interface Limits {
  readonly files: number;
  readonly fileBytes: number;
  readonly totalBytes: number;
  readonly depth: number;
}

const LIMITS: Limits = { files: 10_000, fileBytes: 8 * 1_048_576, totalBytes: 64 * 1_048_576, depth: 16 };
const MANIFEST = /\.(ya?ml|json)$/;
/** A file younger than this may still be being written. */
const SETTLE_MS = 60;
/** A file that was young when read may change again without its time stamp changing. */
const RACY_MS = 2_000;

interface Cached {
  readonly version: string;
  readonly parsed: ManifestFile;
  readonly trusted: boolean;
}

interface Walk {
  readonly files: Map<string, BigIntStats>;
  readonly problems: Problem[];
  readonly visited: Set<string>;
  readable: boolean;
}

/** Reads the manifests of a folder again and again; a file that did not change is not parsed again. */
export class FolderReader {
  readonly #root: string;
  readonly #exclude: string | undefined;
  readonly #clock: Clock;
  readonly #limits: Limits;
  #cache = new Map<string, Cached>();

  constructor({ root, exclude, clock, limits = {} }: FolderReaderOptions) {
    this.#root = root;
    this.#exclude = exclude;
    this.#clock = clock;
    this.#limits = { ...LIMITS, ...limits };
  }

  /** Never rejects: what cannot be read is a problem of the scan. */
  async scan(): Promise<Scan> {
    const walk: Walk = { files: new Map(), problems: [], visited: new Set(), readable: true };
    await this.#walk('', 0, walk);
    const total = [...walk.files.values()].reduce((sum, { size }) => sum + size, 0n);
    if (total > BigInt(this.#limits.totalBytes)) {
      walk.problems.push({ file: '', message: `the folder's manifests have more than ${this.#limits.totalBytes} bytes` });
      return { documents: [], problems: walk.problems, good: false, unsettled: false, readable: false };
    }
    return this.#readAll(walk);
  }

  async #readAll({ files, problems, readable }: Walk): Promise<Scan> {
    const documents: ManifestDocument[] = [];
    const cache = new Map<string, Cached>();
    let unsettled = false;
    for (const [file, stats] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const entry = await this.#read(file, stats);
      if (entry === undefined) {
        unsettled = true;
        continue;
      }
      cache.set(file, entry);
      documents.push(...entry.parsed.documents);
      problems.push(...entry.parsed.problems);
    }
    this.#cache = cache;
    return { documents, problems, good: problems.length === 0 && !unsettled && documents.length > 0, unsettled, readable };
  }

  /** undefined: too young to be read. */
  async #read(file: string, stats: BigIntStats): Promise<Cached | undefined> {
    const version = `${stats.ino}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}`;
    const known = this.#cache.get(file);
    if (known?.version === version && known.trusted) return known;
    const ageMs = this.#clock.nowMs() - Number(stats.mtimeMs);
    if (ageMs >= 0 && ageMs < SETTLE_MS) return undefined;
    if (stats.size > BigInt(this.#limits.fileBytes)) {
      return {
        version,
        trusted: true,
        parsed: { documents: [], problems: [{ file, message: `has more than ${this.#limits.fileBytes} bytes` }] },
      };
    }
    return { version, trusted: ageMs < 0 || ageMs > RACY_MS, parsed: await this.#parse(file) };
  }

  async #parse(file: string): Promise<ManifestFile> {
    try {
      return parseManifests(file, await readFile(join(this.#root, file), 'utf8'));
    } catch (error) {
      return { documents: [], problems: [{ file, message: `cannot be read (${codeOf(error)})` }] };
    }
  }

  /** Whether the entry itself, or what it links to, is below the root. */
  async #isInside(entry: string): Promise<boolean> {
    const path = join(this.#root, entry);
    try {
      if (!(await lstat(path)).isSymbolicLink()) return true;
      const way = relative(await realpath(this.#root), await realpath(path));
      return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
    } catch {
      return false;
    }
  }

  async #walk(folder: string, depth: number, walk: Walk): Promise<void> {
    const path = join(this.#root, folder);
    try {
      const real = await realpath(path);
      if (walk.visited.has(real) || (this.#exclude !== undefined && real === (await realpathOr(this.#exclude)))) return;
      walk.visited.add(real);
      for (const name of await readdir(path)) {
        // Hidden: also `..data` and its like, the real folders behind the links that a mounted ConfigMap consists of.
        if (!name.startsWith('.')) await this.#visit(join(folder, name), depth, walk);
      }
    } catch (error) {
      if (folder === '') walk.readable = false;
      walk.problems.push({ file: folder, message: `the folder cannot be read (${codeOf(error)})` });
    }
  }

  async #visit(entry: string, depth: number, walk: Walk): Promise<void> {
    const stats = await statOf(join(this.#root, entry));
    if (typeof stats !== 'string' && !(await this.#isInside(entry))) {
      walk.problems.push({ file: entry, message: 'is a link that leads out of the folder: put the file itself here' });
    } else if (typeof stats === 'string') {
      // A file that goes while the folder is read is simply gone; a dangling link or a forbidden file is not.
      if (MANIFEST.test(entry)) walk.problems.push({ file: entry, message: `cannot be read (${stats})` });
    } else if (stats.isDirectory()) {
      if (depth < this.#limits.depth) await this.#walk(entry, depth + 1, walk);
      else walk.problems.push({ file: entry, message: `is more than ${this.#limits.depth} folders deep` });
    } else if (stats.isFile() && MANIFEST.test(entry)) {
      this.#found(entry, stats, walk);
    }
  }

  #found(entry: string, stats: BigIntStats, { files, problems }: Walk): void {
    if (files.size < this.#limits.files) files.set(relative('.', entry), stats);
    else if (files.size === this.#limits.files)
      problems.push({ file: '', message: `the folder has more than ${this.#limits.files} manifests` });
  }
}

async function statOf(path: string): Promise<BigIntStats | string> {
  try {
    return await stat(path, { bigint: true });
  } catch (error) {
    return codeOf(error);
  }
}

async function realpathOr(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    return path;
  }
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unknown error';
}
