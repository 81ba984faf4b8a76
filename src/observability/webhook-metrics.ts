import type { Registry } from 'prom-client';
import {
  ENTRY_RESULTS,
  HANDSHAKES,
  IGNORED,
  REFUSALS,
  type EntryResult,
  type Handshake,
  type Ignored,
  type Refusal,
  type WebhookObserver,
} from '../webhook/observer.js';
import type { Channel } from '../core/domain/event.js';
import { distributions, tallies, talliesBy, talliesPerApp, talliesPerAppBy, type Distribution, type PerApp, type Tally } from './tally.js';

/** `other`: a list that is newer than this operator. `none`: the entry itself. */
export const CHANNELS = ['messaging', 'standby', 'changes', 'calls', 'other', 'none'] as const;
export type ChannelLabel = (typeof CHANNELS)[number];
const LABELS: ReadonlySet<string> = new Set(CHANNELS);

export function channelLabel(channel: Channel): ChannelLabel {
  return LABELS.has(channel) ? (channel as ChannelLabel) : 'other';
}

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 4, 5];

/** Metrics of the public edge. Labels are closed sets, and of apps the first fifty; never pages. */
export class WebhookMetrics implements WebhookObserver {
  readonly #handshakes: Readonly<Record<Handshake, Tally>>;
  readonly #refused: Readonly<Record<Refusal, Tally>>;
  readonly #received: Tally;
  readonly #verified: PerApp<Tally>;
  readonly #bytes: Tally;
  readonly #ignored: PerApp<Readonly<Record<Ignored, Tally>>>;
  readonly #entries: PerApp<Readonly<Record<EntryResult, Tally>>>;
  readonly #items: PerApp<Readonly<Record<(typeof CHANNELS)[number], Tally>>>;
  readonly #answers: Readonly<Record<'200' | '503', Tally>>;
  /** Of 200 and of 503. */
  readonly #seconds: readonly Distribution[];

  constructor(registry: Registry) {
    const described = (name: string, help: string) => ({ registry, name: `messenger_webhook_${name}`, help });
    this.#handshakes = talliesBy(described('handshakes_total', 'GET requests of the verification handshake.'), 'result', HANDSHAKES);
    this.#refused = talliesBy(described('refused_total', 'Requests refused before their content was read.'), 'reason', REFUSALS);
    this.#received = tallies(described('received_total', "POSTs on an app's path, with any outcome."), {})();
    const verified = described('verified_total', 'POSTs with a valid signature.');
    this.#verified = talliesPerApp(verified, {}, (tallyOf) => tallyOf({}));
    this.#bytes = tallies(described('verified_bytes_total', 'Bytes of the bodies of verified POSTs.'), {})();
    this.#ignored = talliesPerAppBy(described('ignored_total', 'Verified POSTs answered with 200 and not delivered.'), 'reason', IGNORED);
    this.#entries = talliesPerAppBy(described('entries_total', 'Entries of verified POSTs by result.'), 'result', ENTRY_RESULTS);
    this.#items = talliesPerAppBy(
      described('items_total', 'Items of routed entries by the list of the entry that held them.'),
      'channel',
      CHANNELS,
    );
    this.#answers = talliesBy(described('answers_total', 'Answers to verified POSTs.'), 'status', ['200', '503']);
    const seconds = described('answer_duration_seconds', 'Time from the last byte of a verified POST to its answer. Meta waits 5 s.');
    this.#seconds = distributions(seconds, { labels: { status: ['200', '503'] }, bounds: SECONDS });
  }

  handshake(result: Handshake): void {
    this.#handshakes[result].count++;
  }

  refused(why: Refusal): void {
    this.#refused[why].count++;
  }

  received(): void {
    this.#received.count++;
  }

  verified(appId: string, bytes: number): void {
    this.#verified.of(appId).count++;
    this.#bytes.count += bytes;
  }

  ignored(appId: string, why: Ignored): void {
    this.#ignored.of(appId)[why].count++;
  }

  entry(appId: string, result: EntryResult): void {
    this.#entries.of(appId)[result].count++;
  }

  items(appId: string, channel: Channel, count: number): void {
    this.#items.of(appId)[channelLabel(channel)].count += count;
  }

  answered(_appId: string, status: 200 | 503, ms: number): void {
    this.#answers[status === 200 ? '200' : '503'].count++;
    this.#seconds[status === 200 ? 0 : 1]?.observe(ms / 1_000);
  }
}
