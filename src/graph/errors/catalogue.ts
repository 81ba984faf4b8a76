import { NEW_TOKEN, PAGE_OPERATIONS, WAIT, type CatalogueRow } from './row.js';
import { APP_CREDENTIAL_ROWS, TOKEN_ROWS } from './token-rows.js';

const THROTTLES: readonly CatalogueRow[] = [
  {
    codes: [4, 341],
    disposition: 'wait',
    scope: 'app',
    reason: 'RateLimited',
    says: "the app's request limit at Graph is reached",
    fix: WAIT,
  },
  {
    codes: [32, 613],
    disposition: 'wait',
    scope: 'page',
    reason: 'RateLimited',
    says: "the Page's request limit at Graph is reached",
    fix: WAIT,
  },
  {
    codes: [17],
    disposition: 'wait',
    scope: 'page',
    reason: 'RateLimited',
    says: 'the request limit of the user behind the token is reached',
    fix: WAIT,
  },
  {
    codes: [[80000, 80014]],
    disposition: 'wait',
    scope: 'page',
    reason: 'RateLimited',
    says: "the Page's business-use-case limit at Graph is reached",
    fix: WAIT,
  },
];

const OUTAGES: readonly CatalogueRow[] = [
  { codes: [1, 2], disposition: 'transient', reason: 'GraphUnavailable', says: 'Graph has an internal problem', fix: WAIT },
  {
    codes: [2635],
    disposition: 'transient',
    reason: 'GraphUnavailable',
    says: 'Graph does not serve this API version to the app',
    fix: 'set graph.version of the MessengerApp to a current version',
  },
];

const SUBSCRIBE: readonly CatalogueRow[] = [
  {
    on: ['inspect_token'],
    codes: [100],
    prefix: 'The App_id in the input_token did not match the Viewing App',
    disposition: 'terminal',
    reason: 'TokenWrongApp',
    says: 'the token was made with another app',
    fix: 'make a Page access token with this app and put it into the Secret',
  },
  {
    on: ['inspect_token'],
    codes: [100],
    disposition: 'terminal',
    reason: 'TokenMalformed',
    says: 'Graph does not take the value for a token that it can inspect',
    fix: NEW_TOKEN,
  },
  {
    codes: [100],
    subcodes: [33],
    disposition: 'terminal',
    reason: 'PageNotGranted',
    says: 'Graph does not show the Page to this token: it does not exist or was not granted',
    fix: 'check spec.pageId, and that the Page is among those granted to the app',
  },
  {
    codes: [803],
    disposition: 'terminal',
    reason: 'PageNotGranted',
    says: 'Graph knows no object with this id',
    fix: "check spec.pageId: it is the Page's id, not the number in a profile's address",
  },
  {
    on: ['subscribe'],
    codes: [100],
    prefix: 'Param subscribed_fields[',
    disposition: 'terminal',
    reason: 'InvalidField',
    says: 'Graph does not know one of the subscribed fields (then it changes none)',
    fix: 'correct spec.subscribedFields',
  },
  {
    on: ['subscribe'],
    codes: [100],
    disposition: 'terminal',
    reason: 'InvalidField',
    says: 'Graph refuses the list of subscribed fields',
    fix: 'correct spec.subscribedFields',
  },
  {
    on: ['page_info', 'observe', 'unsubscribe', 'unsubscribe_as_app'],
    codes: [100],
    prefix: 'Tried accessing nonexisting field',
    disposition: 'terminal',
    reason: 'TokenWrongPage',
    says: 'the object with this id is not a Page',
    fix: 'check spec.pageId',
  },
  {
    on: ['page_info', 'observe', 'unsubscribe', 'unsubscribe_as_app'],
    codes: [100],
    disposition: 'terminal',
    reason: 'PageNotGranted',
    says: 'Graph refuses this call for the Page',
    fix: 'check spec.pageId, and that the Page is among those granted to the app',
  },
];

const APP_SUBSCRIPTION: readonly CatalogueRow[] = [
  {
    on: ['subscribe_app'],
    codes: [2200],
    disposition: 'terminal',
    reason: 'CallbackVerificationFailed',
    says: 'Meta called the callback URL and did not get the challenge back',
    fix: 'make webhook.callbackUrl reachable from the internet (public certificate, right path), and check the verify token',
  },
  {
    on: ['subscribe_app', 'app_subscriptions'],
    codes: [100],
    prefix: 'callback_url',
    disposition: 'terminal',
    reason: 'CallbackVerificationFailed',
    says: 'Graph does not take the callback URL',
    fix: 'correct webhook.callbackUrl (https, public)',
  },
  {
    on: ['subscribe_app', 'app_subscriptions'],
    codes: [100],
    disposition: 'terminal',
    reason: 'FieldRefused',
    says: "Graph refuses a parameter of the app's subscription, most likely a field",
    fix: 'correct the subscribedFields of the pages or webhook.allowedFields',
  },
];

const PERMISSIONS: readonly CatalogueRow[] = [
  {
    codes: [10, [200, 299]],
    disposition: 'terminal',
    reason: 'PermissionDenied',
    says: 'a permission is missing',
    fix: 'grant pages_messaging and pages_manage_metadata with the Page, and check that the app may use them (App Review)',
  },
  {
    codes: [3],
    disposition: 'terminal',
    reason: 'PermissionDenied',
    says: 'the app lacks a capability for this call',
    fix: 'add the Messenger product to the app',
  },
  {
    on: PAGE_OPERATIONS,
    codes: [15],
    disposition: 'terminal',
    reason: 'PermissionDenied',
    says: 'Graph wants the app access token for this call',
    fix: WAIT,
  },
  {
    codes: [368],
    disposition: 'terminal',
    reason: 'PermissionDenied',
    says: 'Meta has blocked this for a policy violation, for a time',
    fix: "look into the Page's and the app's support inbox at Meta",
  },
];

const REST: readonly CatalogueRow[] = [
  { http: '5xx', disposition: 'transient', reason: 'GraphUnavailable', says: 'Graph is out of order', fix: WAIT },
  { disposition: 'transient', reason: 'GraphUnavailable', says: 'Graph answered something unknown', fix: WAIT },
];

/** The one table that turns Graph's errors into decisions. `docs/reference/graph-errors.md` is written from it. */
export const ERROR_CATALOGUE: readonly CatalogueRow[] = [
  ...THROTTLES,
  ...OUTAGES,
  ...APP_CREDENTIAL_ROWS,
  ...TOKEN_ROWS,
  ...SUBSCRIBE,
  ...APP_SUBSCRIPTION,
  ...PERMISSIONS,
  ...REST,
];
