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
  /**
   * `accepted`: may take a vacancy; `undecided`: may keep what it holds; `superseded`: another
   * MessengerApp has the appId.
   */
  readonly app: 'accepted' | 'undecided' | 'superseded';
  readonly proof: Proof;
  /** false: its token has not been checked yet, so that `proof` may still become better. */
  readonly examined: boolean;
  /**
   * The proof is still to come: no leader has looked at the token yet, Graph could not answer, or
   * the Secret was created a moment ago or not yet. Such a page loses no event by that: Meta gets
   * 503 and sends it later.
   */
  readonly pending: boolean;
  /** Since when its token has been dead or of another page or app, by the clock of `nowMs`. */
  readonly refutedSinceMs: number | undefined;
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
  /**
   * In the order in which they must be made: the new holder, then those who lose it, then the rest.
   * Empty: all is as it should be.
   */
  readonly writes: readonly ClaimWrite[];
  /**
   * There is a vacancy, and an older candidate that could still come to be proven: better not
   * decided yet.
   */
  readonly premature: boolean;
  /** When the same candidates would be judged otherwise; undefined: only a change does that. */
  readonly recheckAfterMs: number | undefined;
}

/**
 * A token must have been dead, or another page's, for this long before a proven claimant takes
 * over.
 */
const REFUTED_FOR_MS = 10 * 60_000;

/**
 * Who owns (appId, pageId). Only a page whose token was proven once gets a claim. From then on the
 * claim is sticky: restarts, outages, a missing Secret and a dead token do not end it. It ends when
 * the object is gone, when its app or the app's consent is gone, or when another claimant is proven
 * while this one is being deleted, or its token has been dead or of another page or app for 10
 * minutes. A vacancy goes to the oldest proven claimant, then by namespace and name; without one,
 * to a page that held the claim until its consent was withdrawn.
 * Pure, and the same for every order of `candidates`. `nowMs`: of a clock that does not jump.
 * `knownEpoch`: the highest one ever seen for this key.
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

/**
 * Of several that say Held, which a crash between two writes leaves behind, the one of the highest
 * epoch.
 */
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
  if (!holder.consented) return 'ended';
  const provenRival = rivals.some(({ proof }) => proof === 'proven');
  if (!provenRival) return 'keeps';
  if (holder.deleting || holder.app === 'superseded') return 'ended';
  const refuted = holder.proof === 'dead' || holder.proof === 'foreign';
  if (!refuted || holder.refutedSinceMs === undefined) return 'keeps';
  const leftMs = holder.refutedSinceMs + REFUTED_FOR_MS - nowMs;
  return leftMs <= 0 ? 'ended' : leftMs;
}

function mayTake(one: ClaimCandidate): boolean {
  if (one.deleting || !one.consented || one.app !== 'accepted') return false;
  return one.proof === 'proven' || wasProven(one);
}

/**
 * Its consent was withdrawn while it held the claim: with the consent back it needs no new proof.
 */
function wasProven({ claim, proof }: ClaimCandidate): boolean {
  return claim?.state === 'Refused' && claim.epoch > 0 && proof !== 'foreign';
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
  // The one that held it longest ago first: a crash in between must not leave it as the only one
  // that says Held.
  const losers = others.filter(isHeld).sort((a, b) => byEpoch(b, a));
  return [...first, ...[...losers, ...others.filter((one) => !isHeld(one))].flatMap((one) => loserWrite(one, holder === undefined))];
}

/**
 * A page that never had the consent gets no claim at all: its status would reveal the id of an app
 * that it may not know. Nor does one whose proof is still to come, while the key is free.
 */
function loserWrite({ uid, consented, pending, claim }: ClaimCandidate, isFree: boolean): readonly ClaimWrite[] {
  if (claim === undefined && (!consented || (pending && isFree))) return [];
  const state = consented ? 'Waiting' : 'Refused';
  return claim?.state === state ? [] : [{ uid, state, epoch: claim?.epoch ?? 0 }];
}
