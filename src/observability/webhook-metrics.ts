import type { Counter, Histogram, Registry } from 'prom-client';
import type { Channel } from '../core/page-route.js';
import { closedCounter, closedHistogram } from './closed-series.js';

export const HANDSHAKE_RESULTS = ['verified', 'refused', 'malformed'] as const;
export const WEBHOOK_REFUSALS = [
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
export const WEBHOOK_IGNORED = [
  'not_json',
  'too_many_entries',
  'too_many_items',
  'no_object',
  'no_entry',
  'instagram',
  'other_object',
] as const;
export const WEBHOOK_ENTRY_RESULTS = [
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
  'given_up',
  'unknown_page_watch_stale',
  'claim_undecided',
  'backend_unresolved',
] as const;
export const CHANNELS = ['messaging', 'standby', 'changes', 'none'] as const satisfies readonly (Channel | 'none')[];

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 4, 5];

/** Metrics of the public edge. App ids that the edge tells are not shown: labels are closed sets. */
export class WebhookMetrics {
  readonly #handshakes: Counter<'result'>;
  readonly #refused: Counter<'why'>;
  readonly #verified: Counter;
  readonly #bytes: Counter;
  readonly #ignored: Counter<'why'>;
  readonly #entries: Counter<'result'>;
  readonly #items: Counter<'channel'>;
  readonly #answers: Counter<'status'>;
  readonly #seconds: Histogram<'status'>;

  constructor(registry: Registry) {
    const counter = <const L extends Readonly<Record<string, readonly string[]>>>(name: string, help: string, labels: L) =>
      closedCounter({ registry, name: `messenger_webhook_${name}`, help }, labels);
    this.#handshakes = counter('handshakes_total', 'GETs of the verification handshake.', { result: HANDSHAKE_RESULTS });
    this.#refused = counter('refused_total', 'Requests answered without their content being looked at.', { why: WEBHOOK_REFUSALS });
    this.#verified = counter('verified_total', 'POSTs whose signature verified.', {});
    this.#bytes = counter('verified_bytes_total', 'Bytes of the bodies of verified POSTs.', {});
    this.#ignored = counter('ignored_total', 'Verified POSTs answered 200 with no entry looked at.', { why: WEBHOOK_IGNORED });
    this.#entries = counter('entries_total', 'Entries of verified POSTs by what became of them.', { result: WEBHOOK_ENTRY_RESULTS });
    this.#items = counter('items_total', 'Items of routed entries by where in the entry they were.', { channel: CHANNELS });
    this.#answers = counter('answers_total', 'Answers to verified POSTs.', { status: ['200', '503'] });
    const answered = {
      registry,
      name: 'messenger_webhook_answer_duration_seconds',
      help: "From a verified POST's last byte to its answer. Meta waits 5 s.",
    };
    this.#seconds = closedHistogram(answered, { status: ['200', '503'] }, SECONDS);
  }

  handshake(result: (typeof HANDSHAKE_RESULTS)[number]): void {
    this.#handshakes.inc({ result });
  }

  refused(why: (typeof WEBHOOK_REFUSALS)[number]): void {
    this.#refused.inc({ why });
  }

  verified(_appId: string, bytes: number): void {
    this.#verified.inc();
    this.#bytes.inc(bytes);
  }

  ignored(_appId: string, why: (typeof WEBHOOK_IGNORED)[number]): void {
    this.#ignored.inc({ why });
  }

  entry(_appId: string, result: (typeof WEBHOOK_ENTRY_RESULTS)[number]): void {
    this.#entries.inc({ result });
  }

  items(_appId: string, channel: Channel | 'none', count: number): void {
    this.#items.inc({ channel }, count);
  }

  answered(_appId: string, status: 200 | 503, ms: number): void {
    this.#answers.inc({ status: status === 200 ? '200' : '503' });
    this.#seconds.observe({ status: status === 200 ? '200' : '503' }, ms / 1_000);
  }
}
