import { PagesError } from './errors.js';

export interface AnswerCacheOptions {
  readonly cacheMs: number;
  readonly staleMs: number;
}

interface Known<T> {
  readonly value: T;
  readonly atMs: number;
  /** When the next attempt is due, after one that failed. */
  retryAtMs: number;
  /** When the bot's credential was first refused (401) since then. */
  refusedMs?: number;
}

const MAX_ENTRIES = 10_000;
/** An event does not wait longer than this for news about something that is known. */
const PATIENCE_MS = 500;
const RETRY_MS = 2_000;
/**
 * A credential that is refused may be one that is being replaced. Longer than this it may have been
 * withdrawn.
 */
const REFUSED_STALE_MS = 30_000;

/**
 * Remembers answers for seconds, and uses them for longer while no new ones arrive. Equal questions
 * asked at once are asked once. Bounded: the one that was not used for longest goes first.
 */
export class AnswerCache<T> {
  readonly #options: AnswerCacheOptions;
  readonly #known = new Map<string, Known<T>>();
  readonly #underWay = new Map<string, Promise<T>>();

  constructor(options: AnswerCacheOptions) {
    this.#options = options;
  }

  /** @throws what `ask` throws, when nothing is known that may still be used. */
  async get(key: string, ask: (before: T | undefined) => Promise<T>): Promise<T> {
    const known = this.#usable(key);
    if (known === undefined) return this.#once(key, ask);
    const now = performance.now();
    if (now - known.atMs < this.#options.cacheMs || now < known.retryAtMs) return known.value;
    return this.#newsOr(known, this.#once(key, ask));
  }

  async #newsOr(known: Known<T>, news: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<T>((resolve) => {
      timer = setTimeout(() => {
        known.retryAtMs = performance.now() + RETRY_MS;
        resolve(known.value);
      }, PATIENCE_MS);
    });
    try {
      return await Promise.race([news, patience]);
    } catch (error) {
      if (!isTransient(error)) throw error;
      known.retryAtMs = performance.now() + RETRY_MS;
      return known.value;
    } finally {
      clearTimeout(timer);
    }
  }

  #once(key: string, ask: (before: T | undefined) => Promise<T>): Promise<T> {
    const current = this.#underWay.get(key);
    if (current !== undefined) return current;
    const asked = this.#ask(key, ask).finally(() => {
      this.#underWay.delete(key);
    });
    // Who lost patience does not wait for it any more; the next caller gets its failure.
    asked.catch(() => undefined);
    this.#underWay.set(key, asked);
    return asked;
  }

  async #ask(key: string, ask: (before: T | undefined) => Promise<T>): Promise<T> {
    try {
      const value = await ask(this.#usable(key)?.value);
      this.#known.delete(key);
      this.#known.set(key, { value, atMs: performance.now(), retryAtMs: 0 });
      for (const oldest of this.#known.keys()) {
        if (this.#known.size <= MAX_ENTRIES) break;
        this.#known.delete(oldest);
      }
      return value;
    } catch (error) {
      // A refusal is an answer: what was known before it is not true any more.
      if (!isTransient(error)) this.#known.delete(key);
      const known = this.#known.get(key);
      if (known !== undefined && error instanceof PagesError && error.status === 401) known.refusedMs ??= performance.now();
      throw error;
    }
  }

  #usable(key: string): Known<T> | undefined {
    const known = this.#known.get(key);
    if (known === undefined) return undefined;
    const { atMs, refusedMs = Infinity } = known;
    const now = performance.now();
    return now - atMs < this.#options.staleMs && now - refusedMs < REFUSED_STALE_MS ? known : undefined;
  }
}

function isTransient(error: unknown): boolean {
  return !(error instanceof PagesError) || error.transient;
}
