import { createHmac } from 'node:crypto';
import type { AppCredentials } from '../core/ports/graph.js';
import { Secret } from '../core/secrets/secret.js';

/**
 * Who a call is made as: with a token of the app's (a Page's token), or without one as the app
 * itself (`APPID|SECRET`).
 */
export interface GraphAuth {
  readonly app: AppCredentials;
  readonly token?: Secret;
}

/**
 * The access token that goes out. An app's is made of its id and its secret (Meta, "Access Tokens:
 * App Access Tokens").
 */
export function bearerOf(auth: GraphAuth): string {
  return auth.token?.reveal() ?? `${auth.app.appId}|${auth.app.appSecret.reveal()}`;
}

/**
 * `appsecret_proof`: hex HMAC-SHA256 of the access token, keyed by the app secret (Meta, "Secure
 * Graph API Calls"). Not the secret itself, yet as good as half of a credential: never logged.
 */
export function proofOf(auth: GraphAuth): string {
  return createHmac('sha256', auth.app.appSecret.reveal()).update(bearerOf(auth)).digest('hex');
}

/** Every value that must not come back to us in Graph's text. */
export function secretsOf(auth: GraphAuth): readonly Secret[] {
  const proof = new Secret('bearer', proofOf(auth));
  return auth.token === undefined ? [auth.app.appSecret, proof] : [auth.token, auth.app.appSecret, proof];
}

/**
 * The value itself, or the one that a Secret holds. Called where a request's bytes are made,
 * nowhere else.
 */
export function plain(value: string | Secret): string {
  return typeof value === 'string' ? value : value.reveal();
}
