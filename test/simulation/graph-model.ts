import { AppCredentialError, TerminalError } from '../../src/core/domain/errors.js';
import type { AppCredentials, AppSubscription, ObservedSubscription, PageCredentials, TokenInfo } from '../../src/core/ports/graph.js';
import type { VirtualClock } from './virtual-clock.js';

const NO_ROW: ObservedSubscription = { subscribed: false, fields: new Set() };
const SCOPES = ['pages_manage_metadata', 'pages_messaging', 'pages_read_engagement', 'pages_show_list'];

interface Token {
  readonly pageId: string;
  readonly appId: string;
  alive: boolean;
}

interface Lagging<T> {
  readonly row: T;
  readonly fromMs: number;
  readonly untilMs: number;
}

/**
 * Graph as a state: rows of pages, tokens, secrets and subscriptions of apps; what was written is
 * not always shown at once.
 */
export class GraphModel {
  readonly #clock: VirtualClock;
  /** `appId/pageId` → fields */
  readonly rows = new Map<string, readonly string[]>();
  readonly tokens = new Map<string, Token>();
  /** appId → its secret */
  readonly secrets = new Map<string, string>();
  readonly appRows = new Map<string, AppSubscription>();
  readonly #lagging = new Map<string, Lagging<ObservedSubscription>>();
  readonly #laggingApps = new Map<string, Lagging<AppSubscription | undefined>>();
  /** For how long the next write is not shown. */
  lagMs: () => number = () => 0;
  onRow: (key: string) => void = () => undefined;
  /** A read showed what a write had already changed, so long after that write. */
  onStale: (key: string, sinceMs: number) => void = () => undefined;
  down = false;
  /** Graph fails whenever it is asked about these Pages, and goes on failing. */
  readonly broken = new Set<string>();

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  inspect(app: AppCredentials, token: string): TokenInfo {
    this.#authenticate(app);
    const found = this.tokens.get(token);
    if (found === undefined) throw new TerminalError('TokenMalformed', 'the value is not an access token');
    const dead = { code: 190, subcode: 460, message: 'the session is over' };
    return {
      isValid: found.alive,
      type: 'PAGE',
      appId: found.appId,
      profileId: found.pageId,
      expiresAt: 0,
      dataAccessExpiresAt: 0,
      scopes: SCOPES,
      granularScopes: new Map(),
      error: found.alive ? undefined : dead,
    };
  }

  observe(page: PageCredentials): ObservedSubscription {
    this.#authorize(page);
    const key = rowKey(page);
    const lagging = this.#lagging.get(key);
    const nowMs = this.#clock.monotonicMs();
    if (lagging === undefined || nowMs >= lagging.untilMs) return this.#row(key);
    this.onStale(key, nowMs - lagging.fromMs);
    return lagging.row;
  }

  subscribe(page: PageCredentials, fields: readonly string[]): void {
    this.#authorize(page);
    this.#write(rowKey(page), [...fields].sort());
  }

  unsubscribe(page: PageCredentials): void {
    this.#authorize(page);
    this.#write(rowKey(page), undefined);
  }

  subscriptions(app: AppCredentials): readonly AppSubscription[] {
    this.#authenticate(app);
    const lagging = this.#laggingApps.get(app.appId);
    const isStale = lagging !== undefined && this.#clock.monotonicMs() < lagging.untilMs;
    const row = isStale ? lagging.row : this.appRows.get(app.appId);
    return row === undefined ? [] : [row];
  }

  subscribeApp(app: AppCredentials, callbackUrl: string, fields: readonly string[]): void {
    this.#authenticate(app);
    const lagMs = this.lagMs();
    const nowMs = this.#clock.monotonicMs();
    if (lagMs > 0) this.#laggingApps.set(app.appId, { row: this.appRows.get(app.appId), fromMs: nowMs, untilMs: nowMs + lagMs });
    this.appRows.set(app.appId, { object: 'page', callbackUrl, active: true, fields: [...fields] });
  }

  /** Somebody changes or removes our row, not through us: shown at once. */
  setByHand(key: string, fields: readonly string[] | undefined): void {
    this.#lagging.delete(key);
    this.#set(key, fields);
  }

  /** The same of an app's row. */
  setAppByHand(appId: string, row: AppSubscription | undefined): void {
    this.#laggingApps.delete(appId);
    if (row === undefined) this.appRows.delete(appId);
    else this.appRows.set(appId, row);
  }

  #write(key: string, fields: readonly string[] | undefined): void {
    const lagMs = this.lagMs();
    const nowMs = this.#clock.monotonicMs();
    if (lagMs > 0) this.#lagging.set(key, { row: this.#row(key), fromMs: nowMs, untilMs: nowMs + lagMs });
    this.#set(key, fields);
  }

  #set(key: string, fields: readonly string[] | undefined): void {
    if (fields === undefined) this.rows.delete(key);
    else this.rows.set(key, fields);
    this.onRow(key);
  }

  #row(key: string): ObservedSubscription {
    const fields = this.rows.get(key);
    return fields === undefined ? NO_ROW : { subscribed: true, fields: new Set(fields) };
  }

  #authenticate({ appId, appSecret }: AppCredentials): void {
    if (this.secrets.get(appId) !== appSecret.reveal()) throw new AppCredentialError('AppSecretInvalid', 'Graph refuses the secret');
  }

  #authorize({ app, token, pageId }: PageCredentials): void {
    this.#authenticate(app);
    const found = this.tokens.get(token.reveal());
    if (found?.alive !== true) throw new TerminalError('TokenInvalidated', 'the token is not valid');
    if (found.pageId !== pageId) throw new TerminalError('PageNotGranted', 'Graph does not show the Page to this token');
  }
}

export function rowKey({ app, pageId }: PageCredentials): string {
  return `${app.appId}/${pageId}`;
}
