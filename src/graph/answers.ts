import { TransientError } from '../core/domain/errors.js';
import { asArray, asRecord } from './json.js';

/**
 * For writes: Graph says `{"success":true}`, in its documentation also `"true"`.
 * @throws TransientError where it says anything else.
 */
export function requireSuccess(body: unknown): void {
  const success = asRecord(body)?.['success'];
  if (body === true || success === true || success === 'true') return;
  throw new TransientError('GraphUnavailable', 'Graph did not confirm the change');
}

/** The rows of an edge. An edge with nothing on it may come without `data`. @throws TransientError for what is no object. */
export function rows(body: unknown, edge: string): readonly unknown[] {
  const record = asRecord(body);
  if (record === undefined) throw new TransientError('GraphUnavailable', `Graph's answer for ${edge} is not an object`);
  return asArray(record['data']);
}
