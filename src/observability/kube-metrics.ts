import { Gauge, type Counter, type Histogram, type Registry } from 'prom-client';
import type { KindPlural } from '../api/kinds.js';
import type { ObservedStatuses } from '../k8s/observer.js';
import { closedCounter, closedHistogram } from './closed-series.js';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
const STATUS_CLASSES = ['none', '2xx', '3xx', '4xx', '5xx'] as const;
const SECONDS = [0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 15];

/** Metrics of the requests to the API server. */
export class KubeMetrics {
  readonly #requests: Counter<'method' | 'status'>;
  readonly #seconds: Histogram<'method'>;
  readonly #statuses = new Map<KindPlural, ObservedStatuses>();

  constructor(registry: Registry) {
    this.#requests = closedCounter(
      { registry, name: 'messenger_kube_requests_total', help: 'Requests to the API server. Status none means that no answer arrived.' },
      { method: METHODS, status: STATUS_CLASSES },
    );
    this.#seconds = closedHistogram(
      { registry, name: 'messenger_kube_request_duration_seconds', help: 'Duration of a request to the API server.' },
      { method: METHODS },
      SECONDS,
    );
    const statuses = this.#statuses;
    new Gauge({
      name: 'messenger_status_refused_objects',
      help: 'Objects whose status the API server refused the last time, such as by a policy.',
      labelNames: ['resource'],
      registers: [registry],
      collect() {
        for (const [resource, { refusedObjects }] of statuses) this.set({ resource }, refusedObjects);
      },
    });
    new Gauge({
      name: 'messenger_status_unknown_fields',
      help: 'Fields of a status that are left out because the CRD is older than the operator.',
      labelNames: ['resource'],
      registers: [registry],
      collect() {
        for (const [resource, { unknownFields }] of statuses) this.set({ resource }, unknownFields);
      },
    });
  }

  /** From now on what keeps the statuses of a kind from being written is shown. */
  readonly follow = (resource: KindPlural, statuses: ObservedStatuses): void => {
    this.#statuses.set(resource, statuses);
  };

  /** `status` 0: there was no answer. Methods that the operator does not use are not counted. */
  readonly observe = (method: string, status: number, seconds: number): void => {
    const known = METHODS.find((one) => one === method);
    if (known === undefined) return;
    this.#requests.inc({ method: known, status: STATUS_CLASSES.find((one) => one.startsWith(String(Math.trunc(status / 100)))) ?? 'none' });
    this.#seconds.observe({ method: known }, seconds);
  };
}
