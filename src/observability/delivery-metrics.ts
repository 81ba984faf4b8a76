import type { Counter, Gauge, Registry } from 'prom-client';
import { UNAVAILABLE_WHYS, type UnavailableWhy } from '../core/ports/delivery.js';
import { ALERTS, ITEM_RESULTS, type Alert, type DeliveryObserver, type ItemResult } from '../delivery/observer.js';
import type { Channel } from '../core/domain/event.js';
import { closedCounter, plainGauge, type Described } from './closed-series.js';
import { distributions, level, talliesPerApp, talliesPerAppBy, type Distribution, type PerApp, type Tally } from './tally.js';
import { channelLabel, CHANNELS, type ChannelLabel } from './webhook-metrics.js';

const SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 10, 30, 60];
const EVENT_SECONDS = [0.5, 1, 2, 5, 10, 30, 60, 300, 1_200, 3_600];

type ByResult = Readonly<Record<ItemResult, Tally>>;

/**
 * Metrics of what goes to bots. Labels are closed sets, and of apps the first fifty; never pages.
 */
export class DeliveryMetrics implements DeliveryObserver {
  readonly #items: PerApp<Readonly<Record<(typeof CHANNELS)[number], ByResult>>>;
  readonly #unavailable: PerApp<Readonly<Record<UnavailableWhy, Tally>>>;
  readonly #retried: PerApp<Tally>;
  readonly #sinceReceived: readonly Distribution[];
  readonly #sinceEvent: readonly Distribution[];
  readonly #openCircuits: Gauge;
  readonly #inFlightItems: Tally;
  readonly #inFlightBytes: Tally;
  readonly #alerts: Counter<'kind'>;

  constructor(registry: Registry) {
    const described = (name: string, help: string) => ({ registry, name: `messenger_delivery_${name}`, help });
    this.#items = byChannelAndResult(described('items_total', 'Items by outcome. Meta sends unavailable ones again.'));
    this.#unavailable = talliesPerAppBy(
      described('unavailable_total', 'Requests that could not be delivered for now, by reason.'),
      'reason',
      UNAVAILABLE_WHYS,
    );
    const retried = described('retried_total', 'Items attempted again after an attempt in an earlier POST.');
    this.#retried = talliesPerApp(retried, {}, (tallyOf) => tallyOf({}));
    this.#sinceReceived = distributions(
      described('duration_seconds', 'Time from the last byte of the POST until the bot accepted the item.'),
      {
        labels: {},
        bounds: SECONDS,
      },
    );
    this.#sinceEvent = distributions(described('event_age_seconds', 'Age of the entry when the bot accepted one of its items.'), {
      labels: {},
      bounds: EVENT_SECONDS,
    });
    this.#openCircuits = plainGauge(described('open_circuits', 'Backends with an open circuit: no request is sent to them for now.'));
    this.#inFlightItems = level(described('in_flight_items', 'Items in delivery to bots.'));
    this.#inFlightBytes = level(described('in_flight_bytes', 'Bytes of the items in delivery to bots.'));
    this.#alerts = closedCounter(described('alerts_total', 'Problems that need attention. Each is logged.'), {
      kind: ALERTS,
    });
  }

  item(appId: string, channel: Channel, result: ItemResult): void {
    this.#items.of(appId)[channelLabel(channel)][result].count++;
  }

  unavailable(appId: string, why: UnavailableWhy): void {
    this.#unavailable.of(appId)[why].count++;
  }

  retried(appId: string): void {
    this.#retried.of(appId).count++;
  }

  latency(_appId: string, sinceReceivedMs: number, sinceEventMs: number | undefined): void {
    this.#sinceReceived[0]?.observe(sinceReceivedMs / 1_000);
    if (sinceEventMs !== undefined) this.#sinceEvent[0]?.observe(Math.max(0, sinceEventMs) / 1_000);
  }

  openCircuits(count: number): void {
    this.#openCircuits.set(count);
  }

  inFlight(items: number, bytes: number): void {
    this.#inFlightItems.count = items;
    this.#inFlightBytes.count = bytes;
  }

  alert(kind: Alert): void {
    this.#alerts.inc({ kind });
  }
}

function byChannelAndResult(described: Described): PerApp<Readonly<Record<ChannelLabel, ByResult>>> {
  return talliesPerApp(described, { channel: CHANNELS, result: ITEM_RESULTS }, (tallyOf) => {
    const of = (channel: string) =>
      Object.fromEntries(ITEM_RESULTS.map((result) => [result, tallyOf({ channel, result })])) as Record<ItemResult, Tally>;
    return Object.fromEntries(CHANNELS.map((channel) => [channel, of(channel)])) as Record<ChannelLabel, ByResult>;
  });
}
