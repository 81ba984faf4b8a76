import { Resolver } from 'node:dns/promises';
import { BoundedMap } from '../../kit/bounded-map.js';
import type { Clock } from '../../kit/clock.js';

/**
 * DNS queries for absolute names. Rejects with the usual codes (`ENOTFOUND`, `ENODATA`, `ETIMEOUT`,
 * …).
 */
export interface NameSource {
  resolve4(name: string): Promise<readonly NameRecord[]>;
  resolve6(name: string): Promise<readonly NameRecord[]>;
  /** The names that this one is an alias of. */
  resolveCname(name: string): Promise<readonly string[]>;
}

export interface NameRecord {
  readonly address: string;
  /** Seconds. */
  readonly ttl: number;
}

export const RESOLVE_LIMIT_MS = 1_000;
const MIN_TTL_MS = 1_000;
const MAX_TTL_MS = 30_000;
/** How long old addresses are used while the DNS does not answer. */
const STALE_MS = 60_000;
/** The name known for longest is forgotten first. */
export const MAX_NAMES = 10_000;
/** The name does not exist, as opposed to: no server answered. */
const NO_SUCH_NAME: ReadonlySet<unknown> = new Set(['ENOTFOUND', 'ENODATA', 'EBADNAME']);

/**
 * c-ares: asks the DNS by itself, so that a hanging name holds no thread of getaddrinfo's four.
 * `servers`: `ADDRESS:PORT`, instead of the machine's own.
 */
export function createCaresSource(servers?: readonly string[]): NameSource {
  const resolver = new Resolver({ timeout: RESOLVE_LIMIT_MS, tries: 1 });
  if (servers !== undefined) resolver.setServers(servers);
  return {
    resolve4: (name) => resolver.resolve4(name, { ttl: true }),
    resolve6: (name) => resolver.resolve6(name, { ttl: true }),
    resolveCname: (name) => resolver.resolveCname(name),
  };
}

/**
 * No address: the name does not exist, is an alias where none is allowed, or no server answered in
 * time.
 */
export class NameError extends Error {
  readonly why: 'no_such_name' | 'alias' | 'no_answer';

  constructor(why: NameError['why'], name: string) {
    super(`cannot resolve ${name}: ${why}`);
    this.name = 'NameError';
    this.why = why;
  }
}

interface Known {
  readonly addresses: readonly string[];
  readonly freshUntilMs: number;
  readonly staleUntilMs: number;
}

interface ResolverDeps {
  readonly source: NameSource;
  readonly clock: Clock;
}

/**
 * Resolves names, with a cache: one query for a name at a time, each answered or failed within a
 * second.
 */
export class CachedResolver {
  readonly #deps: ResolverDeps;
  readonly #known = new BoundedMap<string, Known>(MAX_NAMES);
  readonly #asking = new Map<string, Promise<readonly string[]>>();

  constructor(deps: ResolverDeps) {
    this.#deps = deps;
  }

  /**
   * The addresses of a name, IPv4 first, at least one. `aliases: false` refuses a name that is an
   * alias (CNAME): a Service of type ExternalName is one.
   * @throws NameError
   */
  resolve(name: string, aliases: boolean): Promise<readonly string[]> {
    const key = `${aliases ? 'a' : '-'}${name}`;
    const known = this.#known.get(key);
    if (known !== undefined && known.freshUntilMs > this.#deps.clock.monotonicMs()) return Promise.resolve(known.addresses);
    let asking = this.#asking.get(key);
    if (asking === undefined) {
      asking = this.#ask(key, name, aliases).finally(() => this.#asking.delete(key));
      this.#asking.set(key, asking);
    }
    return asking;
  }

  async #ask(key: string, name: string, aliases: boolean): Promise<readonly string[]> {
    try {
      const records = await this.#within(RESOLVE_LIMIT_MS, this.#query(name, aliases), name);
      this.#remember(key, records);
      return records.map(({ address }) => address);
    } catch (error) {
      const known = this.#known.get(key);
      const mayServe = error instanceof NameError && error.why === 'no_answer';
      if (mayServe && known !== undefined && known.staleUntilMs > this.#deps.clock.monotonicMs()) return known.addresses;
      this.#known.delete(key);
      throw error;
    }
  }

  async #query(name: string, aliases: boolean): Promise<NameRecord[]> {
    const { source } = this.#deps;
    const [v4, v6, alias] = await Promise.allSettled([
      source.resolve4(name),
      source.resolve6(name),
      aliases ? Promise.resolve([]) : source.resolveCname(name),
    ]);
    if (alias.status === 'fulfilled' && alias.value.length > 0) throw new NameError('alias', name);
    // It is unknown whether the name is an alias, which may lead anywhere.
    if (alias.status === 'rejected' && !NO_SUCH_NAME.has(codeOf(alias.reason))) throw new NameError('no_answer', name);
    const records = [v4, v6].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    if (records.length > 0) return records;
    const gone = [v4, v6].every((answer) => answer.status === 'fulfilled' || NO_SUCH_NAME.has(codeOf(answer.reason)));
    throw new NameError(gone ? 'no_such_name' : 'no_answer', name);
  }

  #within<T>(ms: number, work: Promise<T>, name: string): Promise<T> {
    return new Promise((resolve, reject) => {
      const cancel = this.#deps.clock.setTimer(ms, () => {
        reject(new NameError('no_answer', name));
      });
      work.then(resolve, reject).finally(cancel);
    });
  }

  #remember(key: string, records: readonly NameRecord[]): void {
    const shortest = Math.min(...records.map(({ ttl }) => ttl * 1_000));
    const now = this.#deps.clock.monotonicMs();
    this.#known.set(key, {
      addresses: records.map(({ address }) => address),
      freshUntilMs: now + Math.min(Math.max(shortest, MIN_TTL_MS), MAX_TTL_MS),
      staleUntilMs: now + STALE_MS,
    });
  }
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
