// What the parts of the operator tell their metrics with: closed sets, each in one place for who tells and who counts.

import { type KindPlural, KINDS } from '../../api/kinds.js';

/** How a reconcile ended; the closed set of the metric's label. */
export const RECONCILE_OUTCOMES = ['success', 'requeue_after', 'requeue', 'error', 'terminal', 'rate_limited', 'aborted'] as const;
export type ReconcileOutcome = (typeof RECONCILE_OUTCOMES)[number];

const WATCHED_CORE = ['secrets', 'configmaps', 'services', 'namespaces'] as const;
/** What is watched, by the plural of its resource: every kind of ours, and the core resources that they refer to. */
export type Watched = KindPlural | (typeof WATCHED_CORE)[number];
export const WATCHED: readonly Watched[] = [...KINDS.map(({ plural }) => plural).sort(), ...WATCHED_CORE];

/** What happens to a reflector: the closed set of the metric's label. */
export const REFLECTOR_EVENTS = [
  'list',
  'list_failed',
  'reset',
  'watch',
  'watch_failed',
  'event',
  'bookmark',
  'bad_line',
  'error_event',
  'silent',
  'expired',
  'forbidden',
] as const;
export type ReflectorEvent = (typeof REFLECTOR_EVENTS)[number];

/** Every way in which Graph is called: the first part of the error catalogue's key and a label of the metrics. */
export const GRAPH_OPERATIONS = [
  'inspect_token',
  'page_info',
  'observe',
  'subscribe',
  'unsubscribe',
  'unsubscribe_as_app',
  'app_subscriptions',
  'subscribe_app',
  'batch',
] as const;
export type GraphOperation = (typeof GRAPH_OPERATIONS)[number];

/** What a call came to. `blocked`: not sent, because Graph had asked for rest or refused the app's credential. */
export const GRAPH_RESULTS = ['success', 'transient', 'wait', 'terminal', 'app-credential', 'blocked', 'aborted'] as const;
export type GraphResult = (typeof GRAPH_RESULTS)[number];

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

/** What finally became of an item; `unavailable` is not final: Meta was asked to come again. */
export const ITEM_RESULTS = ['accepted', 'refused', 'dropped', 'not_accepted_by_spec', 'duplicate', 'unavailable'] as const;
export type ItemResult = (typeof ITEM_RESULTS)[number];

/** Why a part could not be delivered now. */
export const UNAVAILABLE_WHYS = [
  'timeout',
  'connect',
  'reset',
  'dns',
  'address_refused',
  'bad_target',
  'status',
  'refusals_not_trusted',
  'circuit_open',
  'earlier_event_failed',
  'out_of_time',
  'lane_full',
  'over_limit',
  'draining',
] as const;
export type UnavailableWhy = (typeof UNAVAILABLE_WHYS)[number];

export const ALERTS = ['dropped', 'refuses_everything', 'address_refused'] as const;
export type Alert = (typeof ALERTS)[number];

export const API_ROUTES = ['list', 'page', 'token', 'other'] as const;
export type ApiRoute = (typeof API_ROUTES)[number];

export const REVIEW_KINDS = ['token', 'access'] as const;
export type ReviewKind = (typeof REVIEW_KINDS)[number];

/**
 * How a question about a caller was answered: from the cache, by a review, or, when no review was to be had, by an older
 * answer (`stale`) or not at all.
 */
export const REVIEW_RESULTS = ['cached', 'positive', 'negative', 'stale', 'unavailable'] as const;
export type ReviewResult = (typeof REVIEW_RESULTS)[number];

/** Why a key is queued: the one served first in front. */
export const QUEUE_CLASSES = ['change', 'retry', 'background'] as const;
export type QueueClass = (typeof QUEUE_CLASSES)[number];
