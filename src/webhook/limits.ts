const KIB = 1_024;
const MIB = 1_024 * KIB;

/** Every bound of the public listener. Times in milliseconds, sizes in bytes. */
export interface WebhookLimits {
  /** Largest POST body; `--max-body-bytes`. */
  readonly maxBodyBytes: number;
  /** Verified POSTs that are not answered yet; `--max-in-flight`. One more is answered 503, mostly without reading it. */
  readonly maxInFlight: number;
  /** How long Meta may be asked to come again, from `entry.time`; `--direct-give-up`. Meta unsubscribes after an hour. */
  readonly giveUpMs: number;
  /** All bodies together that no signature has vouched for yet. */
  readonly maxUnverifiedBytes: number;
  /** The part of it that only bodies up to `smallBodyBytes` may use: nearly all of Meta's, so that big junk leaves them room. */
  readonly reservedForSmallBytes: number;
  readonly smallBodyBytes: number;
  /** Of one connection, so that pipelining multiplies nothing. */
  readonly maxUnverifiedPerConnection: number;
  /**
   * Large bodies that no signature has vouched for, all together: hashing them must leave time for the small ones, and so must
   * the garbage collector, whom 16 MiB a second call twice a second.
   */
  readonly largeBytesPerSecond: number;
  /** So much of them is read at once after some calm. */
  readonly largeBurstBytes: number;
  /**
   * A body slower than this after `slowGraceMs` is cut: slow-loris. Meta itself has given up by then; cut sooner, strangers come
   * back sooner, and that is what they cost.
   */
  readonly minBytesPerSecond: number;
  readonly slowGraceMs: number;
  /** A whole body. Meta itself gives up after 5 s. */
  readonly maxBodyMs: number;
  readonly headersTimeoutMs: number;
  /** Longer than the usual 60 s of a load balancer, so that it is the balancer that closes and no request meets a reset. */
  readonly keepAliveTimeoutMs: number;
  readonly maxHeaderBytes: number;
  readonly maxHeaders: number;
  /** Some 6 KiB each while they are silent, then 28 KiB and their headers while these arrive. */
  readonly maxConnections: number;
  /** A refused body is read on for this long, so that the sender sees the answer and not a reset. */
  readonly lingerBytes: number;
  readonly lingerMs: number;
  /** While draining, the listener stays open until no request came for so long: endpoints need a moment to drop. */
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

/** Meta's challenge is ten digits; whatever we echo is bounded. */
export const MAX_CHALLENGE_BYTES = 256;
export const MAX_SECRETS_PER_APP = 2;
/** A watch that spoke within this time knows the pages: bookmarks come about once a minute. */
export const WATCH_FRESH_MS = 90_000;
/** After so much silence an unknown page is answered 200 again: an hour of 503 would make Meta unsubscribe it. */
export const WATCH_LOST_MS = 10 * 60_000;

/** The defaults with what a caller sets; the per-connection bound follows the body bound. */
export function webhookLimits(set: Partial<WebhookLimits> = {}): WebhookLimits {
  const maxBodyBytes = set.maxBodyBytes ?? DEFAULT_WEBHOOK_LIMITS.maxBodyBytes;
  const reserved = set.reservedForSmallBytes ?? DEFAULT_WEBHOOK_LIMITS.reservedForSmallBytes;
  const total = Math.max(DEFAULT_WEBHOOK_LIMITS.maxUnverifiedBytes, 4 * maxBodyBytes + reserved);
  return { ...DEFAULT_WEBHOOK_LIMITS, maxUnverifiedBytes: total, maxUnverifiedPerConnection: maxBodyBytes, ...set };
}
