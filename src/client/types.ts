/** How a bot reaches the Pages API, and what its Graph calls are made with. */
export interface PagesOptions {
  /** Where the Pages API is: `https://messenger-operator-pages-api.operator.svc:8081`. */
  readonly baseUrl: string | URL;
  /**
   * The file that holds the bot's credential: a projected ServiceAccount token with the audience
   * `messenger-operator`, or a bot key in standalone. Read again when it changes. Either this or
   * `token`.
   */
  readonly tokenFile?: string;
  /** The credential itself. */
  readonly token?: string;
  /**
   * `token`: the bot calls Graph with the page's token. `proxy`: it calls the operator's Graph
   * proxy with `PAGE_ID:CREDENTIAL` and never holds a token.
   */
  readonly graph: 'token' | 'proxy';
  /** Which app is meant where a page is in several. */
  readonly appId?: string;
  /** The authority of the Pages API's certificate, PEM; undefined: those that Node trusts. */
  readonly ca?: string;
  /** The same, in a file that is read again when it changes. */
  readonly caFile?: string;
  /** For one question, whatever it takes (2 s). A bot has four seconds for an event altogether. */
  readonly timeoutMs?: number;
  /** How long an answer is used without asking again (2 s). */
  readonly cacheMs?: number;
  /** How long an answer is used while the Pages API cannot be reached (1 h). */
  readonly staleMs?: number;
  /**
   * Used instead of Node's own http and https; `ca`, `caFile` and kept connections are then its
   * business.
   */
  readonly fetch?: typeof fetch;
}

/** A page as the Pages API shows it. */
export interface Page {
  readonly id: string;
  /** The Facebook Page's name; null until the operator knows it. */
  readonly name: string | null;
  /** Where its MessengerPage is. */
  readonly namespace: string;
  readonly resourceName: string;
  readonly app: { readonly id: string };
  /** `spec.botConfig` of its MessengerPage. */
  readonly botConfig: Readonly<Record<string, unknown>>;
  /** The webhook fields that Meta delivers for it. */
  readonly fields: readonly string[];
  readonly ready: boolean;
}

export interface ListOptions {
  /** Without it: every page that the bot may list. */
  readonly namespace?: string;
  /** As kubectl's `-l`: `bot=a,tier!=test`. */
  readonly labelSelector?: string;
}

/** The pages of a bot. Its functions may be taken off it and passed around. */
export interface Pages {
  /**
   * What Bottender's option of the same name wants. Never empty: for an id that is no page of ours
   * it is a text that Graph refuses (`no-page:…`), because for an empty value Bottender would use
   * the token of another page.
   * @throws PagesError when there is no cached token and no new one, so that the event fails and is
   * sent again.
   */
  readonly mapPageToAccessToken: (pageId: string | number) => Promise<string>;
  /**
   * undefined: no page that this bot may read. @throws PagesError when there is no cached answer
   * and no new one.
   */
  readonly getPage: (pageId: string | number) => Promise<Page | undefined>;
  /**
   * The page's settings; empty for a page that this bot may not read. @throws PagesError as getPage
   * does
   */
  readonly getBotConfig: (pageId: string | number) => Promise<Readonly<Record<string, unknown>>>;
  /** Every page that the bot may list, in the order of namespace and name. @throws PagesError */
  readonly listPages: (options?: ListOptions) => Promise<readonly Page[]>;
}
