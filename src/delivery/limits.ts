const MIB = 1_024 * 1_024;

/** Every bound of direct delivery. Times in milliseconds, sizes in bytes. */
export interface DeliveryLimits {
  /**
   * How long Meta is asked to send an event again, counted from `entry.time`; `--direct-give-up`.
   * Meta unsubscribes after an hour.
   */
  readonly giveUpMs: number;
  /**
   * From the POST's last byte: if it is not decided by then, Meta is answered 503. Meta waits 5 s.
   */
  readonly answerWithinMs: number;
  /** From the POST's last byte: how long delivery goes on, also after that answer. */
  readonly goOnMs: number;
  /**
   * How long duplicates are recognised; at least `giveUpMs` and ten minutes more;
   * `--dedupe-window`.
   */
  readonly dedupeWindowMs: number;
  /** Final outcomes remembered, 16 bytes each; beyond, the oldest are forgotten first. */
  readonly maxRemembered: number;
  /**
   * POSTs that Meta waits for; `--max-in-flight`. Each page, namespace and app has a share of
   * these, and of the next two.
   */
  readonly maxPosts: number;
  /**
   * Items and bytes of all POSTs in delivery, and as many bytes again in the requests made from
   * them. What goes beyond is `unavailable` at once.
   */
  readonly maxItems: number;
  readonly maxHeldBytes: number;
  /**
   * Items in a page's lane for each of its `maxInFlight`; it takes nothing more. So many pass in
   * the four seconds that Meta waits if the bot takes 30 ms for each.
   */
  readonly laneDepth: number;
  /** The refusals of a backend are not trusted if it accepted nothing for this long. */
  readonly refusalNeedsAcceptanceMs: number;
  /** Nor if it refused more requests than this since it last accepted one. */
  readonly refusalsBelieved: number;
  /** Failures in a row, without any answer between them, that open a backend's circuit. */
  readonly circuitFailures: number;
  readonly circuitFirstOpenMs: number;
  readonly circuitMaxOpenMs: number;
}

export const DEFAULT_DELIVERY_LIMITS: DeliveryLimits = {
  giveUpMs: 20 * 60_000,
  answerWithinMs: 4_000,
  goOnMs: 60_000,
  dedupeWindowMs: 30 * 60_000,
  maxRemembered: 1_048_576,
  maxPosts: 1_024,
  maxItems: 50_000,
  maxHeldBytes: 128 * MIB,
  laneDepth: 128,
  refusalNeedsAcceptanceMs: 10 * 60_000,
  refusalsBelieved: 5,
  circuitFailures: 5,
  circuitFirstOpenMs: 1_000,
  circuitMaxOpenMs: 30_000,
};

/** Outcomes have to outlive the last retry that can find them. */
const OUTLIVES_GIVE_UP_MS = 10 * 60_000;

export function deliveryLimits(set: Partial<DeliveryLimits> = {}): DeliveryLimits {
  const limits = { ...DEFAULT_DELIVERY_LIMITS, ...set };
  return { ...limits, dedupeWindowMs: Math.max(limits.dedupeWindowMs, limits.giveUpMs + OUTLIVES_GIVE_UP_MS) };
}
