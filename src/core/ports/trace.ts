import type { PageRoute } from './page-lookup.js';

/** One request to a bot, as a span. */
export interface AttemptTrace {
  /** W3C trace context: what the bot gets, so that its own spans hang below this one. */
  readonly traceparent: string;
  /** Once. `taken`: the bot accepted it; `what` says how it ended. */
  end(taken: boolean, what: string): void;
}

/** One verified POST of Meta's, as a span. */
export interface PostTrace {
  /** W3C trace context of the POST itself. */
  readonly traceparent: string;
  attempt(route: PageRoute, items: number): AttemptTrace;
  /** Once, with the status that Meta is answered. Attempts may end later. */
  end(status: number): void;
}

/** Records traces. Optional: without it, a `traceparent` is made of random ids. */
export interface Tracer {
  post(appId: string): PostTrace;
}
