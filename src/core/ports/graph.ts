import type { Secret } from '../secrets/secret.js';

/** What is needed to act for an app at Graph. */
export interface AppCredentials {
  readonly appId: string;
  readonly appSecret: Secret;
  /** `v25.0` */
  readonly graphVersion: string;
}

/** What is needed to act for one Page at Graph. */
export interface PageCredentials {
  readonly app: AppCredentials;
  readonly pageId: string;
  readonly token: Secret;
}

/**
 * How a call is made. `background` (drift checks, first pass of a restart) never delays
 * `interactive` and may be batched.
 */
export interface GraphCallOptions {
  readonly signal: AbortSignal;
  readonly priority?: 'interactive' | 'background';
}

/** What Graph reports for `/{page-id}/subscribed_apps`, narrowed to our own app. */
export interface ObservedSubscription {
  readonly subscribed: boolean;
  readonly fields: ReadonlySet<string>;
}

/**
 * `debug_token`'s answer. Times are seconds since the epoch; 0 = never; undefined = Graph did not
 * say.
 */
export interface TokenInfo {
  readonly isValid: boolean;
  readonly type: string | undefined;
  readonly appId: string | undefined;
  /** The page's id, for tokens of type PAGE. */
  readonly profileId: string | undefined;
  readonly expiresAt: number | undefined;
  readonly dataAccessExpiresAt: number | undefined;
  readonly scopes: readonly string[];
  /**
   * scope → ids it was granted for; a scope that Graph lists without ids has `undefined`: unknown,
   * never none.
   */
  readonly granularScopes: ReadonlyMap<string, readonly string[] | undefined>;
  /** Set when `isValid` is false: Graph's code and subcode, and its redacted text. */
  readonly error: { readonly code: number; readonly subcode: number | undefined; readonly message: string } | undefined;
}

export interface PageInfo {
  readonly id: string;
  readonly name: string | undefined;
}

/** One row of `/{app-id}/subscriptions`. */
export interface AppSubscription {
  readonly object: string;
  readonly callbackUrl: string;
  readonly active: boolean;
  readonly fields: readonly string[];
}

/** The edges of a Page. Every call throws an OperatorError whose message holds no secret. */
export interface PageGraph {
  inspectToken(app: AppCredentials, token: Secret, options: GraphCallOptions): Promise<TokenInfo>;
  pageInfo(page: PageCredentials, options: GraphCallOptions): Promise<PageInfo>;
  observe(page: PageCredentials, options: GraphCallOptions): Promise<ObservedSubscription>;
  /** Replaces our app's whole field list on the page. */
  subscribe(page: PageCredentials, fields: readonly string[], options: GraphCallOptions): Promise<void>;
  /** Removes our app from the page: with the page token, on #15 with the app token. */
  unsubscribe(page: PageCredentials, options: GraphCallOptions): Promise<void>;
}

/** The edges of an App, called with its app token. */
export interface AppGraph {
  subscriptions(app: AppCredentials, options: GraphCallOptions): Promise<readonly AppSubscription[]>;
  /**
   * Creates or replaces the subscription for `object=page`; Graph verifies the callback before it
   * answers.
   */
  subscribeApp(
    app: AppCredentials,
    wanted: { readonly callbackUrl: string; readonly verifyToken: Secret; readonly fields: readonly string[] },
    options: GraphCallOptions,
  ): Promise<void>;
}

/** Everything that is asked of Graph. */
export interface Graph extends PageGraph, AppGraph {}

/** What Graph's answers tell besides what was asked. */
export interface GraphSigns {
  /** By how much to stretch the intervals of checks, by the usage that Graph reports: 1, 2 or 6. */
  pressure(appId: string, pageId?: string): number;
  /** The API version that Graph answered the app with last; undefined before the first answer. */
  answeredVersion(app: AppCredentials): string | undefined;
}
