import { DEAD_TOKENS, EXPIRED_TOKEN, INVALID_TOKEN, NEW_TOKEN } from '../../core/domain/dead-tokens.js';
import { operationsWith, type GraphOperation } from '../operations.js';
import type { CatalogueRow } from './row.js';

const WITH_PAGE_TOKEN = operationsWith('page');
const WITH_APP_TOKEN = operationsWith('app');

const WAIT = 'no action needed, the operator tries again';
const CHECK_SECRET = 'check spec.appId and the Secret of appSecretRef';
const CURRENT_SECRET = "store the app's current secret in the Secret of appSecretRef";
const CHECK_GRANT = 'check spec.pageId, and that the Page is among those granted to the app';

const THROTTLES: readonly CatalogueRow[] = [
  {
    codes: [4, 341],
    disposition: 'wait',
    scope: 'app',
    reason: 'RateLimited',
    says: 'the app has reached its request limit at Graph',
    fix: WAIT,
  },
  {
    codes: [32, 613],
    disposition: 'wait',
    scope: 'page',
    reason: 'RateLimited',
    says: 'the Page has reached its request limit at Graph',
    fix: WAIT,
  },
  {
    codes: [17],
    disposition: 'wait',
    scope: 'page',
    reason: 'RateLimited',
    says: 'the user behind the token has reached the request limit at Graph',
    fix: WAIT,
  },
  {
    codes: [[80000, 80014]],
    disposition: 'wait',
    scope: 'page',
    reason: 'RateLimited',
    says: 'the Page has reached its business use case limit at Graph',
    fix: WAIT,
  },
];

const OUTAGES: readonly CatalogueRow[] = [
  { codes: [1, 2], disposition: 'transient', reason: 'GraphUnavailable', says: 'Graph has an internal problem', fix: WAIT },
  {
    codes: [2635],
    disposition: 'transient',
    reason: 'GraphUnavailable',
    says: 'Graph does not offer this API version to the app',
    fix: 'set graph.version of the MessengerApp to a current version',
  },
];

/** Errors of the app's own credential: they say nothing about any Page. */
const APP_CREDENTIAL: readonly CatalogueRow[] = [
  {
    type: 'GraphMethodException',
    codes: [100],
    subcodes: ['none'],
    disposition: 'app-credential',
    reason: 'AppSecretInvalid',
    says: 'Graph rejects the appsecret_proof made with this app secret',
    fix: CURRENT_SECRET,
  },
  {
    codes: [101],
    disposition: 'app-credential',
    reason: 'AppIdMismatch',
    says: 'Graph does not know this app, or not with this secret',
    fix: CHECK_SECRET,
  },
  {
    on: WITH_APP_TOKEN,
    codes: [190],
    prefix: 'Error validating application',
    disposition: 'app-credential',
    reason: 'AppIdMismatch',
    says: 'Graph does not know this app',
    fix: 'check spec.appId',
  },
  {
    on: WITH_APP_TOKEN,
    codes: [190],
    disposition: 'app-credential',
    reason: 'AppSecretInvalid',
    says: 'Graph rejects this app secret for this app id',
    fix: CURRENT_SECRET,
  },
  {
    on: WITH_APP_TOKEN,
    codes: [15, 102],
    disposition: 'app-credential',
    reason: 'AppSecretInvalid',
    says: 'Graph does not accept this as an app access token',
    fix: CHECK_SECRET,
  },
];

/** Errors of a Page's token. */
const PAGE_TOKEN: readonly CatalogueRow[] = [
  ...[...DEAD_TOKENS].map(([subcode, dead]): CatalogueRow => {
    const reason = dead === EXPIRED_TOKEN ? 'TokenExpired' : 'TokenInvalidated';
    return { codes: [190], subcodes: [subcode], disposition: 'terminal', reason, ...dead };
  }),
  ...malformed(['Invalid OAuth access token - Cannot parse', 'Malformed access token', 'The access token could not be decrypted']),
  {
    codes: [190],
    prefix: 'This method must be called with a Page Access Token',
    disposition: 'terminal',
    reason: 'TokenWrongType',
    says: 'the token is not a Page access token',
    fix: NEW_TOKEN,
  },
  { codes: [190], disposition: 'terminal', reason: 'TokenInvalidated', ...INVALID_TOKEN },
  { codes: [102], disposition: 'terminal', reason: 'TokenInvalidated', says: "the token's session is over", fix: NEW_TOKEN },
  { codes: [210], disposition: 'terminal', reason: 'TokenWrongType', says: 'the token is not a Page access token', fix: NEW_TOKEN },
];

function malformed(prefixes: readonly string[]): readonly CatalogueRow[] {
  return prefixes.map((prefix) => ({
    codes: [190],
    prefix,
    disposition: 'terminal',
    reason: 'TokenMalformed',
    says: 'the value is not an access token, or only a part of one',
    fix: NEW_TOKEN,
  }));
}

const READ_OR_UNSUBSCRIBE: readonly GraphOperation[] = ['page_info', 'observe', 'unsubscribe', 'unsubscribe_as_app'];

