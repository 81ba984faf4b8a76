const KIB = 1_024;
const MIB = 1_024 * KIB;

/** Every bound of the public listener. Times in milliseconds, sizes in bytes. */
export interface WebhookLimits {
  /** Largest POST body; `--max-body-bytes`. */
  readonly maxBodyBytes: number;
  /**
   * Verified POSTs that are not answered yet; `--max-in-flight`. The next one is answered 503,
   * usually without reading it.
   */
  readonly maxInFlight: number;
  /**
   * Age at which an undecided entry is answered 200 and dropped; `--direct-give-up`. Meta
   * unsubscribes the app after an hour of 503.
   */
  readonly giveUpMs: number;
  /** All bodies together whose signature is not verified yet. */
  readonly maxUnverifiedBytes: number;
  /**
   * The part of it that only bodies up to `smallBodyBytes` may use. Nearly all of Meta's are small,
   * so large junk leaves them room.
   */
  readonly reservedForSmallBytes: number;
  readonly smallBodyBytes: number;
  /** Per connection, so that pipelining gains nothing. */
  readonly maxUnverifiedPerConnection: number;
  /**
   * Rate of all large unverified bodies together. Hashing them must leave time for the small ones,
   * and so must the garbage collector, which runs twice a second at 16 MiB a second.
   */
  readonly largeBytesPerSecond: number;
  /** How much of them is read at once after a quiet time. */
  readonly largeBurstBytes: number;
  /**
   * A body slower than this after `slowGraceMs` is aborted (slow loris). Meta has given up by then.
   * Earlier, strangers would only reconnect earlier, and reconnecting is what costs.
   */
  readonly minBytesPerSecond: number;
  readonly slowGraceMs: number;
  /** A whole body. Meta gives up after 5 s. */
  readonly maxBodyMs: number;
  readonly headersTimeoutMs: number;
  /**
   * Longer than the usual 60 s of a load balancer, so that the balancer closes the connection and
   * no request meets a reset.
   */
  readonly keepAliveTimeoutMs: number;
  readonly maxHeaderBytes: number;
  readonly maxHeaders: number;
  /** About 6 KiB each while they are silent, 28 KiB and their headers once these arrive. */
  readonly maxConnections: number;
  /** How much of a refused body is read, so that the sender sees the answer and not a reset. */
  readonly lingerBytes: number;
  readonly lingerMs: number;
  /**
   * While draining, the listener stays open until no request has come for this long: endpoints need
   * a moment to drop.
   */
  readonly drainQuietMs: number;
}

export const DEFAULT_WEBHOOK_LIMITS: WebhookLimits = {
  maxBodyBytes: 8 * MIB,
  maxInFlight: 1_024,
  giveUpMs: 20 * 60_000,
  maxUnverifiedBytes: 64 * MIB,
  reservedForSmallBytes: 16 * MIB,
  smallBodyBytes: 64 * KIB,
  maxUnverifiedPerConnection: 8 * MIB,
  largeBytesPerSecond: 4 * MIB,
  largeBurstBytes: 2 * MIB,
  minBytesPerSecond: 8 * KIB,
  slowGraceMs: 5_000,
  maxBodyMs: 10_000,
  headersTimeoutMs: 10_000,
  keepAliveTimeoutMs: 75_000,
  maxHeaderBytes: 16 * KIB,
  maxHeaders: 64,
  maxConnections: 12_000,
  lingerBytes: 256 * KIB,
  lingerMs: 500,
  drainQuietMs: 2_000,
};

/** Meta's challenge has ten digits. */
export const MAX_CHALLENGE_BYTES = 256;
export const MAX_SECRETS_PER_APP = 2;
/**
 * A watch that had an event within this time knows all pages: bookmarks come about once a minute.
 */
export const WATCH_FRESH_MS = 90_000;
/**
 * After this much silence an unknown page is answered 200 again: after an hour of 503 Meta would
 * unsubscribe the app.
 */
export const WATCH_LOST_MS = 10 * 60_000;

/**
 * The defaults and what the caller sets; the bounds on unverified bytes grow with `maxBodyBytes`.
 */
export function webhookLimits(set: Partial<WebhookLimits> = {}): WebhookLimits {
  const maxBodyBytes = set.maxBodyBytes ?? DEFAULT_WEBHOOK_LIMITS.maxBodyBytes;
  const reserved = set.reservedForSmallBytes ?? DEFAULT_WEBHOOK_LIMITS.reservedForSmallBytes;
  const total = Math.max(DEFAULT_WEBHOOK_LIMITS.maxUnverifiedBytes, 4 * maxBodyBytes + reserved);
  return { ...DEFAULT_WEBHOOK_LIMITS, maxUnverifiedBytes: total, maxUnverifiedPerConnection: maxBodyBytes, ...set };
}
