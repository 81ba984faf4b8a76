import type { MessengerPageStatus } from '../../api/v1alpha1/types.gen.js';
import type { Proof } from './token-check.js';

export type PageClaim = NonNullable<MessengerPageStatus['claim']>;

/** One MessengerPage that wants (appId, pageId), as far as it matters for who gets it. */
export interface ClaimCandidate {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly creationTimestamp: string;
  readonly deleting: boolean;
  /** The app exists and consents to its namespace. */
  readonly consented: boolean;
  /** The app's namespace is its own. */
  readonly inAppNamespace: boolean;
  /** `accepted`: may take a vacancy; `undecided`: may keep what it holds; `superseded`: another MessengerApp has the appId. */
  readonly app: 'accepted' | 'undecided' | 'superseded';
  readonly proof: Proof;
  /** false: its token has not been checked yet, so that `proof` may still become better. */
  readonly examined: boolean;
  /** Since when its token has been definitely dead, by the clock of `nowMs`; undefined while it is not. */
  readonly deadSinceMs: number | undefined;
  /** What its status says about this very key; undefined while nothing was decided. */
  readonly claim: Pick<PageClaim, 'state' | 'epoch'> | undefined;
}

export interface ClaimWrite {
  readonly uid: string;
  readonly state: PageClaim['state'];
  readonly epoch: number;
}

export interface ClaimDecision {
  /** uid of who holds the key once `writes` are done. */
  readonly holder: string | undefined;
  /** In the order in which they must be made: the new holder, then those who lose it, then the rest. Empty: all is as it should be. */
  readonly writes: readonly ClaimWrite[];
  /** There is a vacancy, and an older candidate that could still come to be proven: better not decided yet. */
  readonly premature: boolean;
  /** When the same candidates would be judged otherwise; undefined: only a change does that. */
  readonly recheckAfterMs: number | undefined;
}

/** A token must have been dead for this long before another claimant may take the page over. */
const DEAD_FOR_MS = 10 * 60_000;

/**
 * Who owns (appId, pageId). Sticky: who holds it keeps it through restarts, outages, missing Secrets and dead tokens, until it
 * is gone, without consent or app, proven to be another page's, or definitely dead while another one is proven. A vacancy goes
 * to the proven claimant that is oldest, then by namespace and name; where none is proven, to one in the app's own namespace.
 * Pure, and the same for every order of `candidates`. `nowMs`: of a clock that does not jump. `knownEpoch`: the highest one
 * ever seen for this key.
 */
export function decideClaim(candidates: readonly ClaimCandidate[], nowMs: number, knownEpoch = 0): ClaimDecision {
  const current = currentHolder(candidates);
  const rivals = candidates.filter((one) => one !== current && mayTake(one));
  const end = current === undefined ? 'ended' : endOf(current, rivals, nowMs);
  const holder = end === 'keeps' || typeof end === 'number' ? current : [...candidates.filter(mayTake)].sort(byPrecedence)[0];
  const top = Math.max(knownEpoch, 0, ...candidates.map(({ claim }) => claim?.epoch ?? 0));
  return {
    holder: holder?.uid,
    writes: writesFor(candidates, holder, holder === current ? undefined : top + 1),
    premature: holder !== undefined && holder !== current && candidates.some((one) => mayComeBefore(one, holder)),
    recheckAfterMs: typeof end === 'number' ? end : undefined,
  };
}

/** Of several that say Held, which a crash between two writes leaves behind, the one of the highest epoch. */
function currentHolder(candidates: readonly ClaimCandidate[]): ClaimCandidate | undefined {
  return candidates.filter(isHeld).sort(byEpoch)[0];
}

function isHeld({ claim }: ClaimCandidate): boolean {
  return claim?.state === 'Held';
}

/** Who holds it comes first. */
function byEpoch(a: ClaimCandidate, b: ClaimCandidate): number {
  return (b.claim?.epoch ?? 0) - (a.claim?.epoch ?? 0) || byAge(a, b);
}

/** A number: it keeps the claim, but only for this many milliseconds. */
function endOf(holder: ClaimCandidate, rivals: readonly ClaimCandidate[], nowMs: number): 'keeps' | 'ended' | number {
  if (!holder.consented || holder.proof === 'foreign') return 'ended';
  const provenRival = rivals.some(({ proof }) => proof === 'proven');
  if (!provenRival) return 'keeps';
  if (holder.deleting || holder.app === 'superseded') return 'ended';
  if (holder.proof !== 'dead' || holder.deadSinceMs === undefined) return 'keeps';
  const leftMs = holder.deadSinceMs + DEAD_FOR_MS - nowMs;
  return leftMs <= 0 ? 'ended' : leftMs;
}

function mayTake({ deleting, consented, app, proof, inAppNamespace }: ClaimCandidate): boolean {
  if (deleting || !consented || app !== 'accepted') return false;
  return proof === 'proven' || (inAppNamespace && proof !== 'foreign');
}

function mayComeBefore(one: ClaimCandidate, holder: ClaimCandidate): boolean {
  return one !== holder && !one.examined && mayTake({ ...one, proof: 'proven' }) && byPrecedence({ ...one, proof: 'proven' }, holder) < 0;
}

function byPrecedence(a: ClaimCandidate, b: ClaimCandidate): number {
  return Number(b.proof === 'proven') - Number(a.proof === 'proven') || byAge(a, b);
}

function byAge(a: ClaimCandidate, b: ClaimCandidate): number {
  return compare(a.creationTimestamp, b.creationTimestamp) || compare(a.namespace, b.namespace) || compare(a.name, b.name);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function writesFor(
  candidates: readonly ClaimCandidate[],
  holder: ClaimCandidate | undefined,
  newEpoch: number | undefined,
): readonly ClaimWrite[] {
  const first = holder !== undefined && newEpoch !== undefined ? [{ uid: holder.uid, state: 'Held' as const, epoch: newEpoch }] : [];
  const others = candidates.filter((one) => one !== holder);
  // The one that held it longest ago first: a crash in between must not leave it as the only one that says Held.
  const losers = others.filter(isHeld).sort((a, b) => byEpoch(b, a));
  return [...first, ...[...losers, ...others.filter((one) => !isHeld(one))].flatMap(loserWrite)];
}

/** A page that never had the consent gets no claim at all: its status would tell the id of an app that it may not know of. */
function loserWrite({ uid, consented, claim }: ClaimCandidate): readonly ClaimWrite[] {
  if (!consented && claim === undefined) return [];
  const state = consented ? 'Waiting' : 'Refused';
  return claim?.state === state ? [] : [{ uid, state, epoch: claim?.epoch ?? 0 }];
}
