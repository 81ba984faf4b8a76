import { TransientError } from '../../core/domain/errors.js';
import type { AppCredentials, GraphCallOptions, TokenInfo } from '../../core/ports/graph.js';
import type { Redactor } from '../../core/secrets/redact.js';
import type { Secret } from '../../core/secrets/secret.js';
import { appCall } from '../call.js';
import type { GraphCaller } from '../caller.js';
import { secretsOf } from '../credentials.js';
import { asArray, asNumber, asRecord, asText, asTexts } from '../json.js';

type Fields = Readonly<Record<string, unknown>>;

/** Graph gives a dozen scopes; more than this is not an answer. */
const MAX_SCOPES = 200;
/** Scopes stand in the status: nothing but a name gets there. */
const SCOPE = /^[a-z][a-z0-9_]{0,99}$/;

/**
 * `GET /debug_token`, as the app: what Graph knows about a token. A dead token of our app is an answer (`isValid` false and
 * `error`), not a failure; a token of another app is a TerminalError (`TokenWrongApp`).
 */
export function inspectToken(
  deps: { readonly caller: GraphCaller; readonly redactor: Redactor },
  app: AppCredentials,
  token: Secret,
  options: GraphCallOptions,
): Promise<TokenInfo> {
  return deps.caller.call(appCall('inspect_token', app, { input_token: token }, options), (body) => {
    const data = asRecord(asRecord(body)?.['data']);
    if (data === undefined) throw new TransientError('GraphUnavailable', "Graph's answer for debug_token has no data");
    return readTokenInfo(data, (text) => deps.redactor.text(text, [token, ...secretsOf({ app, token }), ...secretsOf({ app })]));
  });
}

function readTokenInfo(data: Fields, redact: (text: string) => string): TokenInfo {
  const type = asText(data['type']);
  return {
    isValid: data['is_valid'] === true,
    // Said in a condition when it is not the right one.
    type: type === undefined ? undefined : redact(type),
    appId: asText(data['app_id']),
    profileId: asText(data['profile_id']),
    expiresAt: asNumber(data['expires_at']),
    dataAccessExpiresAt: asNumber(data['data_access_expires_at']),
    scopes: asTexts(data['scopes'])
      .filter((scope) => SCOPE.test(scope))
      .slice(0, MAX_SCOPES),
    granularScopes: granularScopes(data['granular_scopes']),
    error: readError(asRecord(data['error']), redact),
  };
}

/** A scope without `target_ids` stays undefined: Graph leaves them out where all assets are granted, and at times where not. */
function granularScopes(value: unknown): ReadonlyMap<string, readonly string[] | undefined> {
  const scopes = new Map<string, readonly string[] | undefined>();
  for (const item of asArray(value).slice(0, MAX_SCOPES)) {
    const record = asRecord(item);
    const scope = asText(record?.['scope']);
    if (scope === undefined) continue;
    const ids = record?.['target_ids'];
    scopes.set(scope, Array.isArray(ids) ? asTexts(ids) : undefined);
  }
  return scopes;
}

function readError(error: Fields | undefined, redact: (text: string) => string): TokenInfo['error'] {
  if (error === undefined) return undefined;
  return {
    code: asNumber(error['code']) ?? 0,
    subcode: asNumber(error['subcode']) ?? asNumber(error['error_subcode']),
    message: redact(asText(error['message']) ?? ''),
  };
}
