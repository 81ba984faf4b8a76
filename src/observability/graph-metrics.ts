import type { Counter, Histogram, Registry } from 'prom-client';
import { GRAPH_OPERATIONS, GRAPH_RESULTS, type GraphObserver, type GraphOperation, type GraphResult } from '../graph/observer.js';
import { closedCounter, closedHistogram } from './closed-series.js';

const SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Metrics of the calls to Graph. */
export class GraphMetrics implements GraphObserver {
  readonly #calls: Counter<'operation' | 'result'>;
  readonly #seconds: Histogram<'operation'>;
  readonly #requests: Counter;
  readonly #otherVersion: Counter;

  constructor(registry: Registry) {
    this.#calls = closedCounter(
      { registry, name: 'messenger_graph_calls_total', help: 'Graph calls by operation and result. Blocked calls were not sent.' },
      { operation: GRAPH_OPERATIONS, result: GRAPH_RESULTS },
    );
    this.#seconds = closedHistogram(
      {
        registry,
        name: 'messenger_graph_call_duration_seconds',
        help: 'Duration of a Graph call, including the time it waited to be sent.',
      },
      { operation: GRAPH_OPERATIONS },
      SECONDS,
    );
    this.#requests = closedCounter(
      { registry, name: 'messenger_graph_requests_total', help: 'HTTP requests to Graph. A batch of calls is one request.' },
      {},
    );
    const other = {
      registry,
      name: 'messenger_graph_version_mismatch_total',
      help: 'How often Graph started to answer with another API version than requested.',
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