const PAGE_EDGES: readonly CatalogueRow[] = [
  {
    on: ['inspect_token'],
    codes: [100],
    prefix: 'The App_id in the input_token did not match the Viewing App',
    disposition: 'terminal',
    reason: 'TokenWrongApp',
    says: 'the token was made with another app',
    fix: 'create a Page access token with this app and store it in the Secret',
  },
  {
    on: ['inspect_token'],
    codes: [100],
    disposition: 'terminal',
    reason: 'TokenMalformed',
    says: 'Graph does not recognize the value as a token',
    fix: NEW_TOKEN,
  },
  {
    codes: [100],
    subcodes: [33],
    disposition: 'terminal',
    reason: 'PageNotGranted',
    says: 'Graph does not show the Page to this token: the Page does not exist or was not granted',
    fix: CHECK_GRANT,
  },
  {
    codes: [803],
    disposition: 'terminal',
    reason: 'PageNotGranted',
    says: 'Graph has no object with this id',
    fix: 'check spec.pageId: it must be the id of the Page, not the number in the address of a profile',
  },
  {
    on: ['subscribe'],
    codes: [100],
    prefix: 'Param subscribed_fields[',
    disposition: 'terminal',
    reason: 'InvalidField',
    says: 'Graph does not know one of the subscribed fields, and so changed none',
    fix: 'correct spec.subscribedFields',
  },
  {
    on: ['subscribe'],
    codes: [100],
    disposition: 'terminal',
    reason: 'InvalidField',
    says: 'Graph rejects the list of subscribed fields',
    fix: 'correct spec.subscribedFields',
  },
  {
    on: READ_OR_UNSUBSCRIBE,
    codes: [100],
    prefix: 'Tried accessing nonexisting field',
    disposition: 'terminal',
    reason: 'TokenWrongPage',
    says: 'the object with this id is not a Page',
    fix: 'check spec.pageId',
  },
  {
    on: READ_OR_UNSUBSCRIBE,
    codes: [100],
    disposition: 'terminal',
    reason: 'PageNotGranted',
    says: 'Graph rejects this call for the Page',
    fix: CHECK_GRANT,
  },
];

const APP_SUBSCRIPTION: readonly CatalogueRow[] = [
  {
    on: ['subscribe_app'],
    codes: [2200],
    disposition: 'terminal',
    reason: 'CallbackVerificationFailed',
    says: 'Meta called the callback URL and did not get the challenge back',
    fix: 'make webhook.callbackUrl reachable from the internet (public certificate, correct path), and check the verify token',
  },
  {
    on: ['subscribe_app', 'app_subscriptions'],
    codes: [100],
    prefix: 'callback_url',
    disposition: 'terminal',
    reason: 'CallbackVerificationFailed',
    says: 'Graph does not accept the callback URL',
    fix: 'correct webhook.callbackUrl: it must be a public https address',
  },
  {
    on: ['subscribe_app', 'app_subscriptions'],
    codes: [100],
    disposition: 'terminal',
    reason: 'FieldRefused',
    says: "Graph rejects a parameter of the app's subscription, most likely a field",
    fix: 'correct the subscribedFields of the pages or webhook.allowedFields',
  },
];

const PERMISSIONS: readonly CatalogueRow[] = [
  {
    codes: [10, [200, 299]],
    disposition: 'terminal',
    reason: 'PermissionDenied',
    says: 'a permission is missing',
    fix: 'grant pages_messaging and pages_manage_metadata for the Page, and check that the app may use them (App Review)',
  },
  {
    codes: [3],
    disposition: 'terminal',
    reason: 'PermissionDenied',
    says: 'the app lacks a capability for this call',
    fix: 'add the Messenger product to the app',
  },
  {
    on: WITH_PAGE_TOKEN,
    codes: [15],
    disposition: 'terminal',
    reason: 'PermissionDenied',
    says: 'Graph requires the app access token for this call',
    fix: WAIT,
  },
  {
    codes: [368],
    disposition: 'terminal',
    reason: 'PermissionDenied',
    says: 'Meta has blocked this for some time because of a policy violation',
    fix: 'check the support inbox of the Page and of the app at Meta',
  },
];

const REST: readonly CatalogueRow[] = [
  { http: '5xx', disposition: 'transient', reason: 'GraphUnavailable', says: 'Graph answers with a server error', fix: WAIT },
  { disposition: 'transient', reason: 'GraphUnavailable', says: 'Graph gave an unknown answer', fix: WAIT },
];

/**
 * The one table that turns Graph's errors into decisions. `docs/reference/graph-errors.md` is
 * generated from it.
 */
export const ERROR_CATALOGUE: readonly CatalogueRow[] = [
  ...THROTTLES,
  ...OUTAGES,
  ...APP_CREDENTIAL,
  ...PAGE_TOKEN,
  ...PAGE_EDGES,
  ...APP_SUBSCRIPTION,
  ...PERMISSIONS,
  ...REST,
];
