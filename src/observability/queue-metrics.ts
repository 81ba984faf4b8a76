import { Gauge, type Counter, type Histogram, type Registry } from 'prom-client';
import { QUEUE_CLASSES, type QueueObserver } from '../runtime/observer.js';
import { closedCounter, closedHistogram } from './closed-series.js';
import { CONTROLLERS, type ControllerName } from './controller-metrics.js';

const SECONDS = [0.001, 0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 300];

/** Metrics of the workqueues, one a controller. */
export class QueueMetrics {
  readonly #depth: Gauge<'queue'>;
  readonly #added: Counter<'queue' | 'class'>;
  readonly #retried: Counter<'queue'>;
  readonly #dropped: Counter<'queue'>;
  readonly #waited: Histogram<'queue'>;
  readonly #worked: Histogram<'queue'>;

  constructor(registry: Registry) {
    const queue = CONTROLLERS;
    this.#depth = new Gauge({
      name: 'messenger_queue_depth',
      help: 'Keys that are due and wait for a worker.',
      labelNames: ['queue'],
      registers: [registry],
    });
    for (const name of queue) this.#depth.set({ queue: name }, 0);
    this.#added = closedCounter(
      { registry, name: 'messenger_queue_adds_total', help: 'Keys added, by class.' },
      { queue, class: QUEUE_CLASSES },
    );
    this.#retried = closedCounter(
      { registry, name: 'messenger_queue_retries_total', help: 'Keys added again after a failure, with back-off.' },
      { queue },
    );
    this.#dropped = closedCounter(
      { registry, name: 'messenger_queue_dropped_total', help: 'Keys rejected because the queue is full.' },
      { queue },
    );
    const waited = { registry, name: 'messenger_queue_wait_seconds', help: 'Time from when a key was due until a worker took it.' };
    this.#waited = closedHistogram(waited, { queue }, SECONDS);
    this.#worked = closedHistogram(
      { registry, name: 'messenger_queue_work_seconds', help: 'Time a worker spent on a key.' },
      { queue },
      SECONDS,
    );
  }

  /** What one queue reports. */
  observer(queue: ControllerName): Required<QueueObserver> {
    return {
      depth: (keys) => {
        this.#depth.set({ queue }, keys);
      },
      added: (cls) => {
        this.#added.inc({ queue, class: cls });
      },
      retried: () => {
        this.#retried.inc({ queue });
      },
      waited: (ms) => {
        this.#waited.observe({ queue }, ms / 1_000);
      },
      worked: (ms) => {
        this.#worked.observe({ queue }, ms / 1_000);
      },
      dropped: () => {
        this.#dropped.inc({ queue });
      },
    };
  }
}
