import { AppCredentialError, TerminalError } from '../../../../src/core/domain/errors.js';
import type {
  AppCredentials,
  AppGraph,
  AppSubscription,
  GraphCallOptions,
  ObservedSubscription,
  PageCredentials,
  PageGraph,
  PageInfo,
  TokenInfo,
} from '../../../../src/core/ports/graph.js';
import type { Secret } from '../../../../src/core/secrets/secret.js';

const NOT_SUBSCRIBED: ObservedSubscription = { subscribed: false, fields: new Set() };

/**
 * Graph as a state: which apps are on which pages, what tokens are worth, what the app is
 * subscribed to.
 */
export class FakeGraph implements PageGraph, AppGraph {
  /** `pageId/appId` → fields */
  readonly rows = new Map<string, ReadonlySet<string>>();
  /** token value → what debug_token says; a value that is not in here is not a token */
  readonly tokens = new Map<string, TokenInfo>();
  /** appId → app secret */
  readonly appSecrets = new Map<string, string>();
  /** appId → its subscriptions */
  readonly appRows = new Map<string, readonly AppSubscription[]>();
  /** Fields that Graph refuses for the app. */
  readonly refusedAppFields = new Set<string>();
  /** The verify token that was set last. */
  verifyToken: string | undefined;
  /** Operation (or `*`) → the error that each of its calls fails with. */
  readonly failWith = new Map<string, Error>();
  /** Every call that succeeded or was refused, in order. */
  readonly calls: string[] = [];
  /** Writes that were done: `POST 1001 messages`, `DELETE 1001`, `POST app 151 messages`. */
  readonly writes: string[] = [];
  /** After a write the next so many reads still show the old row. */
  lagReads = 0;
  #shown: { key: string; row: ObservedSubscription; reads: number } | undefined;
  before: (operation: string) => void = () => undefined;
  after: (operation: string) => void = () => undefined;

  addToken(value: string, pageId: string, overrides: Partial<TokenInfo> = {}): void {
    this.tokens.set(value, {
      isValid: true,
      type: 'PAGE',
      appId: '151',
      profileId: pageId,
      expiresAt: 0,
      dataAccessExpiresAt: 0,
      scopes: ['pages_manage_metadata', 'pages_messaging'],
      granularScopes: new Map(),
      error: undefined,
      ...overrides,
    });
  }

  /** The token is dead from now on, for every call. */
  revoke(value: string, subcode = 460): void {
    const error = { code: 190, subcode, message: `(#190) session over at ${this.calls.length}` };
    const info = this.tokens.get(value);
    if (info !== undefined) this.tokens.set(value, { ...info, isValid: false, error });
  }

  fieldsOf(pageId: string, appId = '151'): readonly string[] | undefined {
    const row = this.rows.get(`${pageId}/${appId}`);
    return row === undefined ? undefined : [...row].sort();
  }

  setFields(pageId: string, fields: readonly string[] | undefined, appId = '151'): void {
    if (fields === undefined) this.rows.delete(`${pageId}/${appId}`);
    else this.rows.set(`${pageId}/${appId}`, new Set(fields));
  }

  count(operation: string): number {
    return this.calls.filter((call) => call === operation).length;
  }

  async inspectToken(app: AppCredentials, token: Secret, options: GraphCallOptions): Promise<TokenInfo> {
    this.#enter('inspect', app, options);
    const found = this.tokens.get(token.reveal());
    if (found === undefined) throw new TerminalError('TokenMalformed', 'the value is not an access token', { graphText: 'Graph 190' });
    this.after('inspect');
    return Promise.resolve(found);
  }

  async pageInfo(page: PageCredentials, options: GraphCallOptions): Promise<PageInfo> {
    this.#enter('pageInfo', page.app, options);
    this.#token(page);
    this.after('pageInfo');
    return Promise.resolve({ id: page.pageId, name: `Page ${page.pageId}` });
  }

