import { readFile, stat } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { parse } from 'yaml';
import type { Clock } from '../kit/clock.js';
import type { PoolTls } from '../net/kube-pool.js';
import { unlessAborted, withDeadline } from '../runtime/deadline.js';
import { KubeClient, type KubeClientOptions, type KubeCredentials, type KubeIdentity } from './kube-http.js';

/**
 * Rotated tokens and CAs are in use after this time at the latest; at once when the old ones are
 * refused.
 */
const REREAD_AFTER_MS = 5_000;
/** What a plugin, or the disk, may take. */
const READ_TIMEOUT_MS = 30_000;
/** How long a request waits for new credentials while the old ones may still do. */
const PATIENCE_MS = 2_000;

/** What client-node fills in: the options of an https request. */
interface HttpsOptions {
  headers?: Record<string, string>;
  auth?: string;
  ca?: Buffer | string;
  cert?: Buffer | string;
  key?: Buffer | string;
  passphrase?: string;
  servername?: string;
  rejectUnauthorized?: boolean;
}

/** What a kubeconfig may hold of a user that client-node does not read. */
interface UserExtras {
  readonly tokenFile: string | undefined;
  readonly impersonateGroups: readonly string[];
}

export interface LoadOptions extends Omit<KubeClientOptions, 'credentials'> {
  /** Path of a kubeconfig; undefined: the Pod's own ServiceAccount. */
  readonly kubeconfig: string | undefined;
}

/**
 * A client of the cluster that a kubeconfig names, or of the one that this process runs in. @throws
 * when there is none, saying what is wrong.
 */
export function loadKubeClient({ kubeconfig, ...options }: LoadOptions): KubeClient {
  return new KubeClient({ ...options, credentials: new KubeConfigCredentials(kubeconfig, options.clock) });
}

/**
 * Credentials by client-node's KubeConfig: tokens, token files, certificates, exec plugins, OIDC,
 * basic.
 */
export class KubeConfigCredentials implements KubeCredentials {
  readonly origin: string;
  readonly basePath: string;
  readonly namespace: string | undefined;
  readonly proxyUrl: string | undefined;
  readonly #path: string | undefined;
  readonly #clock: Clock;
  #config: KubeConfig;
  #extras: UserExtras;
  #loadedFrom = '';
  #identity: { readonly value: KubeIdentity; readonly readMs: number } | undefined;
  #reading: { readonly done: Promise<KubeIdentity>; readonly sinceMs: number } | undefined;

  constructor(path: string | undefined, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
    const { config, extras } = load(path);
    this.#config = config;
    this.#extras = extras;
    const cluster = config.getCurrentCluster();
    if (cluster === null) throw new Error(`${path ?? 'the Pod'} names no cluster`);
    const server = new URL(cluster.server);
    this.origin = server.origin;
    this.basePath = server.pathname.replace(/\/+$/, '');
    this.namespace = config.getContextObject(config.getCurrentContext())?.namespace;
    this.proxyUrl = cluster.proxyUrl;
  }

  async current(): Promise<KubeIdentity> {
    const known = this.#identity;
    const nowMs = this.#clock.monotonicMs();
    if (known !== undefined && nowMs - known.readMs < REREAD_AFTER_MS) return known.value;
    this.#reading ??= { done: this.#begin(), sinceMs: nowMs };
    const { done, sinceMs } = this.#reading;
    if (known === undefined) return done;
    // A file that is being replaced, or a plugin that hangs: the last good ones may well do, and if
    // not they will be refused.
    const leftMs = sinceMs + PATIENCE_MS - nowMs;
    return leftMs <= 0 ? known.value : within(this.#clock, leftMs, done).catch(() => known.value);
  }

  async #begin(): Promise<KubeIdentity> {
    try {
      return await within(this.#clock, READ_TIMEOUT_MS, this.#read());
    } finally {
      this.#reading = undefined;
    }
  }

  refresh(): void {
    this.#identity = undefined;
    this.#loadedFrom = '';
  }

  async #read(): Promise<KubeIdentity> {
    await this.#reload();
    const options: HttpsOptions = {};
    await this.#config.applyToHTTPSOptions(options);
    const { tokenFile, impersonateGroups } = this.#extras;
    const headers: Record<string, string | string[]> = { ...options.headers };
    if (options.auth !== undefined) headers['Authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`;
    if (tokenFile !== undefined) headers['Authorization'] = `Bearer ${(await readFile(tokenFile, 'utf8')).trim()}`;
    if (impersonateGroups.length > 0) headers['Impersonate-Group'] = [...impersonateGroups];
    const value = { headers, tls: tlsOf(options) };
    this.#identity = { value, readMs: this.#clock.monotonicMs() };
    return value;
  }

  /** Takes in a kubeconfig that was written anew, or one whose credentials were refused. */
  async #reload(): Promise<void> {
    const version = this.#path === undefined ? 'pod' : await fileVersion(this.#path);
    if (version === this.#loadedFrom) return;
    const { config, extras } = load(this.#path);
    this.#config = config;
    this.#extras = extras;
    this.#loadedFrom = version;
  }
}

/** Waits no longer than that; the work goes on. @throws DeadlineError */
async function within<T>(clock: Clock, ms: number, work: Promise<T>): Promise<T> {
  const deadline = withDeadline(clock, undefined, ms);
  try {
    return await unlessAborted(work, deadline.signal);
  } finally {
    deadline.clear();
  }
}

function load(path: string | undefined): { readonly config: KubeConfig; readonly extras: UserExtras } {
  const config = new KubeConfig();
  if (path === undefined) config.loadFromCluster();
  else config.loadFromFile(path);
  const user = config.getCurrentUser();
  const provider = user?.authProvider as { readonly config?: { readonly tokenFile?: string } } | undefined;
  const inPod = path === undefined ? provider?.config?.tokenFile : undefined;
  if (user !== null && inPod !== undefined) {
    // client-node re-reads a token after 60 s only and keeps its newline: it is read here instead.
    config.users = [{ name: user.name }];
    return { config, extras: { tokenFile: inPod, impersonateGroups: [] } };
  }
  return { config, extras: path === undefined ? NO_EXTRAS : extrasOf(path, user?.name) };
}

const NO_EXTRAS: UserExtras = { tokenFile: undefined, impersonateGroups: [] };

function extrasOf(path: string, userName: string | undefined): UserExtras {
  const file = parse(readFileSync(path, 'utf8')) as { users?: { name: string; user?: Record<string, unknown> }[] } | null;
  const user = file?.users?.find(({ name }) => name === userName)?.user ?? {};
  const { tokenFile } = user;
  const groups = user['as-groups'];
  return {
    tokenFile: typeof tokenFile === 'string' ? resolve(dirname(path), tokenFile) : undefined,
    impersonateGroups: Array.isArray(groups) ? groups.map(String) : [],
  };
}

async function fileVersion(path: string): Promise<string> {
  const { mtimeMs, size, ino } = await stat(path);
  return `${mtimeMs} ${size} ${ino}`;
}

function tlsOf({ ca, cert, key, passphrase, servername, rejectUnauthorized }: HttpsOptions): PoolTls {
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(servername === undefined ? {} : { servername }),
    ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
  };
}
