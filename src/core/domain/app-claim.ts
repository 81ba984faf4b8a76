/** One MessengerApp that wants an appId. */
export interface AppCandidate {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly creationTimestamp: string;
  readonly deleting: boolean;
  /** Its status says that it has the appId. */
  readonly holds: boolean;
  /** What Graph said about its credentials; `unknown` until it was asked. */
  readonly credentials: 'good' | 'bad' | 'unknown';
  /** Since when they have been bad, milliseconds since the epoch. */
  readonly badSinceMs: number | undefined;
}

const BAD_FOR_MS = 10 * 60_000;

/**
 * Which MessengerApp an appId belongs to; the uid, or undefined if none may have it. Sticky like a page's claim: it ends when
 * the object is gone, when it is being deleted or its credentials have been refused for 10 minutes while another's were
 * accepted. A vacancy goes to the oldest of those whose credentials Graph accepted, else to the oldest.
 */
export function decideAppClaim(candidates: readonly AppCandidate[], nowMs: number): string | undefined {
  const holder = candidates.filter(({ holds }) => holds).sort(byAge)[0];
  const rivals = candidates.filter((one) => one !== holder && !one.deleting);
  const goodRival = rivals.filter(({ credentials }) => credentials === 'good').sort(byAge)[0];
  if (holder === undefined) return (goodRival ?? rivals.sort(byAge)[0])?.uid;
  if (goodRival === undefined) return holder.uid;
  const bad = holder.credentials === 'bad' && holder.badSinceMs !== undefined && nowMs - holder.badSinceMs >= BAD_FOR_MS;
  return holder.deleting || bad ? goodRival.uid : holder.uid;
}

/** Oldest first, then by namespace and name. */
export function byAge(
  a: Pick<AppCandidate, 'creationTimestamp' | 'namespace' | 'name'>,
  b: Pick<AppCandidate, 'creationTimestamp' | 'namespace' | 'name'>,
): number {
  const text = (one: typeof a): string => [one.creationTimestamp, one.namespace, one.name].join('\u0000');
  return text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0;
}
