import type { Clock } from '../kit/clock.js';
import { ClusterUnavailableError, dispositionOf, type Disposition } from '../core/domain/errors.js';
import type { Logger } from '../kit/log.js';
import { keyText, type NamespacedName } from '../core/domain/object-key.js';
import { stalledLookMs } from '../core/domain/schedule.js';
import { withDeadline } from './deadline.js';
import type { ReconcileOutcome } from './observer.js';
import type { Reconciler, Result } from './ports.js';
import type { WorkQueue } from './queue/work-queue.js';

export interface ControllerDeps {
  /** For logs and metrics: `messengerpage`. */
  readonly name: string;
  readonly reconciler: Reconciler;
  readonly queue: WorkQueue;
  /** Reconciles at once. */
  readonly workers: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly observe?: (outcome: ReconcileOutcome, seconds: number) => void;
  /** One reconcile must end within this time (2 min): its signal is aborted then. */
  readonly deadlineMs?: number;
}

const DEFAULT_DEADLINE_MS = 120_000;
/**
 * A reconcile that goes on this long after its signal aborted has a bug; it keeps its key, or two
 * would run at once.
 */
const OVERRUN_MS = 30_000;
/** A requeue that is at least this far away is a drift check, a sooner one a second look. */
const DRIFT_FROM_MS = 60_000;

/**
 * A key that the cluster keeps waiting is tried again after 30 s at most, of many one in about 2 s,
 * and after the twentieth part of the time for which it has waited: each try asks Graph as well.
 */
const BLOCKED_RETRY_MS = 30_000;
const BLOCKED_RETRY_EACH_MS = 2_000;
const BLOCKED_RETRY_PART = 0.05;
/** The first one that gets through wakes the others; not more often than this. */
const WAKE_EVERY_MS = 10_000;

/**
 * The loop around a reconciler: the only place that turns its result or error into what happens to
 * the key next.
 */
export class Controller {
  readonly #deps: ControllerDeps;
  /** key → times in a row that it stalled */
  readonly #stalls = new Map<string, number>();
  /** Keys whose last pass ended because the cluster could not be asked. */
  readonly #blocked = new Map<string, { readonly key: NamespacedName; readonly sinceMs: number }>();
  #wokenMs = -Infinity;

  constructor(deps: ControllerDeps) {
    this.#deps = deps;
  }

  get name(): string {
    return this.#deps.name;
  }

  /**
   * Works until the signal is aborted; resolves when every worker has stopped, which is when the
   * reconciles under way have ended. Never rejects. The queue is shut down with it, so a controller
   * runs once.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { queue, workers } = this.#deps;
    await Promise.all(Array.from({ length: workers }, () => this.#work(signal)));
    queue.shutDown();
  }

  async #work(signal: AbortSignal): Promise<void> {
    const { queue } = this.#deps;
    for (let key = await queue.next(signal); key !== undefined; key = await queue.next(signal)) {
      await this.processKey(key, signal);
      queue.done(key);
    }
  }

  /** Runs one key and settles with the queue what happens to it next. Never rejects. */
  async processKey(key: NamespacedName, signal: AbortSignal): Promise<void> {
    const { clock, observe } = this.#deps;
    const startedMs = clock.monotonicMs();
    const outcome = await this.#reconcile(key, signal);
    observe?.(outcome, (clock.monotonicMs() - startedMs) / 1_000);
  }

  async #reconcile(key: NamespacedName, signal: AbortSignal): Promise<ReconcileOutcome> {
    const { reconciler, clock, log, name, deadlineMs = DEFAULT_DEADLINE_MS } = this.#deps;
    const deadline = withDeadline(clock, signal, deadlineMs);
    const stopWatching = clock.setTimer(deadlineMs + OVERRUN_MS, () => {
      log.error('reconcile does not stop', { controller: name, key: keyText(key), deadlineMs });
    });
    try {
      return this.#succeeded(key, await reconciler.reconcile(key, deadline.signal));
    } catch (error) {
      if (signal.aborted) return 'aborted';
      return this.#failed(key, error);
    } finally {
      stopWatching();
      deadline.clear();
    }
  }

  #succeeded(key: NamespacedName, { requeueAfterMs }: Result): ReconcileOutcome {
    const { queue } = this.#deps;
    queue.forget(key);
    this.#stalls.delete(keyText(key));
    if (this.#blocked.delete(keyText(key))) this.#wakeBlocked();
    if (requeueAfterMs === undefined) return 'success';
    queue.addAfter(key, requeueAfterMs, requeueAfterMs >= DRIFT_FROM_MS ? 'background' : 'retry');
    return 'requeue_after';
  }

  #failed(key: NamespacedName, error: unknown): ReconcileOutcome {
    const { log, name } = this.#deps;
    const disposition = dispositionOf(error);
    const fields = { controller: name, key: keyText(key), error, disposition: disposition.kind };
    const waited = this.#blocked.has(keyText(key));
    const atMostMs = this.#blockedRetryMs(key, error);
    // That the cluster cannot be asked is news once for a key, however often it is tried.
    if (disposition.kind === 'requeue' || (waited && atMostMs !== undefined)) log.debug('reconcile ends early', fields);
    else log.error('reconcile failed', fields);
    return this.#requeue(key, disposition, atMostMs);
  }

  /** undefined: it is not the cluster that the key waits for. */
  #blockedRetryMs(key: NamespacedName, error: unknown): number | undefined {
    const text = keyText(key);
    if (!(error instanceof ClusterUnavailableError)) {
      this.#blocked.delete(text);
      return undefined;
    }
    const nowMs = this.#deps.clock.monotonicMs();
    const known = this.#blocked.get(text) ?? { key, sinceMs: nowMs };
    this.#blocked.set(text, known);
    return Math.max(BLOCKED_RETRY_MS, this.#blocked.size * BLOCKED_RETRY_EACH_MS, (nowMs - known.sinceMs) * BLOCKED_RETRY_PART);
  }

  /** The cluster answers again: keys that wait for it need not wait for the end of a back-off. */
  #wakeBlocked(): void {
    const { clock, queue } = this.#deps;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#wokenMs < WAKE_EVERY_MS) return;
    this.#wokenMs = nowMs;
    for (const { key } of this.#blocked.values()) queue.add(key, 'retry');
  }

  #requeue(key: NamespacedName, disposition: Disposition, atMostMs: number | undefined): ReconcileOutcome {
    const { queue } = this.#deps;
    switch (disposition.kind) {
      case 'backoff':
        queue.addRateLimited(key, atMostMs);
        return 'error';
      case 'requeue':
        // The watch brings the change that was missed and wakes the key at once; this is for when
        // it does not.
        queue.addRateLimited(key);
        return 'requeue';
      case 'wait':
        queue.forget(key);
        queue.addAfter(key, disposition.ms, 'retry');
        return 'rate_limited';
      case 'stall':
        queue.forget(key);
        queue.addAfter(key, this.#stallMs(key), 'background');
        return 'terminal';
    }
  }

  #stallMs(key: NamespacedName): number {
    const text = keyText(key);
    const times = (this.#stalls.get(text) ?? 0) + 1;
    this.#stalls.set(text, times);
    return stalledLookMs(times - 1);
  }
}
