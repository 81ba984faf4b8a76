/** An answer before it is sent. The body is JSON. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

const RETRY_AFTER = { 'retry-after': '2' };

function refusal(
  status: number,
  error: { readonly message: string; readonly type: string; readonly code: number; readonly error_subcode?: number },
  headers = {},
): Answer {
  return { status, headers: { 'cache-control': 'no-store', ...headers }, body: { error } };
}

/** Refusals in Graph's error shape, so that a client of Graph reads them as it reads Graph's. */
export const refusals = {
  invalid: (message: string): Answer => refusal(400, { message, type: 'GraphMethodException', code: 100 }),
  unauthenticated: (): Answer =>
    refusal(
      401,
      { message: 'A valid ServiceAccount token for the Pages API is needed', type: 'OAuthException', code: 190 },
      { 'www-authenticate': 'Bearer' },
    ),
  tokenForbidden: (): Answer =>
    refusal(403, {
      message: 'The caller may read this page but not its token (get messengerpages/token)',
      type: 'OAuthException',
      code: 200,
    }),
  /** The one answer to what is not there and to what is not for the caller. */
  notFound: (): Answer =>
    refusal(404, { message: 'There is nothing here that the caller may read', type: 'GraphMethodException', code: 100, error_subcode: 33 }),
  method: (): Answer =>
    refusal(405, { message: 'Only GET is possible here', type: 'GraphMethodException', code: 100 }, { allow: 'GET, HEAD' }),
  ambiguous: (appIds: readonly string[]): Answer =>
    refusal(409, {
      message: `Several apps have this page: say which one with appId (${appIds.join(', ')})`,
      type: 'GraphMethodException',
      code: 100,
    }),
  failed: (): Answer => refusal(500, { message: 'An unexpected error occurred', type: 'OAuthException', code: 1 }),
  notNow: (message: string): Answer => refusal(503, { message, type: 'OAuthException', code: 2 }, RETRY_AFTER),
} as const;
