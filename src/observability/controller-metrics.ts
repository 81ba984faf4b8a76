import type { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { closedCounter, closedHistogram, plainGauge } from './closed-series.js';

export const CONTROLLERS = ['messengerapp', 'messengerpage'] as const;
export type ControllerName = (typeof CONTROLLERS)[number];

export const RECONCILE_RESULTS = ['success', 'requeue_after', 'requeue', 'error', 'terminal', 'rate_limited', 'aborted'] as const;
export type ReconcileResult = (typeof RECONCILE_RESULTS)[number];

const EVENT_RESULTS = ['sent', 'dropped'] as const;
const SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120];

/** Metrics of the reconcile loops and of who leads. */
export class ControllerMetrics {
  readonly #total: Counter<'controller' | 'result'>;
  readonly #seconds: Histogram<'controller'>;
  readonly #leader: Gauge;
  readonly #leftSubscribed: Counter;
  readonly #events: Counter<'result'>;

  constructor(registry: Registry) {
    const controller = CONTROLLERS;
    this.#total = closedCounter(
      { registry, name: 'messenger_reconcile_total', help: 'Reconciles by controller and result.' },
      { controller, result: RECONCILE_RESULTS },
    );
    this.#seconds = closedHistogram(
      { registry, name: 'messenger_reconcile_duration_seconds', help: 'Time one reconcile took, Graph calls included.' },
      { controller },
      SECONDS,
    );
    this.#leader = plainGauge({ registry, name: 'messenger_leader', help: '1 while this process leads, else 0.' });
    this.#leftSubscribed = closedCounter(
      {
        registry,
        name: 'messenger_left_subscribed_total',
        help: 'Pages that were released though the app may still be subscribed at Graph.',
      },
      {},
    );
    this.#events = closedCounter(
      { registry, name: 'messenger_kube_events_total', help: 'Kubernetes Events by what became of them.' },
      { result: EVENT_RESULTS },
    );
  }

  /** The `observe` of one controller. */
  observer(controller: ControllerName): (result: ReconcileResult, seconds: number) => void {
    return (result, seconds) => {
      this.#total.inc({ controller, result });
      this.#seconds.observe({ controller }, seconds);
    };
  }

  readonly leading = (leads: boolean): void => {
    this.#leader.set(leads ? 1 : 0);
  };

  leftSubscribed(): void {
    this.#leftSubscribed.inc();
  }

  /** The `observe` of the event recorder. */
  readonly event = (result: (typeof EVENT_RESULTS)[number]): void => {
    this.#events.inc({ result });
  };
}
