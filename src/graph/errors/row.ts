import type { OperatorError } from '../../core/domain/errors.js';
import type { GraphOperation } from '../operations.js';

type Reason = OperatorError['reason'];
export type GraphDisposition = 'transient' | 'wait' | 'terminal' | 'app-credential';
export type HttpClass = '2xx' | '3xx' | '4xx' | '5xx';

/**
 * One row: what to do about an error that Graph answered. A part of the key that is left out
 * matches everything. The first matching row of the table wins. `prefix` (how the message begins
 * after its `(#code)`) only ever chooses between reasons: a row with one is followed by a row of
 * the same key without one and with the same disposition (a test holds this).
 */
export interface CatalogueRow {
  readonly on?: readonly GraphOperation[];
  readonly http?: HttpClass;
  readonly type?: string;
  /** Codes, or first and last of a range. */
  readonly codes?: readonly (number | readonly [number, number])[];
  /** `none`: only without a subcode. */
  readonly subcodes?: readonly (number | 'none')[];
  readonly prefix?: string;
  readonly disposition: GraphDisposition;
  /** Of `wait`: whose calls wait. */
  readonly scope?: 'app' | 'page';
  readonly reason: Reason;
  /** What is wrong, for a user. */
  readonly says: string;
  /** What to do about it. */
  readonly fix: string;
}
