import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KubeObject } from '../api/meta.js';
import type { Logger } from '../kit/log.js';
import type { NamespacedName } from '../core/domain/object-key.js';
import type { Problem } from './problem.js';

const ADMIN = 'admin.json';

/** An object of ours as it is kept: what the API server's etcd would hold. */
export interface StoredObject extends KubeObject {
  readonly spec?: unknown;
  readonly status?: unknown;
}

/**
 * The state folder: one file an object, written whole and put in place by rename, so that a crash
 * leaves the old or the new one. Holds what the manifests do not: uid, generation, finalizers,
 * status, the last accepted spec. Never a token.
 */
export class StateFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Makes the folder if it is not there; closes it to others. @throws when it cannot be used. */
  open(): void {
    mkdirSync(this.path, { recursive: true, mode: 0o700 });
    chmodSync(this.path, 0o700);
  }

  /**
   * Every object of a kind. One that does not read is left out: it will be made anew, which never
   * deletes anything at Graph.
   */
  load(plural: string, log: Logger): readonly StoredObject[] {
    return namesIn(this.#folder(plural)).flatMap((name) => {
      const object = readJson(join(this.#folder(plural), name));
      if (isStored(object)) return [object];
      log.warn('an object of the state folder is damaged and begins anew', { file: `${plural}/${name}` });
      return [];
    });
  }

  /** @throws when the disk does not take it; the old file is still there then. */
  save(plural: string, object: StoredObject): void {
    const { name, namespace = '' } = object.metadata;
    const folder = this.#folder(plural);
    // Never the state folder itself: one that was deleted while the process runs took the lock with
    // it.
    if (!existsSync(folder) && existsSync(this.path)) mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeWhole(folder, fileName({ namespace, name }), JSON.stringify(object));
  }

  drop(plural: string, key: NamespacedName): void {
    rmSync(join(this.#folder(plural), fileName(key)), { force: true });
  }

  /** What keeps manifests from being used right now, for `get` to show. */
  saveProblems(problems: readonly Problem[]): void {
    writeWhole(this.path, 'problems.json', JSON.stringify(problems));
  }

  loadProblems(): readonly Problem[] {
    const problems = readJson(join(this.path, 'problems.json'));
    return Array.isArray(problems) ? (problems as Problem[]) : [];
  }

  /** Where the running process can be asked how it does, for `get`; undefined: it has stopped. */
  saveAdminUrl(url: string | undefined): void {
    if (url === undefined) rmSync(join(this.path, ADMIN), { force: true });
    else writeWhole(this.path, ADMIN, JSON.stringify({ url }));
  }

  /** Of a process that is still running, or was killed. */
  loadAdminUrl(): string | undefined {
    const admin = readJson(join(this.path, ADMIN));
    return typeof admin === 'object' && admin !== null && 'url' in admin && typeof admin.url === 'string' ? admin.url : undefined;
  }

  #folder(plural: string): string {
    return join(this.path, 'objects', plural);
  }
}

/** Neither part can hold an underscore (RFC 1123). */
function fileName({ namespace, name }: NamespacedName): string {
  return `${namespace}_${name}.json`;
}

function writeWhole(folder: string, name: string, text: string): void {
  const temporary = join(folder, `.${name}.tmp`);
  writeFileSync(temporary, text, { mode: 0o600 });
  renameSync(temporary, join(folder, name));
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.json') && !name.startsWith('.'));
  } catch {
    return [];
  }
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as unknown;
  } catch {
    return undefined;
  }
}

function isStored(value: unknown): value is StoredObject {
  const metadata = (value as { readonly metadata?: Partial<KubeObject['metadata']> } | undefined)?.metadata;
  return typeof metadata?.name === 'string' && typeof metadata.namespace === 'string' && typeof metadata.uid === 'string';
}
