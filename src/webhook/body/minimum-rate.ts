import type { Clock } from '../../kit/clock.js';
import { AFew, NEXT_FEW_AFTER_MS } from '../connections/close-quota.js';
import type { WebhookLimits } from '../limits.js';

/** A body that is arriving. */
export interface Arriving {
  readonly startedMs: number;
  readonly receivedBytes: number;
  cut(): void;
}

const CHECK_EVERY_MS = 1_000;

/** Cuts bodies that come too slowly. One timer for all, and none while nothing is arriving. */
export class Pace {
  readonly #clock: Clock;
  readonly #limits: WebhookLimits;
  readonly #arriving = new Set<Arriving>();
  #cancel: (() => void) | undefined;
  readonly #few = new AFew();

  constructor(clock: Clock, limits: WebhookLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  watch(body: Arriving): void {
    this.#arriving.add(body);
    this.#cancel ??= this.#clock.setTimer(CHECK_EVERY_MS, this.#check);
  }

  forget(body: Arriving): void {
    this.#arriving.delete(body);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  readonly #check = (): void => {
    this.#cancel = undefined;
    const now = this.#clock.monotonicMs();
    const atOnce = this.#few.begin(now);
    let cut = 0;
    for (const body of this.#arriving) {
      if (cut === atOnce) break;
      if (!this.#isTooSlow(body, now)) continue;
      cut++;
      body.cut();
    }
    const mayBeMore = this.#few.end(cut);
    if (this.#arriving.size === 0) return;
    this.#cancel = this.#clock.setTimer(mayBeMore ? NEXT_FEW_AFTER_MS : CHECK_EVERY_MS, this.#check);
  };

  #isTooSlow(body: Arriving, now: number): boolean {
    const { slowGraceMs, maxBodyMs, minBytesPerSecond } = this.#limits;
    const elapsed = now - body.startedMs;
    if (elapsed > maxBodyMs) return true;
    return body.receivedBytes < (minBytesPerSecond * (elapsed - slowGraceMs)) / 1_000;
  }
}
