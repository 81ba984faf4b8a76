import { createHash } from 'node:crypto';

import type { Clock } from '../core/clock.js';
import type { BackendTarget } from '../core/page-route.js';
import type { Secret } from '../core/secret.js';

import { Circuit } from './circuit.js';
import type { DeliveryLimits } from './limits.js';

const MAX_BACKENDS = 10_000;

interface Known {
  readonly circuit: Circuit;
  /** By fingerprint of the signing secret: a page with a wrong one shares the bot, not the trust in its refusals. */
  readonly acceptedMs: Map<string, number>;
}

/** What is known of each backend's health. Bounded: the one unused for longest is forgotten. */
export class Backends {
  readonly #clock: Clock;
  readonly #limits: DeliveryLimits;
  readonly #known = new Map<string, Known>();
  readonly #keys = new WeakMap<BackendTarget, string>();
  readonly #fingerprints = new WeakMap<Secret, string>();

  constructor(clock: Clock, limits: DeliveryLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  circuit(target: BackendTarget): Circuit {
    return this.#of(target).circuit;
  }

  accepted(target: BackendTarget, secret: Secret): void {
    const { acceptedMs } = this.#of(target);
    if (acceptedMs.size > 64) acceptedMs.clear();
    acceptedMs.set(this.#fingerprint(secret), this.#clock.monotonicMs());
  }

  /** Whether a refusal is to be believed: it accepted something lately. */
  canRefuse(target: BackendTarget, secret: Secret): boolean {
    const at = this.#of(target).acceptedMs.get(this.#fingerprint(secret));
    return at !== undefined && this.#clock.monotonicMs() - at <= this.#limits.refusalNeedsAcceptanceMs;
  }

  /** How many circuits are open now. */
  get openCircuits(): number {
    let open = 0;
    for (const { circuit } of this.#known.values()) if (circuit.isOpen) open++;
    return open;
  }

  #of(target: BackendTarget): Known {
    const key = this.#key(target);
    let known = this.#known.get(key);
    if (known === undefined) {
      if (this.#known.size >= MAX_BACKENDS) {
        const [oldest] = this.#known.keys();
        if (oldest !== undefined) this.#known.delete(oldest);
      }
      known = { circuit: new Circuit(this.#clock, this.#limits), acceptedMs: new Map() };
      this.#known.set(key, known);
    }
    return known;
  }

  #key(target: BackendTarget): string {
    let key = this.#keys.get(target);
    if (key === undefined) {
      key = target.kind === 'url' ? target.url : `${target.namespace}/${target.name}:${target.port}`;
      this.#keys.set(target, key);
    }
    return key;
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
