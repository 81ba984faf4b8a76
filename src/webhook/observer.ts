import type { Channel } from '../core/domain/event.js';

/** Why a request was answered without its content being looked at. */
export const REFUSALS = [
  'bad_request',
  'not_synced',
  'no_app',
  'method',
  'draining',
  'over_in_flight',
  'no_signature',
  'too_large',
  'unverified_budget',
  'too_slow',
  'cut_off',
  'bad_signature',
  'secret_not_loaded',
] as const;
export type Refusal = (typeof REFUSALS)[number];

/** Why a signed POST was answered 200 without an entry of it being looked at. */
export const IGNORED = ['not_json', 'too_many_entries', 'too_many_items', 'no_object', 'no_entry', 'instagram', 'other_object'] as const;
export type Ignored = (typeof IGNORED)[number];

/** What became of one entry of a signed POST. The last five lead to a 503. */
export const ENTRY_RESULTS = [
  'routed',
  'no_page_id',
  'not_an_object',
  'empty',
  'unknown_page',
  'unknown_page_watch_lost',
  'claim_lost',
  'consent_withdrawn',
  'no_backend',
  'backend_not_allowed',
  'dropped',
  'unknown_page_watch_stale',
  'claim_undecided',
  'backend_unresolved',
] as const;
export type EntryResult = (typeof ENTRY_RESULTS)[number];

export const HANDSHAKES = ['verified', 'refused', 'malformed'] as const;
export type Handshake = (typeof HANDSHAKES)[number];

/**
 * Counts what the public listener does. Label values are closed unions and app ids, never page ids.
 */
export interface WebhookObserver {
  handshake(result: Handshake): void;
  /** A POST on the path of an app arrived; nothing else is known of it yet. */
  received(): void;
  refused(why: Refusal): void;
  /** A POST whose signature verified. */
  verified(appId: string, bytes: number): void;
  ignored(appId: string, why: Ignored): void;
  entry(appId: string, result: EntryResult): void;
  /** `channel`: `none` for an entry without a list. */
  items(appId: string, channel: Channel, count: number): void;
  /** A verified POST was answered, `ms` after its last byte. */
  answered(appId: string, status: 200 | 503, ms: number): void;
}
