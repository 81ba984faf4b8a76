export const API_ROUTES = ['list', 'page', 'token', 'other'] as const;
export type ApiRoute = (typeof API_ROUTES)[number];

export const REVIEW_KINDS = ['token', 'access'] as const;
export type ReviewKind = (typeof REVIEW_KINDS)[number];

/**
 * How a question about a caller was answered: from the cache, by a review, without one because the
 * cluster did not sign the token (`forged`), or, when no review could be made, by an older answer
 * (`stale`) or not at all.
 */
export const REVIEW_RESULTS = ['cached', 'positive', 'negative', 'stale', 'unavailable', 'forged'] as const;
export type ReviewResult = (typeof REVIEW_RESULTS)[number];

/**
 * What the Pages API reports to its metrics. Both are called once an occurrence and must not throw.
 */
export interface PagesApiObserver {
  request(route: ApiRoute, status: number, seconds: number): void;
  review(kind: ReviewKind, result: ReviewResult): void;
}

export const silentPagesApiObserver: PagesApiObserver = { request: () => undefined, review: () => undefined };
