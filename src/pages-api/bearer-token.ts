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
 * Whether a ServiceAccount token is certainly no good, before anybody is asked: not a JWT, expired,
 * or not meant for us. Nothing here is verified: a token that passes still has to be reviewed.
 */
export function certainlyRefused(token: Secret, audience: string, nowMs: number): boolean {
  const jwt = readJwt(token.reveal());
  if (jwt === undefined) return true;
  const { exp, aud } = jwt.claims;
  if (typeof exp !== 'number' || exp * 1_000 + SKEW_MS < nowMs) return true;
  return !(Array.isArray(aud) ? aud.includes(audience) : aud === audience);
}

/** A JWT taken apart. Nothing of it is verified. */
export interface Jwt {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
  /** The bytes that the signature is over. */
  readonly signed: Buffer;
  readonly signature: Buffer;
}

/** undefined: not a JWT. */
export function readJwt(text: string): Jwt | undefined {
  const parts = text.split('.');
  const [head = '', payload = '', signature = ''] = parts;
  if (parts.length !== 3 || !parts.every((part) => PART.test(part))) return undefined;
  const header = jsonObject(head);
  const claims = jsonObject(payload);
  if (header === undefined || claims === undefined) return undefined;
  return { header, claims, signed: Buffer.from(`${head}.${payload}`), signature: Buffer.from(signature, 'base64url') };
}

function jsonObject(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}
