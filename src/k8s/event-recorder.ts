import { randomBytes } from 'node:crypto';
import type { KubeObject } from '../api/meta.js';
import { sleep, type Clock } from '../kit/clock.js';
import { NotLeaderError } from '../core/domain/errors.js';
import type { Logger } from '../kit/log.js';
import { keyOf, keyText } from '../core/domain/object-key.js';
import { backoffMs } from '../runtime/queue/backoff.js';
import type { EventRecorder, KubeEvent } from '../runtime/ports.js';
import { SeriesMemory, type Series } from './event-series.js';
import { fencedRequest, type WriteDeps } from './fenced.js';
import { isStatus, KubeStatusError } from './kube-error.js';
import { microTime } from './lease.js';
import { apiVersionOf, collectionPath, EVENTS, objectPath } from './resources.js';

export interface EventRecorderDeps extends WriteDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** `messenger-operator.dev/controller` */
  readonly controller: string;
  /** Of this process. */
  readonly instance: string;
  /** Where an Event goes whose own namespace takes none any more. */
  readonly fallbackNamespace: string | undefined;
  readonly observe?: (what: 'sent' | 'dropped') => void;
}

const MAX_QUEUED = 1_000;
const MAX_NOTE_BYTES = 1_000;
/** A repeated Event is counted at the API server at most this often. */
const COUNT_EVERY_MS = 60_000;
const TRIES = 4;
const RETRY = { baseMs: 1_000, maxMs: 10_000 };

/**
 * Writes Events in the background, one after the other, in the order in which they were recorded.
 */
export class KubeEventRecorder implements EventRecorder {
  readonly #deps: EventRecorderDeps;
  readonly #series = new SeriesMemory();
  readonly #queue: Series[] = [];
  #wake: (() => void) | undefined;
  #busy = false;

  constructor(deps: EventRecorderDeps) {
    this.#deps = deps;
  }

  record(regarding: KubeObject, event: KubeEvent): void {
    const { clock } = this.#deps;
    const monotonicMs = clock.monotonicMs();
    const series = this.#series.add(regarding, event, { nowMs: clock.nowMs(), monotonicMs });
    if (series.queued) return;
    series.queued = true;
    const dueMs = series.made === undefined ? monotonicMs : series.made.sentMs + COUNT_EVERY_MS;
    if (dueMs <= monotonicMs) this.#push(series);
    else {
      clock.setTimer(dueMs - monotonicMs, () => {
        this.#push(series);
      });
    }
  }

  /** Sends until the signal is aborted, and resolves then; what is not sent is dropped. */
  async run(signal: AbortSignal): Promise<void> {
    const wake = (): void => this.#wake?.();
    signal.addEventListener('abort', wake);
    while (!signal.aborted) {
      const series = this.#queue.shift();
      if (series === undefined) {
        await new Promise<void>((resolve) => (this.#wake = resolve));
        continue;
      }
      this.#busy = true;
      series.queued = false;
      await this.#send(series, signal);
      this.#busy = false;
    }
    signal.removeEventListener('abort', wake);
  }

  /** Waits until everything is sent, or for `timeoutMs`. */
  async flush(timeoutMs: number): Promise<void> {
    const { clock } = this.#deps;
    const endMs = clock.monotonicMs() + timeoutMs;
    while ((this.#queue.length > 0 || this.#busy) && clock.monotonicMs() < endMs) await sleep(clock, 20);
  }

  #push(series: Series): void {
    if (this.#queue.length >= MAX_QUEUED) {
      series.queued = false;
      this.#dropped(series, 'too many events wait');
      return;
    }
    this.#queue.push(series);
    this.#wake?.();
  }

  async #send(series: Series, signal: AbortSignal): Promise<void> {
    const { clock, observe } = this.#deps;
    for (let tries = 1; ; tries++) {
      try {
        await this.#write(series, signal);
        observe?.('sent');
        return;
      } catch (error) {
        if (signal.aborted || tries >= TRIES || isFinal(error)) {
          this.#dropped(series, error);
          return;
        }
        const askedMs = error instanceof KubeStatusError ? (error.retryAfterMs ?? 0) : 0;
        await sleep(clock, Math.max(askedMs, backoffMs(tries, RETRY)), signal).catch(() => undefined);
      }
    }
  }

  async #write(series: Series, signal: AbortSignal): Promise<void> {
    if (series.made === undefined) return this.#create(series, signal);
    const { namespace, name } = series.made;
    try {
      await fencedRequest(this.#deps, {
        method: 'PATCH',
        path: objectPath(EVENTS, { namespace, name }),
        contentType: 'application/merge-patch+json',
        body: { series: { count: series.count, lastObservedTime: microTime(series.lastMs) } },
        signal,
      });
      series.made = this.#madeNow(series, namespace, name);
    } catch (error) {
      // Events live for an hour; one that is gone is created again.
      if (!isStatus(error, 404)) throw error;
      await this.#create(series, signal);
    }
  }

