import type { Counter, Histogram, Registry } from 'prom-client';
import {
  API_ROUTES,
  REVIEW_KINDS,
  REVIEW_RESULTS,
  type ApiRoute,
  type PagesApiObserver,
  type ReviewKind,
  type ReviewResult,
} from '../pages-api/observer.js';
import { closedCounter, closedHistogram } from './closed-series.js';

const STATUSES = ['200', '304', '400', '401', '403', '404', '405', '409', '500', '503'] as const;

const SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 3, 10];

/** Metrics of the Pages API. */
export class PagesApiMetrics implements PagesApiObserver {
  readonly #requests: Counter<'route' | 'status'>;
  readonly #seconds: Histogram<'route'>;
  readonly #reviews: Counter<'kind' | 'result'>;

  constructor(registry: Registry) {
    this.#requests = closedCounter(
      { registry, name: 'messenger_pages_api_requests_total', help: 'Requests from bots by route and status.' },
      { route: API_ROUTES, status: STATUSES },
    );
    this.#seconds = closedHistogram(
      {
        registry,
        name: 'messenger_pages_api_request_duration_seconds',
        help: 'Duration of a request, including the reviews of its caller.',
      },
      { route: API_ROUTES },
      SECONDS,
    );
    this.#reviews = closedCounter(
      {
        registry,
        name: 'messenger_pages_api_reviews_total',
        help: 'Reviews of callers by kind (token: who the caller is, access: what the caller may do) and result.',
      },
      { kind: REVIEW_KINDS, result: REVIEW_RESULTS },
    );
  }

  request(route: ApiRoute, status: number, seconds: number): void {
    this.#requests.inc({ route, status: STATUSES.find((one) => one === String(status)) ?? '500' });
    this.#seconds.observe({ route }, seconds);
  }

  review(kind: ReviewKind, result: ReviewResult): void {
    this.#reviews.inc({ kind, result });
  }
}
