import { createHash } from 'node:crypto';
import { BoundedMap } from '../../kit/bounded-map.js';
import type { Clock } from '../../kit/clock.js';
import type { BackendTarget } from '../../core/ports/page-lookup.js';
import type { Secret } from '../../core/secrets/secret.js';
import type { DeliveryLimits } from '../limits.js';

const MAX_BACKENDS = 10_000;
/**
 * An open circuit without a request for this long is no longer counted: its page is gone, or gets
 * no events.
 */
const OPEN_COUNTS_MS = 10 * 60_000;

type CircuitBounds = Pick<DeliveryLimits, 'circuitFailures' | 'circuitFirstOpenMs' | 'circuitMaxOpenMs'>;

/**
 * One backend's circuit. Open after some failures in a row; then, after a pause that doubles, one
 * request at a time probes it, and the first answer closes it.
 */
class Circuit {
  readonly #clock: Clock;
  readonly #bounds: CircuitBounds;
  #failures = 0;
  #openMs = 0;
  #probeAtMs = 0;
  #probing = false;

  constructor(clock: Clock, bounds: CircuitBounds) {
    this.#clock = clock;
    this.#bounds = bounds;
  }

  get isOpen(): boolean {
    return this.#failures >= this.#bounds.circuitFailures;
  }

  /**
   * Whether a request may go now. If so, `answered` or `failed` must be called with its outcome.
   */
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
    // Requests that were in flight when it opened fail too; they say nothing new.
    if (!this.isOpen || (wasOpen && !wasProbe)) return;
    const { circuitFirstOpenMs, circuitMaxOpenMs } = this.#bounds;
    this.#openMs = Math.min(Math.max(this.#openMs * 2, circuitFirstOpenMs), circuitMaxOpenMs);
    this.#probeAtMs = this.#clock.monotonicMs() + this.#openMs;
  }
}

/** How a backend reacted to requests signed with one secret. */
interface Trust {
  acceptedMs: number;
  refusalsSince: number;
}

interface Known {
  readonly key: string;
  readonly circuit: Circuit;
  /**
   * By fingerprint of the signing secret: pages with different secrets share the bot, not the trust
   * in its refusals.
   */
  readonly trust: Map<string, Trust>;
}

/**
 * What is known about each backend: its circuit, and whether its refusals are trusted. Bounded: the
 * one known for longest is forgotten first.
 */
export class Backends {
  readonly #clock: Clock;
  readonly #limits: DeliveryLimits;
  readonly #tellOpen: (count: number) => void;
  /** When each was tried last, the earliest first. */
  readonly #open = new Map<Circuit, number>();
  #cancel: (() => void) | undefined;
  readonly #known = new BoundedMap<string, Known>(MAX_BACKENDS);
  /** Shortcut to `#known`: a target object serves many requests. */
  readonly #byTarget = new WeakMap<BackendTarget, Known>();
  readonly #fingerprints = new WeakMap<Secret, string>();

  /** @param tellOpen called with the number of open circuits whenever it changes */
  constructor(clock: Clock, limits: DeliveryLimits, tellOpen: (count: number) => void) {
    this.#clock = clock;
    this.#limits = limits;
    this.#tellOpen = tellOpen;
  }

  /** Whether a request may go now. If so, `went` must be called with its outcome. */
  enter(target: BackendTarget): boolean {
    return this.#of(target).circuit.enter();
  }

  /** How a request went. @param answered whether the bot itself answered */
  went(target: BackendTarget, answered: boolean): void {
    const { circuit } = this.#of(target);
    if (answered) circuit.answered();
    else circuit.failed();
    const before = this.#open.size;
    if (this.#open.delete(circuit) || circuit.isOpen) this.#noteOpen(circuit, before);
  }

  accepted(target: BackendTarget, secret: Secret): void {
    const { trust } = this.#of(target);
    const key = this.#fingerprint(secret);
    const now = this.#clock.monotonicMs();
    const known = trust.get(key);
    if (known !== undefined) {
      known.acceptedMs = now;
      known.refusalsSince = 0;
      return;
    }
    if (trust.size > 64) trust.clear();
    trust.set(key, { acceptedMs: now, refusalsSince: 0 });
  }

  /**
   * @returns whether the refusal is trusted: the backend accepted something lately, and has not
   * refused everything since
   */
  refused(target: BackendTarget, secret: Secret): boolean {
    const known = this.#of(target).trust.get(this.#fingerprint(secret));
    if (known === undefined) return false;
    known.refusalsSince++;
    const { refusalNeedsAcceptanceMs, refusalsBelieved } = this.#limits;
    return known.refusalsSince <= refusalsBelieved && this.#clock.monotonicMs() - known.acceptedMs <= refusalNeedsAcceptanceMs;
  }

  #noteOpen(circuit: Circuit, before: number): void {
    if (circuit.isOpen) this.#open.set(circuit, this.#clock.monotonicMs());
    if (this.#open.size !== before) this.#tellOpen(this.#open.size);
    if (this.#open.size > 0) {
      this.#cancel ??= this.#clock.setTimer(OPEN_COUNTS_MS, this.#forget);
      return;
    }
    this.#cancel?.();
    this.#cancel = undefined;
  }

  readonly #forget = (): void => {
    const before = this.#open.size;
    const dueMs = this.#clock.monotonicMs() - OPEN_COUNTS_MS;
    let waitMs: number | undefined;
    for (const [circuit, triedMs] of this.#open) {
      if (triedMs > dueMs) {
        waitMs = triedMs - dueMs;
        break;
      }
      this.#open.delete(circuit);
    }
    if (this.#open.size !== before) this.#tellOpen(this.#open.size);
    this.#cancel = waitMs === undefined ? undefined : this.#clock.setTimer(waitMs, this.#forget);
  };

  #of(target: BackendTarget): Known {
    const near = this.#byTarget.get(target);
    if (near !== undefined && this.#known.get(near.key) === near) return near;
    const known = this.#find(keyOf(target));
    this.#byTarget.set(target, known);
    return known;
  }

  #find(key: string): Known {
    let known = this.#known.get(key);
    if (known === undefined) {
      known = { key, circuit: new Circuit(this.#clock, this.#limits), trust: new Map() };
      this.#known.set(key, known);
    }
    return known;
  }

  #fingerprint(secret: Secret): string {
    let fingerprint = this.#fingerprints.get(secret);
    if (fingerprint === undefined) {
      fingerprint = createHash('sha256').update(secret.reveal()).digest('base64url').slice(0, 16);
      this.#fingerprints.set(secret, fingerprint);
    }
    return fingerprint;
  }
}

function keyOf(target: BackendTarget): string {
  return target.kind === 'url' ? target.url : `${target.namespace}/${target.name}:${target.port}`;
}
