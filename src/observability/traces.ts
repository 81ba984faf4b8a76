import {
  isSpanContextValid,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Context,
  type Span,
  type Tracer as OtelTracer,
  type TracerProvider,
} from '@opentelemetry/api';
import type { PageRoute } from '../core/ports/page-lookup.js';
import type { AttemptTrace, PostTrace, Tracer } from '../core/ports/trace.js';

/**
 * Spans by OpenTelemetry's API: one for each verified POST (SERVER) and below it one for each
 * request to a bot (CLIENT). Which are kept and where they go is the SDK's business, which is not
 * ours: it is loaded by `node --import`.
 * @returns undefined where no SDK has registered itself, so that an event then costs nothing
 */
export function tracerOf(provider: TracerProvider = trace.getTracerProvider()): Tracer | undefined {
  const tracer = provider.getTracer('messenger-operator');
  return isRecorded(tracer) ? { post: (appId) => new PostSpan(tracer, appId) } : undefined;
}

/** Without an SDK the API's spans have no ids. A span that never ends is never exported. */
function isRecorded(tracer: OtelTracer): boolean {
  return isSpanContextValid(tracer.startSpan('probe', { root: true }).spanContext());
}

class PostSpan implements PostTrace {
  readonly traceparent: string;
  readonly #tracer: OtelTracer;
  readonly #span: Span;
  readonly #context: Context;

  constructor(tracer: OtelTracer, appId: string) {
    this.#tracer = tracer;
    const attributes = { 'http.request.method': 'POST', 'messenger.app_id': appId };
    // A root: what a stranger writes into a header decides nothing here.
    this.#span = tracer.startSpan('receive webhook', { kind: SpanKind.SERVER, root: true, attributes }, ROOT_CONTEXT);
    this.#context = trace.setSpan(ROOT_CONTEXT, this.#span);
    this.traceparent = traceparentOf(this.#span);
  }

  attempt({ appId, pageId, owner }: PageRoute, items: number): AttemptTrace {
    const attributes = {
      'http.request.method': 'POST',
      'messenger.app_id': appId,
      'messenger.page_id': pageId,
      'messenger.page': `${owner.namespace}/${owner.name}`,
      'messenger.items': items,
    };
    const span = this.#tracer.startSpan('deliver to bot', { kind: SpanKind.CLIENT, attributes }, this.#context);
    return {
      traceparent: traceparentOf(span),
      end: (taken, what) => {
        span.setAttribute('messenger.outcome', what);
        if (!taken) span.setStatus({ code: SpanStatusCode.ERROR, message: what });
        span.end();
      },
    };
  }

  end(status: number): void {
    this.#span.setAttribute('http.response.status_code', status);
    if (status >= 500) this.#span.setStatus({ code: SpanStatusCode.ERROR });
    this.#span.end();
  }
}

/** https://www.w3.org/TR/trace-context/#traceparent-header */
function traceparentOf(span: Span): string {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-${(traceFlags & TraceFlags.SAMPLED) === 0 ? '00' : '01'}`;
}
