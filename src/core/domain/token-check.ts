import type { PageReason } from '../../api/v1alpha1/conditions.js';
import type { TokenInfo } from '../ports/graph.js';
import { requiredScopes } from './scopes.js';

/**
 * What a token proves about a claim. `proven`: Graph says it is a live PAGE token of this page and this app. `foreign`: of another
 * page or app. `dead`: expired or invalidated. `unproven`: none of these is known.
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
}

const FRESH = 'make a new Page access token and put it into the Secret';
const DEAD: Readonly<Record<number, string>> = {
  458: 'the person who granted it has removed the app',
  459: 'the person who granted it has to pass a check at facebook.com',
  460: 'the person who granted it has changed the password',
  464: 'the person who granted it is not a confirmed user',
  467: 'it was invalidated',
  492: 'the person who granted it has lost the role on the Page',
};

/** Judges what `debug_token` said. The first fault counts, in the order in which they would have to be mended. */
export function checkToken(info: TokenInfo, wanted: WantedToken): TokenVerdict {
  return aliveFault(info, wanted.nowMs) ?? identityFault(info, wanted) ?? grantFault(info, wanted) ?? good(info, wanted);
}

function aliveFault(info: TokenInfo, nowMs: number): TokenVerdict | undefined {
  const over = isOver(info.expiresAt, nowMs);
  if (info.isValid && !over) return undefined;
  if (over || info.error?.subcode === 463) return fault('dead', 'TokenExpired', `the token has expired: ${FRESH}`);
  const why = DEAD[info.error?.subcode ?? 0] ?? 'it is not valid (any more)';
  return fault('dead', 'TokenInvalidated', `Graph refuses the token, ${why}: ${FRESH}`);
}

function isOver(expiresAt: number | undefined, nowMs: number): boolean {
  return expiresAt !== undefined && expiresAt > 0 && expiresAt * 1_000 <= nowMs;
}

function identityFault(info: TokenInfo, { appId, pageId }: WantedToken): TokenVerdict | undefined {
  if (info.type !== undefined && info.type !== 'PAGE') {
    return fault('unproven', 'TokenWrongType', `the token is of type ${info.type}, a Page access token is needed: ${FRESH}`);
  }
  if (info.appId !== undefined && info.appId !== appId) {
    return fault('foreign', 'TokenWrongApp', `the token was made with the app ${info.appId}, not with ${appId}: ${FRESH}`);
  }
  if (info.profileId !== undefined && info.profileId !== pageId) {
    return fault('foreign', 'TokenWrongPage', wrongPage(info.profileId, pageId));
  }
  return undefined;
}

/** People's ids, and those of Pages in the address `profile.php?id=…`: another number than the Page's id that Graph knows. */
const PROFILE_ID = /^(?:1000\d{11}|6\d{13})$/;

function wrongPage(tokenOf: string, pageId: string): string {
  if (PROFILE_ID.test(pageId)) {
    return `spec.pageId ${pageId} looks like the number in a profile's address; the token is that of the Page ${tokenOf}: make the object anew with pageId "${tokenOf}"`;
  }
  return `the token is that of the Page ${tokenOf}, not of ${pageId}: put the token of ${pageId} into the Secret, or make the object anew with pageId "${tokenOf}"`;
}

function grantFault(info: TokenInfo, { fields, pageId, appId }: WantedToken): TokenVerdict | undefined {
  const needed = requiredScopes(fields);
  const proof = proofOf(info, appId, pageId);
  const missing = needed.filter((scope) => !info.scopes.includes(scope) && !info.granularScopes.has(scope));
  if (missing.length > 0) {
    const fix = 'grant them with the Page, then ';
    return fault(proof, 'TokenMissingScopes', `the token lacks ${missing.join(' and ')}: ${fix}${FRESH}`);
  }
  const without = needed.filter((scope) => info.granularScopes.get(scope)?.includes(pageId) === false);
  if (without.length === 0) return undefined;
  const message = `the Page ${pageId} is not among those granted for ${without.join(' and ')}: add it in the app's settings at facebook.com, then ${FRESH}`;
  return fault(proof, 'PageNotGranted', message);
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
/** The days ahead of an expiry at which the text changes, and with it the Event is told. */
export const WARN_DAYS = [1, 7, 30] as const;
export type WarnDays = (typeof WARN_DAYS)[number];

/** The least of the thresholds within which the token ends; undefined: none. `expiresAt` in seconds, 0 = never. */
export function expiresWithin(expiresAt: number | undefined, nowMs: number): WarnDays | undefined {
  if (expiresAt === undefined || expiresAt === 0) return undefined;
  const leftMs = expiresAt * 1_000 - nowMs;
  return WARN_DAYS.find((days) => leftMs <= days * DAY_MS);
}

/**
 * What to say about a token that dies soon; undefined for one that lives longer than 30 days. `expiresAt` in seconds, 0 = never.
 * The text stays the same between two of the thresholds.
 */
export function expiryWarning(expiresAt: number | undefined, nowMs: number): string | undefined {
  const within = expiresWithin(expiresAt, nowMs);
  if (expiresAt === undefined || within === undefined) return undefined;
  const on = `it expires on ${dayOf(expiresAt)}, within ${within === 1 ? 'a day' : `${within} days`}`;
  return within === 1
    ? `${on}: a token made from a short-lived user token does; make it from a long-lived one`
    : `${on}: make a new Page access token before`;
}

/** The day in UTC, `2027-01-21`. Takes seconds. */
export function dayOf(seconds: number): string {
  return new Date(seconds * 1_000).toISOString().slice(0, 10);
}
