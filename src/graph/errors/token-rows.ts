import { APP_OPERATIONS, NEW_TOKEN, type CatalogueRow } from './row.js';

/** Errors of the app's own credential: they say nothing about any Page. */
export const APP_CREDENTIAL_ROWS: readonly CatalogueRow[] = [
  {
    type: 'GraphMethodException',
    codes: [100],
    subcodes: ['none'],
    disposition: 'app-credential',
    reason: 'AppSecretInvalid',
    says: 'Graph refuses the appsecret_proof made with this app secret',
    fix: "put the app's present secret into the Secret of appSecretRef",
  },
  {
    codes: [101],
    disposition: 'app-credential',
    reason: 'AppIdMismatch',
    says: 'Graph does not know this app, or not with this secret',
    fix: 'check spec.appId and the Secret of appSecretRef',
  },
  {
    on: APP_OPERATIONS,
    codes: [190],
    prefix: 'Error validating application',
    disposition: 'app-credential',
    reason: 'AppIdMismatch',
    says: 'Graph does not know this app',
    fix: 'check spec.appId',
  },
  {
    on: APP_OPERATIONS,
    codes: [190],
    disposition: 'app-credential',
    reason: 'AppSecretInvalid',
    says: 'Graph refuses the app id with this app secret',
    fix: "put the app's present secret into the Secret of appSecretRef",
  },
  {
    on: APP_OPERATIONS,
    codes: [15, 102],
    disposition: 'app-credential',
    reason: 'AppSecretInvalid',
    says: 'Graph does not take this for an app access token',
    fix: 'check spec.appId and the Secret of appSecretRef',
  },
];

/** Errors of a Page's token. */
export const TOKEN_ROWS: readonly CatalogueRow[] = [
  { codes: [190], subcodes: [463], disposition: 'terminal', reason: 'TokenExpired', says: 'the token has expired', fix: NEW_TOKEN },
  {
    codes: [190],
    subcodes: [458],
    disposition: 'terminal',
    reason: 'TokenInvalidated',
    says: 'the person who granted the token has removed the app',
    fix: `let an admin of the Page grant the app again, then ${NEW_TOKEN}`,
  },
  {
    codes: [190],
    subcodes: [459],
    disposition: 'terminal',
    reason: 'TokenInvalidated',
    says: 'the person who granted the token has to pass a check at facebook.com',
    fix: `let that person log in to facebook.com, or ${NEW_TOKEN} as somebody else`,
  },
  {
    codes: [190],
    subcodes: [460],
    disposition: 'terminal',
    reason: 'TokenInvalidated',
    says: 'the person who granted the token has changed the password',
    fix: NEW_TOKEN,
  },
  {
    codes: [190],
    subcodes: [464],
    disposition: 'terminal',
    reason: 'TokenInvalidated',
    says: 'the person who granted the token is not a confirmed user',
    fix: `let that person confirm the account, then ${NEW_TOKEN}`,
  },
  {
    codes: [190],
    subcodes: [467],
    disposition: 'terminal',
    reason: 'TokenInvalidated',
    says: 'the token was invalidated',
    fix: NEW_TOKEN,
  },
  {
    codes: [190],
    subcodes: [492],
    disposition: 'terminal',
    reason: 'TokenInvalidated',
    says: 'the person who granted the token has lost the role on the Page',
    fix: `give the role back, or ${NEW_TOKEN} as somebody who has it`,
  },
  ...malformed(['Invalid OAuth access token - Cannot parse', 'Malformed access token', 'The access token could not be decrypted']),
  {
    codes: [190],
    prefix: 'This method must be called with a Page Access Token',
    disposition: 'terminal',
    reason: 'TokenWrongType',
    says: 'the token is not a Page access token',
    fix: NEW_TOKEN,
  },
  { codes: [190], disposition: 'terminal', reason: 'TokenInvalidated', says: 'the token is not valid (any more)', fix: NEW_TOKEN },
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
