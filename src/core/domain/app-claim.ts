/** One MessengerApp that wants an appId. */
export interface AppCandidate {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly creationTimestamp: string;
  readonly deleting: boolean;
  /** Its status says that it has the appId: Graph accepted its credentials once. */
  readonly holds: boolean;
  /**
   * What Graph said about its credentials; `unknown` until Graph was asked, and while it cannot be.
   */
  readonly credentials: 'good' | 'bad' | 'unknown';
  /**
   * Since when they have not been good, milliseconds since the epoch; undefined: they are, or never
   * were.
   */
  readonly notGoodSinceMs: number | undefined;
}

const NOT_GOOD_FOR_MS = 10 * 60_000;

export interface AppClaimDecision {
  /** uid; undefined: no app may have the appId yet. */
  readonly holder: string | undefined;
  /** When the same candidates would be judged otherwise; undefined: only a change does that. */
  readonly recheckAfterMs: number | undefined;
}

/**
 * Which MessengerApp an appId belongs to. An app gets it only with credentials that Graph accepted,
 * the oldest first, and then keeps it. It loses it to one with good credentials when it is being
 * deleted, or when its own have not been good for 10 minutes. An app id is public: to write it
 * into an object proves nothing.
 */
export function decideAppClaim(candidates: readonly AppCandidate[], nowMs: number): AppClaimDecision {
  const holder = candidates.filter(({ holds }) => holds).sort(byAge)[0];
  const rival = candidates.filter((one) => one !== holder && !one.deleting && one.credentials === 'good').sort(byAge)[0];
  if (holder === undefined) return { holder: rival?.uid, recheckAfterMs: undefined };
  if (rival === undefined) return { holder: holder.uid, recheckAfterMs: undefined };
  if (holder.deleting) return { holder: rival.uid, recheckAfterMs: undefined };
  if (holder.credentials === 'good' || holder.notGoodSinceMs === undefined) return { holder: holder.uid, recheckAfterMs: undefined };
  const leftMs = holder.notGoodSinceMs + NOT_GOOD_FOR_MS - nowMs;
  return leftMs <= 0 ? { holder: rival.uid, recheckAfterMs: undefined } : { holder: holder.uid, recheckAfterMs: leftMs };
}

/** Oldest first, then by namespace and name. */
export function byAge(
  a: Pick<AppCandidate, 'creationTimestamp' | 'namespace' | 'name'>,
  b: Pick<AppCandidate, 'creationTimestamp' | 'namespace' | 'name'>,
): number {
  const text = (one: typeof a): string => [one.creationTimestamp, one.namespace, one.name].join('\u0000');
  return text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0;
}
