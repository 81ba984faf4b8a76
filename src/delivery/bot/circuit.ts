import type { Clock } from '../../kit/clock.js';
import type { DeliveryLimits } from '../limits.js';

type Bounds = Pick<DeliveryLimits, 'circuitFailures' | 'circuitFirstOpenMs' | 'circuitMaxOpenMs'>;

/**
 * One backend's circuit. Open after some failures in a row; then, after a pause that doubles, one request at a time
 * probes it, and the first answer closes it.
 */
export class Circuit {
  readonly #clock: Clock;
  readonly #bounds: Bounds;
  #failures = 0;
  #openMs = 0;
  #probeAtMs = 0;
  #probing = false;

  constructor(clock: Clock, bounds: Bounds) {
    this.#clock = clock;
    this.#bounds = bounds;
  }

  get isOpen(): boolean {
    return this.#failures >= this.#bounds.circuitFailures;
  }

  /** Whether a request may go now. Whoever gets true tells the outcome by `answered` or `failed`. */
  enter(): boolean {
    if (!this.isOpen) return true;
    if (this.#probing || this.#clock.monotonicMs() < this.#probeAtMs) return false;
    this.#probing = true;
    return true;
  }

  answered(): void {
    this.#failures = 0;
    this.#openMs = 0;
    this.#probing = false;
  }

  failed(): void {
    const wasProbe = this.#probing;
    const wasOpen = this.isOpen;
    this.#failures++;
    this.#probing = false;
    // Requests that were under way when it opened fail too; they say nothing new.
    if (!this.isOpen || (wasOpen && !wasProbe)) return;
    const { circuitFirstOpenMs, circuitMaxOpenMs } = this.#bounds;
    this.#openMs = Math.min(Math.max(this.#openMs * 2, circuitFirstOpenMs), circuitMaxOpenMs);
    this.#probeAtMs = this.#clock.monotonicMs() + this.#openMs;
  }
}
