import { Gauge, type Counter, type Histogram, type Registry } from 'prom-client';
import { type KindSingular, KINDS } from '../api/kinds.js';
import { RECONCILE_OUTCOMES, type ReconcileOutcome } from '../runtime/observer.js';
import { WARN_DAYS, type WarnDays } from '../core/domain/token-check.js';
import { closedCounter, closedHistogram, plainGauge } from './closed-series.js';

/** One controller for each kind. */
export type ControllerName = KindSingular;
export const CONTROLLERS: readonly ControllerName[] = KINDS.map(({ singular }) => singular).sort();

const EVENT_RESULTS = ['sent', 'dropped'] as const;
const SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120];

/** Metrics of the reconcile loops and of who leads. */
export class ControllerMetrics {
  readonly #total: Counter<'controller' | 'result'>;
  readonly #seconds: Histogram<'controller'>;
  readonly #leader: Gauge;
  readonly #leftSubscribed: Counter;
  readonly #events: Counter<'result'>;
  readonly #expiring: Gauge<'within'>;
  /** uid of a page → the days within which its token ends; only of those that end soon. */
  readonly #tokenEnds = new Map<string, WarnDays>();

  constructor(registry: Registry) {
    const controller = CONTROLLERS;
    this.#total = closedCounter(
      { registry, name: 'messenger_reconcile_total', help: 'Reconciles by controller and result.' },
      { controller, result: RECONCILE_OUTCOMES },
    );
    this.#seconds = closedHistogram(
      { registry, name: 'messenger_reconcile_duration_seconds', help: 'Duration of a reconcile, including its Graph calls.' },
      { controller },
      SECONDS,
    );
    this.#leader = plainGauge({ registry, name: 'messenger_leader', help: '1 while this process is the leader, otherwise 0.' });
    this.#leftSubscribed = closedCounter(
      {
        registry,
        name: 'messenger_left_subscribed_total',
        help: 'Pages that were released although the app may still be subscribed at Graph.',
      },
      {},
    );
    this.#expiring = new Gauge({
      name: 'messenger_page_tokens_expiring',
      help: 'Pages whose valid token expires within 1, 7 or 30 days. Each page is counted once, by the leader.',
      labelNames: ['within'],
      registers: [registry],
    });
    for (const days of WARN_DAYS) this.#expiring.set({ within: `${days}d` }, 0);
    this.#events = closedCounter(
      { registry, name: 'messenger_kube_events_total', help: 'Kubernetes Events by result.' },
      { result: EVENT_RESULTS },
    );
  }

  /**
   * The good token of the page with this uid ends within so many days; undefined: not soon, or
   * there is no good one.
   */
  tokenEnds(uid: string, within: WarnDays | undefined): void {
    const was = this.#tokenEnds.get(uid);
    if (was === within) return;
    if (was !== undefined) this.#expiring.dec({ within: `${was}d` });
    if (within === undefined) {
      this.#tokenEnds.delete(uid);
      return;
    }
    this.#tokenEnds.set(uid, within);
    this.#expiring.inc({ within: `${within}d` });
  }

  /** The `observe` of one controller. */
  observer(controller: ControllerName): (result: ReconcileOutcome, seconds: number) => void {
    return (result, seconds) => {
      this.#total.inc({ controller, result });
      this.#seconds.observe({ controller }, seconds);
    };
  }

  readonly leading = (leads: boolean): void => {
    this.#leader.set(leads ? 1 : 0);
    for (const uid of [...this.#tokenEnds.keys()]) this.tokenEnds(uid, undefined);
  };

  leftSubscribed(): void {
    this.#leftSubscribed.inc();
  }

  /** The `observe` of the event recorder. */
  readonly event = (result: (typeof EVENT_RESULTS)[number]): void => {
    this.#events.inc({ result });
  };
}
