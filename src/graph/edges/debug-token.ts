import type { AppCredentials, GraphCallOptions, TokenInfo } from '../../core/ports/graph.js';
import type { Redactor } from '../../core/secrets/redact.js';
import type { Secret } from '../../core/secrets/secret.js';
import type { JsonRecord } from '../../kit/narrow.js';
import { booleanAt, listAt, numberAt, optional, recordAt, textAt, textsAt } from '../answers.js';
import { appCall } from '../call.js';
import type { GraphCaller } from '../caller.js';
import { secretsOf } from '../credentials.js';
import { asNumber, asText } from '../json.js';

/** Graph gives a dozen scopes; more than this is not an answer. */
const MAX_SCOPES = 200;
/** Scopes stand in the status: nothing but a name gets there. */
const SCOPE = /^[a-z][a-z0-9_]{0,99}$/;

/**
 * `GET /debug_token`, as the app: what Graph knows about a token. A dead token of our app is an
 * answer (`isValid` false and `error`), not a failure; a token of another app is a TerminalError
 * (`TokenWrongApp`).
 */
export function inspectToken(
  deps: { readonly caller: GraphCaller; readonly redactor: Redactor },
  app: AppCredentials,
  token: Secret,
  options: GraphCallOptions,
): Promise<TokenInfo> {
  return deps.caller.call(appCall('inspect_token', app, { input_token: token }, options), (body) => {
    const data = recordAt(recordAt(body, 'debug_token')['data'], 'debug_token.data');
    return readTokenInfo(data, (text) => deps.redactor.text(text, [token, ...secretsOf({ app, token }), ...secretsOf({ app })]));
  });
}

function readTokenInfo(data: JsonRecord, redact: (text: string) => string): TokenInfo {
  const isValid = booleanAt(data['is_valid'], where('is_valid'));
  if (isValid) requireIdentity(data);
  const type = optional(data['type'], where('type'), textAt);
  return {
    isValid,
    // Shown in a condition where it is not the right one.
    type: type === undefined ? undefined : redact(type),
    appId: optional(data['app_id'], where('app_id'), textAt),
    profileId: optional(data['profile_id'], where('profile_id'), textAt),
    expiresAt: optional(data['expires_at'], where('expires_at'), numberAt),
    dataAccessExpiresAt: optional(data['data_access_expires_at'], where('data_access_expires_at'), numberAt),
    scopes: (optional(data['scopes'], where('scopes'), textsAt) ?? []).filter((scope) => SCOPE.test(scope)).slice(0, MAX_SCOPES),
    granularScopes: granularScopes(data['granular_scopes']),
    error: readError(optional(data['error'], where('error'), recordAt), redact),
  };
}

/** What Graph says of every live token. Of a dead one it may leave out all of this. */
function requireIdentity(data: JsonRecord): void {
  textAt(data['app_id'], where('app_id'));
  const type = textAt(data['type'], where('type'));
  if (type === 'PAGE') textAt(data['profile_id'], where('profile_id'));
  textsAt(data['scopes'], where('scopes'));
}

function where(member: string): string {
  return `debug_token.data.${member}`;
}

/**
 * A scope without `target_ids` stays undefined: Graph leaves them out where all assets are granted,
 * and at times where not.
 */
function granularScopes(value: unknown): ReadonlyMap<string, readonly string[] | undefined> {
  const items = optional(value, where('granular_scopes'), listAt) ?? [];
  return new Map(
    items.slice(0, MAX_SCOPES).map((item) => {
      const record = recordAt(item, where('granular_scopes[]'));
      const targets = optional(record['target_ids'], where('granular_scopes[].target_ids'), textsAt);
      return [textAt(record['scope'], where('granular_scopes[].scope')), targets];
    }),
  );
}

function readError(error: JsonRecord | undefined, redact: (text: string) => string): TokenInfo['error'] {
  if (error === undefined) return undefined;
  return {
    code: asNumber(error['code']) ?? 0,
    subcode: asNumber(error['subcode']) ?? asNumber(error['error_subcode']),
    message: redact(asText(error['message']) ?? ''),
  };
}
