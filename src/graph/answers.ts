import { TransientError } from '../core/domain/errors.js';
import { asRecord, type JsonRecord } from '../kit/narrow.js';
import { asNumber, asText } from './json.js';

/*
 * Readers for good answers. An answer without the documented shape is no answer: each reader then throws a TransientError that
 * names the member, so nothing is decided by it. `where` is that name, such as `subscribed_apps.data`. It never holds a value.
 */

/** The error for an answer that does not have the documented shape. */
export function malformedAnswer(where: string, expected: string): TransientError {
  return new TransientError('GraphUnavailable', `Graph's answer is not as documented: ${where} is not ${expected}`);
}

/** @throws TransientError */
export function recordAt(value: unknown, where: string): JsonRecord {
  const record = asRecord(value);
  if (record === undefined) throw malformedAnswer(where, 'an object');
  return record;
}

/** @throws TransientError */
export function listAt(value: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(value)) throw malformedAnswer(where, 'a list');
  return value;
}

/** An id or a name. @throws TransientError, also for an empty text */
export function textAt(value: unknown, where: string): string {
  const text = asText(value);
  if (text === undefined || text === '') throw malformedAnswer(where, 'a text');
  return text;
}

/** @throws TransientError where any item is not a text */
export function textsAt(value: unknown, where: string): readonly string[] {
  return listAt(value, where).map((item) => textAt(item, `${where}[]`));
}

/** @throws TransientError. Graph writes some booleans as texts. */
export function booleanAt(value: unknown, where: string): boolean {
  if (value === true || value === 'true') return true;
  if (value === false || value === 'false') return false;
  throw malformedAnswer(where, 'a boolean');
}

/** @throws TransientError */
export function numberAt(value: unknown, where: string): number {
  const number = asNumber(value);
  if (number === undefined) throw malformedAnswer(where, 'a number');
  return number;
}

/**
 * Reads a member that Graph may leave out (or set to null): undefined then. @throws what `read`
 * throws
 */
export function optional<T>(value: unknown, where: string, read: (value: unknown, where: string) => T): T | undefined {
  return value === undefined || value === null ? undefined : read(value, where);
}

/**
 * The rows of an edge, each an object. An edge with nothing on it answers `{"data":[]}`. @throws
 * TransientError
 */
export function rowsOf(body: unknown, edge: string): readonly JsonRecord[] {
  const rows = listAt(recordAt(body, edge)['data'], `${edge}.data`);
  return rows.map((row) => recordAt(row, `${edge}.data[]`));
}

/**
 * For writes: Graph answers `{"success":true}`, in its documentation also `"true"`.
 * @throws TransientError for anything else.
 */
export function requireSuccess(body: unknown): void {
  const success = asRecord(body)?.['success'];
  if (body === true || success === true || success === 'true') return;
  throw new TransientError('GraphUnavailable', 'Graph did not confirm the change');
}
