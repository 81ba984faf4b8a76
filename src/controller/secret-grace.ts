import { BoundedMap } from '../kit/bounded-map.js';
import type { Clock } from '../kit/clock.js';

/** So long a page may wait for a Secret that is applied after it. */
const GRACE_MS = 2 * 60_000;
/** Claim keys of one namespace that may wait at the same time. */
const MAX_WAITING = 10;
/** A key that is deleted and created again does not wait anew. */
const FORGET_AFTER_MS = 60 * 60_000;
const MAX_KEYS = 1_000;
const MAX_NAMESPACES = 10_000;

/**
 * For how long a page without its Secret counts as undecided, so that its events are answered 503
 * and not dropped. Manifests and Secrets are applied in any order, but a page that will never have
 * a token must not keep a Page's events, and the POSTs that carry them, from being answered.
 * Bounded by namespace, so that one tenant cannot do it with many pages.
 */
export class SecretGrace {
  readonly #clock: Clock;
  /** namespace → claim key → since when it waits. */
  readonly #since = new BoundedMap<string, Map<string, number>>(MAX_NAMESPACES);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds that are left for this key; 0: it has had its time, or too many others wait. */
  leftMs(namespace: string, claimKey: string): number {
    const nowMs = this.#clock.monotonicMs();
    const keys = this.#since.get(namespace) ?? new Map<string, number>();
    this.#since.set(namespace, keys);
    for (const [key, sinceMs] of keys) if (nowMs - sinceMs >= FORGET_AFTER_MS) keys.delete(key);
    const sinceMs = keys.get(claimKey);
    if (sinceMs !== undefined) return Math.max(0, sinceMs + GRACE_MS - nowMs);
    const waiting = [...keys.values()].filter((since) => nowMs - since < GRACE_MS).length;
    if (waiting >= MAX_WAITING || keys.size >= MAX_KEYS) return 0;
    keys.set(claimKey, nowMs);
    return GRACE_MS;
  }
}
