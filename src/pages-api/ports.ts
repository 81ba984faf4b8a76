import type { PageEntry } from '../core/page-directory.js';
import type { Secret } from '../core/secret.js';

/** Who calls, as a TokenReview says. */
export interface Caller {
  readonly username: string;
  readonly uid?: string | undefined;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** What a caller wants, as a SubjectAccessReview asks it. No namespace: in all of them. */
export interface Access {
  readonly verb: 'get' | 'list' | 'create';
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
}

export interface Authenticator {
  /** undefined: nobody we know. Throws when that cannot be found out right now. */
  authenticate(token: Secret, signal: AbortSignal): Promise<Caller | undefined>;
}

export interface Authorizer {
  /** Throws when it cannot be found out right now. */
  authorize(caller: Caller, access: Access, signal: AbortSignal): Promise<boolean>;
  /** Where it is there: which pages of a list that is allowed the caller is shown. Asked from memory, never waits. */
  sees?(caller: Caller, entry: PageEntry): boolean;
}

export const API_ROUTES = ['list', 'page', 'token', 'other'] as const;
export type ApiRoute = (typeof API_ROUTES)[number];

export const REVIEW_KINDS = ['token', 'access'] as const;
export type ReviewKind = (typeof REVIEW_KINDS)[number];

/**
 * How a question about a caller was answered: from the cache, by a review, or, when no review was to be had, by an older
 * answer (`stale`) or not at all.
 */
export const REVIEW_RESULTS = ['cached', 'positive', 'negative', 'stale', 'unavailable'] as const;
export type ReviewResult = (typeof REVIEW_RESULTS)[number];

/** What the Pages API tells its metrics. Both are called once an occurrence and must not throw. */
export interface PagesApiObserver {
  request(route: ApiRoute, status: number, seconds: number): void;
  review(kind: ReviewKind, result: ReviewResult): void;
}

export const silentObserver: PagesApiObserver = { request: () => undefined, review: () => undefined };
