import { AnswerCache } from './answer-cache.js';
import { Api } from './api.js';
import { PagesError } from './errors.js';
import type { ListOptions, Page, Pages, PagesOptions } from './types.js';

/** A token that was rotated is to be in use within a second or two. */
const CACHE_MS = 2_000;
const STALE_MS = 3_600_000;
const MAX_PARTS = 200;
const PAGE_ID = /^[0-9]{1,20}$/;

interface SeenPage {
  /** undefined: no page that this bot may read. */
  readonly page: Page | undefined;
  readonly etag: string | undefined;
}

/**
 * What a bot behind messenger-operator needs of its pages. @throws TypeError for options that make
 * no sense.
 */
export function createPages(options: PagesOptions): Pages {
  const client = new PagesClient(options);
  return {
    mapPageToAccessToken: (pageId) => client.accessToken(String(pageId)),
    getPage: (pageId) => client.page(String(pageId)),
    getBotConfig: async (pageId) => (await client.page(String(pageId)))?.botConfig ?? {},
    listPages: (list = {}) => client.list(list),
  };
}

class PagesClient {
  readonly #api: Api;
  readonly #options: PagesOptions;
  readonly #tokens: AnswerCache<string>;
  readonly #pages: AnswerCache<SeenPage>;
  readonly #lists: AnswerCache<readonly Page[]>;

  constructor(options: PagesOptions) {
    // Bots in plain JavaScript have no compiler to tell them.
    if (!['token', 'proxy'].includes(options.graph)) throw new TypeError("graph must be 'token' or 'proxy'");
    if (options.appId !== undefined && !PAGE_ID.test(options.appId)) throw new TypeError('appId must be the numeric id of an app, as text');
    this.#options = options;
    this.#api = new Api(options);
    const cache = { cacheMs: options.cacheMs ?? CACHE_MS, staleMs: options.staleMs ?? STALE_MS };
    this.#tokens = new AnswerCache(cache);
    this.#pages = new AnswerCache(cache);
    this.#lists = new AnswerCache(cache);
  }

  async accessToken(pageId: string): Promise<string> {
    if (!PAGE_ID.test(pageId)) return noPage(pageId);
    if (this.#options.graph === 'proxy') return `${pageId}:${await this.#api.credential()}`;
    return this.#tokens.get(pageId, () => this.#askToken(pageId));
  }

  async page(pageId: string): Promise<Page | undefined> {
    if (!PAGE_ID.test(pageId)) return undefined;
    return (await this.#pages.get(pageId, (before) => this.#askPage(pageId, before))).page;
  }

  list({ namespace, labelSelector }: ListOptions): Promise<readonly Page[]> {
    return this.#lists.get(JSON.stringify([namespace, labelSelector]), () => this.#askList({ namespace, labelSelector }));
  }

  async #askToken(pageId: string): Promise<string> {
    const { status, body } = await this.#api.get(`/v1/pages/${pageId}/token`, { appId: this.#options.appId }, [200, 404]);
    if (status === 404) return noPage(pageId);
    const { id, access_token: token } = (body ?? {}) as { readonly id?: unknown; readonly access_token?: unknown };
    if (id !== pageId || typeof token !== 'string' || token === '') throw notUnderstood();
    return token;
  }

  async #askPage(pageId: string, before: SeenPage | undefined): Promise<SeenPage> {
    const answer = await this.#api.get(`/v1/pages/${pageId}`, { appId: this.#options.appId }, [200, 304, 404], before?.etag);
    if (answer.status === 404) return { page: undefined, etag: undefined };
    if (answer.status === 304 && before !== undefined) return before;
    const page = answer.body;
    if (!isPage(page) || page.id !== pageId) throw notUnderstood();
    return { page, etag: answer.etag };
  }

  async #askList(query: Readonly<Record<'namespace' | 'labelSelector', string | undefined>>): Promise<readonly Page[]> {
    const pages: Page[] = [];
    let more: string | undefined;
    for (let part = 0; part < MAX_PARTS; part++) {
      const { status, body } = await this.#api.get('/v1/pages', { ...query, limit: '500', continue: more }, [200, 404]);
      if (status === 404) return [];
      const { items, continue: next } = (body ?? {}) as { readonly items?: unknown; readonly continue?: unknown };
      if (!Array.isArray(items) || !items.every(isPage)) throw notUnderstood();
      pages.push(...items);
      if (typeof next !== 'string') return pages;
      more = next;
    }
    throw new PagesError('the list of pages has no end');
  }
}

/**
 * A text that Graph refuses as a token (code 190), and that says in the bot's log what is wrong.
 */
function noPage(pageId: string): string {
  return `no-page:${pageId.replace(/[^0-9A-Za-z_-]/g, '').slice(0, 20)}:messenger-operator`;
}

function isPage(value: unknown): value is Page {
  if (typeof value !== 'object' || value === null) return false;
  const { id, botConfig } = value as { readonly id?: unknown; readonly botConfig?: unknown };
  return typeof id === 'string' && typeof botConfig === 'object' && botConfig !== null;
}

function notUnderstood(): PagesError {
  return new PagesError('the answer of the Pages API is not understood');
}
