import { AppCredentialError, RateLimitedError, TerminalError, TransientError, type OperatorError } from '../../core/domain/errors.js';
import { asRecord } from '../../kit/narrow.js';
import { asNumber, asText } from '../json.js';
import type { WireResponse } from '../transport.js';
import type { CatalogueRow } from './row.js';
import type { GraphErrorBody, GraphFailure } from './lookup.js';

/**
 * What an answer says about a failure, or undefined for a good one. An `error` counts at any status
 * (Graph has sent some with 200); a status of 300 and more counts without one; so does an answer
 * that is not JSON.
 */
export function failureIn({ status, body }: Pick<WireResponse, 'status' | 'body'>): GraphErrorBody | undefined {
  const record = asRecord(body);
  const told = record === undefined ? undefined : (nested(record) ?? flat(record));
  if (told !== undefined) return told;
  if (status >= 300) return { message: `HTTP ${status} without an error of Graph's`, type: undefined, code: undefined, subcode: undefined };
  if (body === undefined) return { message: `HTTP ${status}, not JSON`, type: undefined, code: undefined, subcode: undefined };
  return undefined;
}

/**
 * `{"error": {message, type, code, error_subcode}}`; debug_token and some others write `subcode`.
 */
function nested(record: Readonly<Record<string, unknown>>): GraphErrorBody | undefined {
  if (record['error'] === undefined || record['error'] === null) return undefined;
  const error = asRecord(record['error']) ?? {};
  return {
    message: asText(error['message']) ?? asText(record['error_description']) ?? asText(record['error']) ?? '',
    type: asText(error['type']),
    code: asNumber(error['code']),
    subcode: asNumber(error['error_subcode']) ?? asNumber(error['subcode']),
  };
}

/**
 * `{"error_code", "error_description"}` (a whole batch) and `{"error_type", "code",
 * "error_message"}` (OAuth endpoints).
 */
function flat(record: Readonly<Record<string, unknown>>): GraphErrorBody | undefined {
  const message = asText(record['error_description']) ?? asText(record['error_message']);
  const code = asNumber(record['error_code']) ?? (message === undefined ? undefined : asNumber(record['code']));
  if (code === undefined && message === undefined) return undefined;
  return { message: message ?? '', type: asText(record['error_type']), code, subcode: asNumber(record['error_subcode']) };
}

export interface ErrorDetails {
  /** Graph's own words, redacted and cut. */
  readonly graphText: string;
  /** The next two count only for a throttle: how long, and whose calls wait. */
  readonly retryAfterMs: number;
  readonly scope: 'app' | 'page';
}

/**
 * The error that the caller gets: our sentence with the fix as its message, and Graph's number and
 * words apart.
 */
export function toOperatorError(row: CatalogueRow, failure: GraphFailure, details: ErrorDetails): OperatorError {
  const message = `${row.says}: ${row.fix}`;
  const graph = { graphText: numbered(failure, details.graphText), graphCode: failure.code };
  switch (row.disposition) {
    case 'transient':
      return new TransientError(row.reason, message, graph);
    case 'terminal':
      return new TerminalError(row.reason, message, { ...graph, refusedIndex: refusedIndexIn(failure.message) });
    case 'app-credential':
      return new AppCredentialError(row.reason, message, graph);
    case 'wait':
      return new RateLimitedError(message, details.retryAfterMs, { ...graph, scope: details.scope });
  }
}

/** Graph names the first bad item of a list: `Param fields[3] must be one of …`. */
function refusedIndexIn(message: string): number | undefined {
  const index = /^(?:\(#\d+\) )?Param (?:subscribed_)?fields\[(\d{1,3})\] must be one of/.exec(message)?.[1];
  return index === undefined ? undefined : Number(index);
}

function numbered({ code, subcode, status }: GraphFailure, text: string): string {
  const number = code === undefined ? `HTTP ${status}` : `${code}${subcode === undefined ? '' : `/${subcode}`}`;
  return text === '' ? `Graph ${number}` : `Graph ${number}: ${text}`;
}
