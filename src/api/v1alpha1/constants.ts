export const GROUP = 'messenger-operator.dev';
export const VERSION = 'v1alpha1';
export const API_VERSION = `${GROUP}/${VERSION}`;

/**
 * Set on a MessengerPage before the first write to Graph, taken off once the Page is unsubscribed
 * or cannot be.
 */
export const UNSUBSCRIBE_FINALIZER = `${GROUP}/unsubscribe`;
/**
 * Set on a MessengerApp while a MessengerPage refers to it, so that its pages can still be
 * unsubscribed.
 */
export const IN_USE_FINALIZER = `${GROUP}/in-use`;

export const RECONCILE_AT_ANNOTATION = `${GROUP}/reconcile-at`;
export const FLUX_REQUESTED_AT_ANNOTATION = 'reconcile.fluxcd.io/requestedAt';

/** Type of the Secrets that hold a bot's key for the Pages API in standalone. */
export const BOT_KEY_SECRET_TYPE = `${GROUP}/bot-key`;

export const FIELD_MANAGER = 'messenger-operator';

export const DEFAULT_WEBHOOK_PATH = '/webhooks/messenger';
export const DEFAULT_KEYS = {
  appSecret: 'appSecret',
  previousAppSecret: 'previousAppSecret',
  verifyToken: 'verifyToken',
  token: 'token',
} as const;

/**
 * The minimum of Bottender's multi-page guide: what a page subscribes when neither it nor its app
 * says more.
 */
export const DEFAULT_SUBSCRIBED_FIELDS: readonly string[] = [
  'messages',
  'messaging_postbacks',
  'messaging_optins',
  'messaging_referrals',
  'messaging_policy_enforcement',
];

export const DEFAULT_BACKEND = {
  timeoutMs: 4_000,
  maxInFlight: 8,
  maxEventsPerRequest: 1,
  maxRequestBytes: 92_160,
} as const;
