const MIB = 1_024 * 1_024;

/** Every bound of direct delivery. Times in milliseconds, sizes in bytes. */
export interface DeliveryLimits {
  /** How long an event may be asked for again, from `entry.time`; `--direct-give-up`. Meta unsubscribes after an hour. */
  readonly giveUpMs: number;
  /** From the POST's last byte: what is not decided then is answered 503. Meta waits 5 s. */
  readonly answerWithinMs: number;
  /** From the POST's last byte: for so long its delivery goes on after that answer. */
  readonly goOnMs: number;
  /** Duplicates are dropped for so long; at least `giveUpMs` and ten minutes more; `--dedupe-window`. */
  readonly dedupeWindowMs: number;
  /** Outcomes remembered, 16 bytes each; beyond, the oldest are forgotten first. */
  readonly maxRemembered: number;
  /** Items and bytes of all POSTs that are being delivered; as many bytes again in the requests made of them. One more POST is answered `unavailable` at once. */
  readonly maxItems: number;
  readonly maxHeldBytes: number;
  /** A page whose lane holds this many times its `maxInFlight` gets nothing more: a hanging bot holds up only itself. */
  readonly laneDepth: number;
  /** A backend that accepted nothing for so long cannot refuse. */
  readonly refusalNeedsAcceptanceMs: number;
  /** Nor can one that refused so many requests since it last accepted one. */
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
  maxItems: 50_000,
  maxHeldBytes: 128 * MIB,
  laneDepth: 32,
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
