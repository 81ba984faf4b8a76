import type { Clock } from '../../kit/clock.js';
import { CloseQuota, NEXT_BATCH_AFTER_MS } from '../connections/close-quota.js';
import type { WebhookLimits } from '../limits.js';

/** A body that is arriving. */
export interface ArrivingBody {
  readonly startedMs: number;
  readonly receivedBytes: number;
  /** Called when it is too slow. */
  abort(): void;
}

const CHECK_EVERY_MS = 1_000;

/**
 * Aborts bodies that arrive too slowly. One timer for all of them, and none while no body arrives.
 */
export class MinimumRate {
  readonly #clock: Clock;
  readonly #limits: WebhookLimits;
  readonly #arriving = new Set<ArrivingBody>();
  #cancel: (() => void) | undefined;
  readonly #quota = new CloseQuota();

  constructor(clock: Clock, limits: WebhookLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  add(body: ArrivingBody): void {
    this.#arriving.add(body);
    this.#cancel ??= this.#clock.setTimer(CHECK_EVERY_MS, this.#check);
  }

  delete(body: ArrivingBody): void {
    this.#arriving.delete(body);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  readonly #check = (): void => {
    this.#cancel = undefined;
    const now = this.#clock.monotonicMs();
    const allowance = this.#quota.allowance(now);
    let aborted = 0;
    for (const body of this.#arriving) {
      if (aborted === allowance) break;
      if (!this.#isTooSlow(body, now)) continue;
      aborted++;
      body.abort();
    }
    const moreMayBeDue = this.#quota.closed(aborted);
    if (this.#arriving.size === 0) return;
    this.#cancel = this.#clock.setTimer(moreMayBeDue ? NEXT_BATCH_AFTER_MS : CHECK_EVERY_MS, this.#check);
  };

  #isTooSlow(body: ArrivingBody, now: number): boolean {
    const { slowGraceMs, maxBodyMs, minBytesPerSecond } = this.#limits;
    const elapsed = now - body.startedMs;
    if (elapsed > maxBodyMs) return true;
    return body.receivedBytes < (minBytesPerSecond * (elapsed - slowGraceMs)) / 1_000;
  }
}
