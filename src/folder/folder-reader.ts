import type { BigIntStats, Dirent } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import type { Clock } from '../kit/clock.js';
import { type ManifestDocument, type ManifestFile, parseManifests } from './manifest-file.js';
import { type Problem, problemText } from './problem.js';

/** What the folder holds at one moment. */
export interface Scan {
  readonly documents: readonly ManifestDocument[];
  readonly problems: readonly Problem[];
  /**
   * Everything was read and parsed, and there was something: what is missing in it is really
   * missing.
   */
  readonly good: boolean;
  /** Some file was written only just now and is not taken in yet: look again at once. */
  readonly unsettled: boolean;
  /** The folder itself could be listed. */
  readonly readable: boolean;
  /** Same files, same contents and same problems as in this reader's scan before. */
  readonly unchanged: boolean;
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

const LIMITS: Limits = { files: 50_000, fileBytes: 8 * 1_048_576, totalBytes: 64 * 1_048_576, depth: 16 };
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
  /** Manifests beyond the limit, in the order of the walk. */
  readonly unread: string[];
  readonly problems: Problem[];
  readonly visited: Set<string>;
  readable: boolean;
}

/**
 * Reads the manifests of a folder again and again; a file that did not change is not parsed again.
 */
export class FolderReader {
  readonly #root: string;
  readonly #exclude: string | undefined;
  readonly #clock: Clock;
  readonly #limits: Limits;
  #cache = new Map<string, Cached>();
  #problems = '';

  constructor({ root, exclude, clock, limits = {} }: FolderReaderOptions) {
    this.#root = root;
    this.#exclude = exclude;
    this.#clock = clock;
    this.#limits = { ...LIMITS, ...limits };
  }

  /** Never rejects: what cannot be read is a problem of the scan. */
  async scan(): Promise<Scan> {
    const walk: Walk = { files: new Map(), unread: [], problems: [], visited: new Set(), readable: true };
    await this.#walk('', 0, walk);
    const { files, unread, problems } = walk;
    const [first] = unread;
    if (first !== undefined) problems.push(tooManyFiles(first, files.size + unread.length, unread.length, this.#limits.files));
    return this.#readAll(walk, this.#withinTotal(walk));
  }

  /**
   * The files in the order of their paths, as far as the limit of bytes allows; tells of the
   * others.
   */
  #withinTotal({ files, problems }: Walk): readonly (readonly [string, BigIntStats])[] {
    const { totalBytes } = this.#limits;
    const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : 1));
    let bytes = 0;
    const cut = sorted.findIndex(([, { size }]) => (bytes += Number(size)) > totalBytes);
    const first = sorted[cut];
    if (first === undefined) return sorted;
    problems.push(tooManyBytes(first[0], sorted.length - cut, totalBytes));
    return sorted.slice(0, cut);
  }

  async #readAll({ problems, readable }: Walk, files: readonly (readonly [string, BigIntStats])[]): Promise<Scan> {
    const documents: ManifestDocument[] = [];
    const cache = new Map<string, Cached>();
    let unsettled = false;
    for (const [file, stats] of files) {
      const entry = await this.#read(file, stats);
      if (entry === undefined) {
        unsettled = true;
        continue;
      }
      cache.set(file, entry);
      for (const document of entry.parsed.documents) documents.push(document);
      problems.push(...entry.parsed.problems);
    }
    const unchanged = !unsettled && this.#keep(cache, problems);
    return { documents, problems, good: problems.length === 0 && !unsettled && documents.length > 0, unsettled, readable, unchanged };
  }

  /** @returns whether this scan read exactly what the one before it did */
  #keep(cache: Map<string, Cached>, found: readonly Problem[]): boolean {
    const [before, problems] = [this.#cache, found.map(problemText).join('\n')];
    const same = cache.size === before.size && [...cache].every(([file, entry]) => before.get(file) === entry);
    const unchanged = same && problems === this.#problems;
    this.#cache = cache;
    this.#problems = problems;
    return unchanged;
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
        parsed: { documents: [], problems: [fileTooLarge(file, stats.size, this.#limits.fileBytes)] },
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

  /** Whether what the link leads to is below the root. */
  async #isInside(entry: string): Promise<boolean> {
    const path = join(this.#root, entry);
    try {
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
      const entries = await readdir(path, { withFileTypes: true });
      for (const entry of entries.sort(byPath)) {
        // Hidden: also `..data` and its like, the real folders behind the links that a mounted
        // ConfigMap consists of.
        if (!entry.name.startsWith('.')) await this.#visit(join(folder, entry.name), entry, depth, walk);
      }
    } catch (error) {
      if (folder === '') walk.readable = false;
      walk.problems.push({ file: folder, message: `the folder cannot be read (${codeOf(error)})` });
    }
  }

  async #visit(path: string, entry: Dirent, depth: number, walk: Walk): Promise<void> {
    if (entry.isFile() && !MANIFEST.test(path)) return;
    if (entry.isFile() && walk.files.size >= this.#limits.files) {
      walk.unread.push(path);
      return;
    }
    const stats = await statOf(join(this.#root, path));
    if (typeof stats !== 'string' && entry.isSymbolicLink() && !(await this.#isInside(path))) {
      walk.problems.push({ file: path, message: 'is a link that leads out of the folder: put the file itself here' });
    } else if (typeof stats === 'string') {
      // A file that goes while the folder is read is simply gone; a dangling link or a forbidden
      // file is not.
      if (MANIFEST.test(path)) walk.problems.push({ file: path, message: `cannot be read (${stats})` });
    } else await this.#take(path, stats, depth, walk);
  }

  async #take(path: string, stats: BigIntStats, depth: number, walk: Walk): Promise<void> {
    if (stats.isDirectory()) {
      if (depth < this.#limits.depth) await this.#walk(path, depth + 1, walk);
      else walk.problems.push({ file: path, message: `is more than ${this.#limits.depth} folders deep: move it further up` });
    } else if (stats.isFile() && MANIFEST.test(path)) {
      if (walk.files.size < this.#limits.files) walk.files.set(relative('.', path), stats);
      else walk.unread.push(path);
    }
  }
}

/** A folder counts with its slash, so that a walk goes in the order of the whole paths. */
function byPath(a: Dirent, b: Dirent): number {
  const [left, right] = [a, b].map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name));
  return (left ?? '') < (right ?? '') ? -1 : 1;
}

function tooManyFiles(file: string, found: number, unread: number, limit: number): Problem {
  const message =
    `the folder has ${found} manifest files, and the limit is ${limit}. This file and all after it (${unread}) are not read, and nothing is ` +
    'removed. Put several objects into one file, with a line --- between them';
  return { file, message };
}

function tooManyBytes(file: string, unread: number, limit: number): Problem {
  const message =
    `the folder's manifests together have more than ${limit} bytes, which is the limit. This file and all after it (${unread}) are not read, and ` +
    'nothing is removed. Remove files that are not needed, or use a second process with a folder of its own';
  return { file, message };
}

function fileTooLarge(file: string, bytes: bigint, limit: number): Problem {
  return { file, message: `has ${bytes} bytes, and the limit is ${limit}: split it into several files` };
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
