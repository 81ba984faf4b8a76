import type { PageReason } from '../../api/v1alpha1/conditions.js';
import type { TokenInfo } from '../ports/graph.js';
import { DEAD_TOKENS, EXPIRED_TOKEN, INVALID_TOKEN, NEW_TOKEN } from './dead-tokens.js';

/**
 * What a token proves about a claim. `proven`: Graph says it is a live PAGE token of this page and
 * this app. `foreign`: of another page or app. `dead`: expired or invalidated. `unproven`: none of
 * these is known.
 */
export type Proof = 'proven' | 'unproven' | 'foreign' | 'dead';

export interface WantedToken {
  readonly appId: string;
  readonly pageId: string;
  /** The fields that the page is to be subscribed to. */
  readonly fields: readonly string[];
  readonly nowMs: number;
}

export interface TokenVerdict {
  readonly proof: Proof;
  /** undefined: the token is good. */
  readonly reason: PageReason | undefined;
  /** For users: what is wrong and how to mend it, or what is good. */
  readonly message: string;
  /** `OperatorError.graphText`, where Graph refused to answer about the token. */
  readonly graphText?: string | undefined;
}

/**
 * Judges what `debug_token` said. The first fault counts, in the order in which they would have to
 * be mended.
 */
export function checkToken(info: TokenInfo, wanted: WantedToken): TokenVerdict {
  return aliveFault(info, wanted.nowMs) ?? identityFault(info, wanted) ?? grantFault(info, wanted) ?? good(info, wanted);
}

function aliveFault(info: TokenInfo, nowMs: number): TokenVerdict | undefined {
  const over = isOver(info.expiresAt, nowMs);
  if (info.isValid && !over) return undefined;
  const dead = over ? EXPIRED_TOKEN : (DEAD_TOKENS.get(info.error?.subcode ?? 0) ?? INVALID_TOKEN);
  return fault('dead', dead === EXPIRED_TOKEN ? 'TokenExpired' : 'TokenInvalidated', `${dead.says}: ${dead.fix}`);
}

function isOver(expiresAt: number | undefined, nowMs: number): boolean {
  return expiresAt !== undefined && expiresAt > 0 && expiresAt * 1_000 <= nowMs;
}

function identityFault(info: TokenInfo, { appId, pageId }: WantedToken): TokenVerdict | undefined {
  if (info.type !== undefined && info.type !== 'PAGE') {
    return fault('unproven', 'TokenWrongType', `the token is of type ${info.type}, but a Page access token is required: ${NEW_TOKEN}`);
  }
  if (info.appId !== undefined && info.appId !== appId) {
    return fault('foreign', 'TokenWrongApp', `the token was created with the app ${info.appId}, not with ${appId}: ${NEW_TOKEN}`);
  }
  if (info.profileId !== undefined && info.profileId !== pageId) {
    return fault('foreign', 'TokenWrongPage', wrongPage(info.profileId, pageId));
  }
  return undefined;
}

/**
 * People's ids, and those of Pages in the address `profile.php?id=…`: another number than the
 * Page's id that Graph knows.
 */
const PROFILE_ID = /^(?:1000\d{11}|6\d{13})$/;

function wrongPage(tokenOf: string, pageId: string): string {
  if (PROFILE_ID.test(pageId)) {
    return `spec.pageId ${pageId} looks like the number in a profile's address; the token is that of the Page ${tokenOf}: recreate the object with pageId "${tokenOf}"`;
  }
  return `the token is that of the Page ${tokenOf}, not of ${pageId}: store the token of ${pageId} in the Secret, or recreate the object with pageId "${tokenOf}"`;
}

function grantFault(info: TokenInfo, { fields, pageId, appId }: WantedToken): TokenVerdict | undefined {
  const needed = requiredScopes(fields);
  const proof = proofOf(info, appId, pageId);
  const missing = needed.filter((scope) => !info.scopes.includes(scope) && !info.granularScopes.has(scope));
  if (missing.length > 0) {
    const fix = 'grant them with the Page, then ';
    return fault(proof, 'TokenMissingScopes', `the token lacks ${missing.join(' and ')}: ${fix}${NEW_TOKEN}`);
  }
  const without = needed.filter((scope) => info.granularScopes.get(scope)?.includes(pageId) === false);
  if (without.length === 0) return undefined;
  const message = `the Page ${pageId} is not among those granted for ${without.join(' and ')}: add it in the app's settings at facebook.com, then ${NEW_TOKEN}`;
  return fault(proof, 'PageNotGranted', message);
}

/**
 * Fields of conversations. Meta's text for a refused one names `pages_messaging`; for all others
 * `pages_manage_metadata`.
 */
const MESSAGING_FIELD = /^(?:messages$|messaging_|message_|standby$)/;

/**
 * The permissions that a token needs so that a Page can be subscribed to these fields. `leadgen` is
 * said to need `leads_retrieval` too, but that is not confirmed: Graph's own refusal would say so.
 */
export function requiredScopes(fields: readonly string[]): readonly string[] {
  const messaging = fields.some((field) => MESSAGING_FIELD.test(field));
  return messaging ? ['pages_manage_metadata', 'pages_messaging'] : ['pages_manage_metadata'];
}

function good(info: TokenInfo, { appId, pageId, nowMs }: WantedToken): TokenVerdict {
  const warning = expiryWarning(info.expiresAt, nowMs);
  const message = warning === undefined ? 'the token is good' : `the token is good, but ${warning}`;
  return { proof: proofOf(info, appId, pageId), reason: undefined, message };
}

function proofOf({ type, appId, profileId }: TokenInfo, wantedApp: string, wantedPage: string): Proof {
  return type === 'PAGE' && appId === wantedApp && profileId === wantedPage ? 'proven' : 'unproven';
}

function fault(proof: Proof, reason: PageReason, message: string): TokenVerdict {
  return { proof, reason, message };
}

const DAY_MS = 86_400_000;
/** The days ahead of an expiry at which the text changes, and with it the Event is recorded. */
export const WARN_DAYS = [1, 7, 30] as const;
export type WarnDays = (typeof WARN_DAYS)[number];

/**
 * The least of the thresholds within which the token ends; undefined: none. `expiresAt` in seconds,
 * 0 = never.
 */
export function expiresWithin(expiresAt: number | undefined, nowMs: number): WarnDays | undefined {
  if (expiresAt === undefined || expiresAt === 0) return undefined;
  const leftMs = expiresAt * 1_000 - nowMs;
  return WARN_DAYS.find((days) => leftMs <= days * DAY_MS);
}

/**
 * What to say about a token that dies soon; undefined for one that lives longer than 30 days.
 * `expiresAt` in seconds, 0 = never. The text stays the same between two of the thresholds.
 */
export function expiryWarning(expiresAt: number | undefined, nowMs: number): string | undefined {
  const within = expiresWithin(expiresAt, nowMs);
  if (expiresAt === undefined || within === undefined) return undefined;
  const on = `it expires on ${dayOf(expiresAt)}, within ${within === 1 ? 'a day' : `${within} days`}`;
  return within === 1
    ? `${on}: a token created from a short-lived user token does; create it from a long-lived one`
    : `${on}: create a new Page access token before then`;
}

/** The day in UTC, `2027-01-21`. Takes seconds. */
export function dayOf(seconds: number): string {
  return new Date(seconds * 1_000).toISOString().slice(0, 10);
}