  async observe(page: PageCredentials, options: GraphCallOptions): Promise<ObservedSubscription> {
    this.#enter('observe', page.app, options);
    this.#token(page);
    const key = `${page.pageId}/${page.app.appId}`;
    const shown = this.#shown?.key === key && this.#shown.reads > 0 ? this.#shown : undefined;
    if (shown !== undefined) shown.reads -= 1;
    this.after('observe');
    return Promise.resolve(shown?.row ?? this.#row(key));
  }

  async subscribe(page: PageCredentials, fields: readonly string[], options: GraphCallOptions): Promise<void> {
    this.#enter('subscribe', page.app, options);
    this.#token(page);
    const key = `${page.pageId}/${page.app.appId}`;
    this.#shown = { key, row: this.#row(key), reads: this.lagReads };
    this.rows.set(key, new Set(fields));
    this.writes.push(`POST ${page.pageId} ${fields.join(',')}`);
    this.after('subscribe');
    return Promise.resolve();
  }

  async unsubscribe(page: PageCredentials, options: GraphCallOptions): Promise<void> {
    this.#enter('unsubscribe', page.app, options);
    this.#token(page);
    const key = `${page.pageId}/${page.app.appId}`;
    this.#shown = { key, row: this.#row(key), reads: this.lagReads };
    this.rows.delete(key);
    this.writes.push(`DELETE ${page.pageId}`);
    this.after('unsubscribe');
    return Promise.resolve();
  }

  async subscriptions(app: AppCredentials, options: GraphCallOptions): Promise<readonly AppSubscription[]> {
    this.#enter('subscriptions', app, options);
    this.after('subscriptions');
    return Promise.resolve(this.appRows.get(app.appId) ?? []);
  }

  async subscribeApp(app: AppCredentials, wanted: Parameters<AppGraph['subscribeApp']>[1], options: GraphCallOptions): Promise<void> {
    this.#enter('subscribeApp', app, options);
    const refused = wanted.fields.filter((field) => this.refusedAppFields.has(field));
    if (refused.length > 0) throw new TerminalError('FieldRefused', 'Graph refuses a field', { graphText: `Graph 100: ${refused.join()}` });
    const others = (this.appRows.get(app.appId) ?? []).filter(({ object }) => object !== 'page');
    this.appRows.set(app.appId, [...others, { object: 'page', callbackUrl: wanted.callbackUrl, active: true, fields: wanted.fields }]);
    this.verifyToken = wanted.verifyToken.reveal();
    this.writes.push(`POST app ${app.appId} ${wanted.fields.join(',')}`);
    this.after('subscribeApp');
    return Promise.resolve();
  }

  #enter(operation: string, app: AppCredentials, { signal }: GraphCallOptions): void {
    signal.throwIfAborted();
    this.before(operation);
    this.calls.push(operation);
    const error = this.failWith.get(operation) ?? this.failWith.get('*');
    if (error !== undefined) throw error;
    const secret = this.appSecrets.get(app.appId);
    if (secret !== undefined && secret !== app.appSecret.reveal()) {
      throw new AppCredentialError('AppSecretInvalid', "Graph refuses the app's secret", { graphText: 'Graph 190' });
    }
  }

  /** What a page call says to a token. */
  #token({ token, pageId }: PageCredentials): void {
    const info = this.tokens.get(token.reveal());
    if (info === undefined) throw new TerminalError('TokenMalformed', 'the value is not an access token', { graphText: 'Graph 190' });
    if (!info.isValid)
      throw new TerminalError('TokenInvalidated', 'the token is not valid (any more)', {
        graphText: `Graph 190: call ${this.calls.length}`,
      });
    if (info.profileId !== pageId)
      throw new TerminalError('PageNotGranted', 'Graph does not show the Page to this token', { graphText: 'Graph 100/33' });
  }

  #row(key: string): ObservedSubscription {
    const fields = this.rows.get(key);
    return fields === undefined ? NOT_SUBSCRIBED : { subscribed: true, fields };
  }
}
