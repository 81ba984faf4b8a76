import type { Clock } from '../core/clock.js';

import { aFew } from './a-few.js';
import type { WebhookLimits } from './limits.js';

/** A body that is arriving. */
export interface Arriving {
  readonly startedMs: number;
  readonly receivedBytes: number;
  cut(): void;
}

const CHECK_EVERY_MS = 1_000;
/** Of many that are due, a few at a time: Meta's requests would wait behind all of them. */
const GO_ON_AFTER_MS = 2;

/** Cuts bodies that come too slowly. One timer for all, and none while nothing is arriving. */
export class Pace {
  readonly #clock: Clock;
  readonly #limits: WebhookLimits;
  readonly #arriving = new Set<Arriving>();
  #cancel: (() => void) | undefined;
  /** When the last few were ended, if there were more. */
  #moreSinceMs: number | undefined;

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
    const atOnce = aFew(now - (this.#moreSinceMs ?? now));
    let cut = 0;
    for (const body of this.#arriving) {
      if (cut === atOnce) break;
      if (!this.#isTooSlow(body, now)) continue;
      cut++;
      body.cut();
    }
    this.#moreSinceMs = cut === atOnce ? now : undefined;
    if (this.#arriving.size === 0) return;
    this.#cancel = this.#clock.setTimer(cut === atOnce ? GO_ON_AFTER_MS : CHECK_EVERY_MS, this.#check);
  };

  #isTooSlow(body: Arriving, now: number): boolean {
    const { slowGraceMs, maxBodyMs, minBytesPerSecond } = this.#limits;
    const elapsed = now - body.startedMs;
    if (elapsed > maxBodyMs) return true;
    return body.receivedBytes < (minBytesPerSecond * (elapsed - slowGraceMs)) / 1_000;
  }
}
