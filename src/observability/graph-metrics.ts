import type { Counter, Histogram, Registry } from 'prom-client';
import { GRAPH_OPERATIONS, GRAPH_RESULTS, type GraphOperation, type GraphResult } from '../core/ports/metric-labels.js';
import { closedCounter, closedHistogram } from './closed-series.js';

const SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Metrics of the calls to Graph. */
export class GraphMetrics {
  readonly #calls: Counter<'operation' | 'result'>;
  readonly #seconds: Histogram<'operation'>;
  readonly #requests: Counter;
  readonly #otherVersion: Counter;

  constructor(registry: Registry) {
    this.#calls = closedCounter(
      { registry, name: 'messenger_graph_calls_total', help: 'Calls of Graph by operation and result; blocked ones were not sent.' },
      { operation: GRAPH_OPERATIONS, result: GRAPH_RESULTS },
    );
    this.#seconds = closedHistogram(
      { registry, name: 'messenger_graph_call_duration_seconds', help: 'Time a call of Graph took, waiting for its turn included.' },
      { operation: GRAPH_OPERATIONS },
      SECONDS,
    );
    this.#requests = closedCounter(
      { registry, name: 'messenger_graph_requests_total', help: 'HTTP requests to Graph; a batch of calls is one.' },
      {},
    );
    const other = {
      registry,
      name: 'messenger_graph_version_mismatch_total',
      help: 'Times Graph began to answer with another API version than asked for.',
    };
    this.#otherVersion = closedCounter(other, {});
  }

  call(operation: GraphOperation, result: GraphResult, seconds: number): void {
    this.#calls.inc({ operation, result });
    this.#seconds.observe({ operation }, seconds);
  }

  /** How many calls were in it is `messenger_graph_calls_total` divided by this. */
  request(): void {
    this.#requests.inc();
  }

  otherVersion(): void {
    this.#otherVersion.inc();
  }
}
