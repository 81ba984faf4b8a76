/**
 * What the simulator knows: apps, pages, tokens and subscriptions, in the shapes that its control
 * API takes and gives.
 */

export interface SimApp {
  readonly id: string;
  readonly secret: string;
  readonly name: string;
  readonly mode: 'live' | 'development';
  /** The app setting "Require App Secret": a call without appsecret_proof is refused. */
  readonly requireProof: boolean;
}

export interface SimPage {
  readonly id: string;
  readonly name: string;
  readonly category: string;
}

export const TOKEN_TYPES = ['USER', 'PAGE', 'APP', 'SYSTEM_USER'] as const;
export type TokenType = (typeof TOKEN_TYPES)[number];

/** What a token can come to, with Graph's subcode of 190 for it. */
export const TOKEN_STATES = {
  valid: undefined,
  expired: 463,
  password_changed: 460,
  uninstalled: 458,
  checkpoint: 459,
  unconfirmed: 464,
  invalidated: 467,
  role_lost: 492,
  garbage: undefined,
} as const;
export type TokenState = keyof typeof TOKEN_STATES;

export interface SimToken {
  /** The name by which records speak of it. */
  readonly alias: string;
  readonly value: string;
  readonly type: TokenType;
  readonly appId: string;
  /** Of PAGE tokens. */
  readonly pageId: string | undefined;
  readonly userId: string;
  scopes: readonly string[];
  /**
   * scope → ids; null: Graph lists the scope without ids; a scope that is not in here gets the
   * page's id.
   */
  granularTargets: Readonly<Record<string, readonly string[] | null>>;
  /** Of USER and SYSTEM_USER tokens: the pages under `/me/accounts`; undefined: all. */
  readonly pages: readonly string[] | undefined;
  /** Seconds since the epoch, 0 = never. */
  expiresAt: number;
  dataAccessExpiresAt: number;
  readonly issuedAt: number;
  state: TokenState;
}

/** One app's row on one page. */
export interface PageSubscription {
  readonly appId: string;
  readonly pageId: string;
  readonly fields: readonly string[];
}

/** One row of `/{app-id}/subscriptions`. */
export interface SimAppSubscription {
  readonly object: string;
  readonly callbackUrl: string;
  readonly verifyToken: string;
  readonly active: boolean;
  readonly fields: readonly { readonly name: string; readonly version: string }[];
}

/** Switches of the simulator. All can be changed while it runs. */
export interface SimConfig {
  /** DELETE subscribed_apps with a Page token is refused with #15. */
  strictDelete: boolean;
  /**
   * `strict`: a proof has to be the token's. `lax`: any known token's will do (Bottender's
   * debugToken). `off`: not looked at.
   */
  proof: 'strict' | 'lax' | 'off';
  /** Reads of subscribed_apps show a write only after so many milliseconds. */
  lagMs: number;
  /** Which signatures the webhook sender writes. */
  signatures: 'both' | 'sha256';
  /** Fields that an app subscription is refused, though Graph knows them. */
  refusedAppFields: readonly string[];
  /** Rows on one page of an edge where the caller names no limit. */
  pageSize: number;
  /**
   * Calls per app and rolling hour; over it every call gets #4. 0: no limit, and usage stays at
   * what `appUsage` says.
   */
  appCallsPerHour: number;
  /**
   * Calls of messenger_profile per page in ten minutes, 10 at Meta (reference of the Messenger
   * Profile API); 0: no limit.
   */
  profileCallsPer10Min: number;
  /** Percent that X-App-Usage shows, by app id; wins over what is counted. */
  appUsage: Readonly<Record<string, number>>;
  /** Webhook sender: how long it waits for an answer. */
  deliveryTimeoutMs: number;
  /**
   * Webhook sender: pauses before the second, third, … attempt; the last one repeats. Empty: no
   * retries.
   */
  retryDelaysMs: readonly number[];
  /**
   * Webhook sender: a repeat has a new `time` in its entries, as two public reports say of Meta.
   * Bodies that the caller wrote stay as they are.
   */
  repeatsMoveTime: boolean;
  /**
   * Webhook sender: after so long of failing it gives up and removes the app from the pages of the
   * POST, as Meta does. 0: never.
   */
  removeAfterMs: number;
  /** How long the verification GET may take. */
  verifyTimeoutMs: number;
  /** The version that an unversioned path gets. */
  defaultVersion: string;
}

export const DEFAULT_CONFIG: SimConfig = {
  strictDelete: false,
  proof: 'strict',
  lagMs: 0,
  signatures: 'both',
  refusedAppFields: [],
  pageSize: 25,
  appCallsPerHour: 0,
  profileCallsPer10Min: 10,
  appUsage: {},
  deliveryTimeoutMs: 5_000,
  retryDelaysMs: [1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000],
  repeatsMoveTime: true,
  removeAfterMs: 3_600_000,
  verifyTimeoutMs: 5_000,
  defaultVersion: 'v25.0',
};

/**
 * One call of the Graph API, as it was answered. Tokens and other secrets stand in it by name or
 * not at all.
 */
export interface CallRecord {
  readonly seq: number;
  readonly at: number;
  readonly method: string;
  /** The path with ids replaced: `/{page-id}/subscribed_apps`. */
  readonly shape: string;
  readonly version: string;
  readonly appId: string | undefined;
  readonly pageId: string | undefined;
  /**
   * Name of the token; `app:ID` for an app token, `unknown` for a value not made here, undefined
   * without one.
   */
  readonly token: string | undefined;
  readonly tokenSha256: string | undefined;
  readonly proof: 'right' | 'wrong' | 'none';
  /** Names of all request parameters, and the values of those that are no secret. */
  readonly params: Readonly<Record<string, unknown>>;
  readonly status: number;
  readonly code: number | undefined;
  /** The seq of the batch that this was an item of. */
  readonly batch: number | undefined;
}

/** A message that a bot sent through Graph. */
export interface MessageRecord {
  readonly seq: number;
  readonly at: number;
  /** The page that the token belongs to: who really spoke. */
  readonly pageId: string;
  /** The id in the path: a page id or `me`. */
  readonly path: string;
  readonly appId: string;
  readonly token: string;
  readonly recipient: Readonly<Record<string, unknown>>;
  readonly text: string | undefined;
  readonly message: unknown;
  readonly senderAction: string | undefined;
  readonly messageId: string | undefined;
}

export interface AttemptRecord {
  readonly at: number;
  /** The HTTP status; undefined where none came. */
  readonly status: number | undefined;
  readonly error: string | undefined;
  readonly ms: number;
}

export interface DeliveryRecord {
  readonly seq: number;
  readonly at: number;
  readonly appId: string;
  readonly pageIds: readonly string[];
  readonly url: string;
  /** The bytes of the POST as text (they are ASCII). */
  readonly body: string;
  readonly attempts: AttemptRecord[];
  /** `removed`: given up, and the app was removed from the pages of this POST. */
  state: 'pending' | 'delivered' | 'failed' | 'removed';
}