  async #create(series: Series, signal: AbortSignal): Promise<void> {
    const own = series.regarding.metadata.namespace ?? 'default';
    try {
      await this.#createIn(own, series, signal);
    } catch (error) {
      const { fallbackNamespace } = this.#deps;
      if (!isGoing(error) || fallbackNamespace === undefined || fallbackNamespace === own) throw error;
      await this.#createIn(fallbackNamespace, series, signal);
    }
  }

  async #createIn(namespace: string, series: Series, signal: AbortSignal): Promise<void> {
    const name = `${series.regarding.metadata.name.slice(0, 200)}.${randomBytes(8).toString('hex')}`;
    await fencedRequest(this.#deps, {
      method: 'POST',
      path: collectionPath(EVENTS, namespace),
      body: { apiVersion: apiVersionOf(EVENTS), kind: EVENTS.kind, metadata: { namespace, name }, ...this.#fields(series) },
      signal,
    });
    series.made = this.#madeNow(series, namespace, name);
  }

  #fields({ regarding, event, firstMs, lastMs, count }: Series): object {
    const { controller, instance } = this.#deps;
    const { apiVersion, kind, metadata } = regarding;
    const { namespace, name, uid, resourceVersion } = metadata;
    return {
      eventTime: microTime(firstMs),
      ...(count > 1 ? { series: { count, lastObservedTime: microTime(lastMs) } } : {}),
      reportingController: controller,
      reportingInstance: instance.slice(0, 128),
      type: event.type,
      reason: event.reason.slice(0, 128),
      action: event.action.slice(0, 128),
      note: shortened(event.note),
      regarding: { apiVersion, kind, namespace, name, uid, resourceVersion },
    };
  }

  #madeNow({ count }: Series, namespace: string, name: string): NonNullable<Series['made']> {
    return { namespace, name, count, sentMs: this.#deps.clock.monotonicMs() };
  }

  #dropped({ regarding, event }: Series, error: unknown): void {
    const { log, observe } = this.#deps;
    observe?.('dropped');
    log.warn('cannot record an event', { reason: event.reason, object: keyText(keyOf(regarding)), error });
  }
}

/** The namespace is being deleted, or is gone. */
function isGoing(error: unknown): boolean {
  return isStatus(error, 404) || (isStatus(error, 403) && error.causes.includes('NamespaceTerminating'));
}

/** Trying again cannot help. */
function isFinal(error: unknown): boolean {
  if (error instanceof NotLeaderError) return true;
  return error instanceof KubeStatusError && error.code >= 400 && error.code < 500 && error.code !== 429 && error.code !== 408;
}

function shortened(note: string): string {
  const bytes = Buffer.from(note);
  if (bytes.length <= MAX_NOTE_BYTES) return note;
  return `${bytes
    .subarray(0, MAX_NOTE_BYTES)
    .toString('utf8')
    .replace(/\uFFFD+$/, '')}…`;
}
