import type { GraphOperation } from '../operations.js';
import type { CatalogueRow, HttpClass } from './row.js';
import { ERROR_CATALOGUE } from './catalogue.js';

/**
 * What Graph said about a failure, whatever envelope it came in. The message is raw: redact before
 * showing.
 */
export interface GraphErrorBody {
  readonly message: string;
  readonly type: string | undefined;
  readonly code: number | undefined;
  readonly subcode: number | undefined;
}

export interface GraphFailure extends GraphErrorBody {
  readonly operation: GraphOperation;
  readonly status: number;
}

/** The first row that matches; the last row matches everything. */
export function lookUp(failure: GraphFailure): CatalogueRow {
  const row = ERROR_CATALOGUE.find((candidate) => matches(candidate, failure));
  if (row === undefined) throw new Error('the error catalogue has no default row');
  return row;
}

function matches(row: CatalogueRow, failure: GraphFailure): boolean {
  return (
    (row.on === undefined || row.on.includes(failure.operation)) &&
    (row.http === undefined || row.http === httpClass(failure.status)) &&
    (row.type === undefined || row.type === failure.type) &&
    matchesCode(row, failure.code) &&
    matchesSubcode(row, failure.subcode) &&
    (row.prefix === undefined || bare(failure.message).startsWith(row.prefix))
  );
}

function matchesCode({ codes }: CatalogueRow, code: number | undefined): boolean {
  if (codes === undefined) return true;
  if (code === undefined) return false;
  return codes.some((wanted) => (typeof wanted === 'number' ? wanted === code : code >= wanted[0] && code <= wanted[1]));
}

function matchesSubcode({ subcodes }: CatalogueRow, subcode: number | undefined): boolean {
  return subcodes === undefined || subcodes.includes(subcode ?? 'none');
}

/** The message without its `(#code) `, which Graph writes in front of most. */
function bare(message: string): string {
  return message.replace(/^\(#\d+\)\s*/, '');
}

function httpClass(status: number): HttpClass {
  if (status >= 500) return '5xx';
  if (status >= 400) return '4xx';
  return status >= 300 ? '3xx' : '2xx';
}
