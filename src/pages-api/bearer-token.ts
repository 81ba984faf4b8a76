import { Secret } from '../core/secrets/secret.js';

const MAX_LENGTH = 8_192;
const BEARER = /^Bearer +([A-Za-z0-9._~+/=-]+) *$/i;
const PART = /^[A-Za-z0-9_-]+$/;
/** The API server judges by its own clock; a token is refused here only when there is no doubt. */
const SKEW_MS = 30_000;

/** The credential of an `Authorization: Bearer …` header; undefined for anything else. */
export function bearerToken(header: string | undefined): Secret | undefined {
  if (header === undefined || header.length > MAX_LENGTH) return undefined;
  const value = BEARER.exec(header)?.[1];
  return value === undefined ? undefined : new Secret('bearer', value);
}

/**
 * Whether a ServiceAccount token is certainly no good, before anybody is asked: not a JWT, expired, or not meant for us.
 * Nothing here is verified: a token that passes still has to be reviewed.
 */
export function certainlyRefused(token: Secret, audience: string, nowMs: number): boolean {
  const claims = unverifiedClaims(token.reveal());
  if (claims === undefined) return true;
  const { exp, aud } = claims;
  if (typeof exp !== 'number' || exp * 1_000 + SKEW_MS < nowMs) return true;
  return !(Array.isArray(aud) ? aud.includes(audience) : aud === audience);
}

function unverifiedClaims(jwt: string): { readonly exp?: unknown; readonly aud?: unknown } | undefined {
  const parts = jwt.split('.');
  const [, payload] = parts;
  if (parts.length !== 3 || payload === undefined || !parts.every((part) => PART.test(part))) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    return typeof claims === 'object' && claims !== null ? claims : undefined;
  } catch {
    return undefined;
  }
}
