import { PagesError } from './errors.js';
import { fetchGet, nodeGet, type ApiAnswer, type ApiGet } from './transport.js';
import type { PagesOptions } from './types.js';
import { WatchedFile } from './watched-file.js';

const TIMEOUT_MS = 2_000;
const RETRY_PAUSE_MS = 200;

/** Asks the Pages API with the bot's credential. */
export class Api {
  readonly #base: string;
  readonly #get: ApiGet;
  readonly #timeoutMs: number;
  readonly #credential: () => Promise<string>;

  constructor(options: PagesOptions) {
    this.#base = baseOf(options.baseUrl);
    this.#get = options.fetch === undefined ? nodeGet(options) : fetchGet(options.fetch);
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    this.#credential = credentialSource(options);
  }

  /** The bot's credential as it is now. @throws PagesError when it cannot be read. */
  async credential(): Promise<string> {
    try {
      return await this.#credential();
    } catch (error) {
      throw new PagesError("the bot's credential cannot be read", { cause: error });
    }
  }

  /**
   * The answer, if it is one of the statuses that the caller expects; no answer and 5xx are asked
   * once more if time is left.
   * @throws PagesError for every other answer, and for none.
   */
  async get(
    path: string,
    query: Readonly<Record<string, string | undefined>>,
    expected: readonly number[],
    etag?: string,
  ): Promise<ApiAnswer> {
    const url = new URL(this.#base + path);
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
    const signal = AbortSignal.timeout(this.#timeoutMs);
    try {
      return await this.#attempt(url, expected, signal, etag);
    } catch (error) {
      if (!(error instanceof PagesError) || !error.transient || error.status === 401 || signal.aborted) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_PAUSE_MS));
      return this.#attempt(url, expected, signal, etag);
    }
  }

  async #attempt(url: URL, expected: readonly number[], signal: AbortSignal, etag: string | undefined): Promise<ApiAnswer> {
    const authorization = `Bearer ${await this.credential()}`;
    const headers = { accept: 'application/json', authorization, ...(etag === undefined ? {} : { 'if-none-match': etag }) };
    const answer = await this.#get(url, headers, signal);
    if (expected.includes(answer.status)) return answer;
    throw new PagesError(`the Pages API refused: ${messageOf(answer)}`, { status: answer.status });
  }
}

function baseOf(baseUrl: string | URL): string {
  const url = urlOf(baseUrl);
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') throw new TypeError('baseUrl must be an http or https URL');
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

function urlOf(text: string | URL): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

function credentialSource({ token, tokenFile }: PagesOptions): () => Promise<string> {
  if ((token === undefined) === (tokenFile === undefined)) throw new TypeError('give either token or tokenFile');
  if (tokenFile !== undefined) {
    const file = new WatchedFile(tokenFile);
    return () => file.text();
  }
  const credential = token?.trim() ?? '';
  if (credential === '') throw new TypeError('token must not be empty');
  return () => Promise.resolve(credential);
}

/** The message of an answer in Graph's error shape; never the whole body. */
function messageOf({ status, body }: ApiAnswer): string {
  const { error } = (typeof body === 'object' && body !== null ? body : {}) as { readonly error?: { readonly message?: unknown } };
  return typeof error?.message === 'string' ? `${status} ${error.message.slice(0, 200)}` : String(status);
}
