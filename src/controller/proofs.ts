import type { MessengerPage } from '../api/v1alpha1/types.gen.js';
import type { Clock } from '../kit/clock.js';
import type { Proof } from '../core/domain/token-check.js';
import { findCondition } from '../runtime/conditions.js';

export interface ProofState {
  readonly proof: Proof;
  /** Whether this process, or an earlier leader, has looked at the token. */
  readonly examined: boolean;
  /**
   * The answer is still to come: Graph could not be asked yet, or the Secret may be created any
   * moment.
   */
  readonly pending: boolean;
  /**
   * Since when this process has known the token to be dead or another page's. Of the monotonic
   * clock.
   */
  readonly refutedSinceMs: number | undefined;
}

const FOREIGN_REASONS: readonly string[] = ['TokenWrongPage', 'TokenWrongApp'];
const DEAD_REASONS: readonly string[] = ['TokenExpired', 'TokenInvalidated'];
/**
 * The value is gone. Whether it had died before is not written down: what it once proved is good
 * for no vacancy.
 */
const GONE_REASONS: readonly string[] = ['SecretNotFound', 'SecretKeyMissing', 'TokenMalformed'];

/**
 * What each page's token has proven, in memory, one entry a page. Of a page that this process has
 * not looked at yet the status tells: that is written by leaders alone.
 */
export class Proofs {
  readonly #clock: Clock;
  readonly #states = new Map<string, ProofState>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * What Graph said just now. A token that is refuted stays so since the first time it was found
   * so.
   */
  set(uid: string, proof: Proof): void {
    const was = this.#states.get(uid);
    const refutedSinceMs = isRefuted(proof) ? (was?.refutedSinceMs ?? this.#clock.monotonicMs()) : undefined;
    this.#states.set(uid, { proof, examined: true, pending: false, refutedSinceMs });
  }

  /**
   * There is no value to ask about yet, but there may be one soon. Changes nothing that was found
   * out before.
   */
  await(uid: string): void {
    if (this.#states.has(uid)) return;
    this.#states.set(uid, { proof: 'unproven', examined: false, pending: true, refutedSinceMs: undefined });
  }

  /**
   * There is no usable value any more. What the last one proved stays, except that it was another
   * page's.
   */
  withdraw(uid: string): void {
    const was = this.#states.get(uid);
    if (was?.examined !== true || was.proof === 'foreign') this.set(uid, 'unproven');
  }

  of(page: MessengerPage): ProofState {
    const uid = page.metadata.uid ?? '';
    const known = this.#states.get(uid);
    if (known !== undefined) return known;
    const proof = proofInStatus(page.status);
    const valid = findCondition(page.status?.conditions, 'TokenValid');
    const examined = proof === 'proven' || (valid !== undefined && valid.status !== 'Unknown');
    if (!isRefuted(proof)) return { proof, examined, pending: !examined, refutedSinceMs: undefined };
    this.set(uid, proof);
    return { proof, examined, pending: false, refutedSinceMs: this.#clock.monotonicMs() };
  }

  forget(uid: string | undefined): void {
    this.#states.delete(uid ?? '');
  }
}

function isRefuted(proof: Proof): boolean {
  return proof === 'dead' || proof === 'foreign';
}

function proofInStatus(status: MessengerPage['status']): Proof {
  const valid = findCondition(status?.conditions, 'TokenValid');
  const failed = valid?.status === 'False' ? valid.reason : '';
  if (FOREIGN_REASONS.includes(failed)) return 'foreign';
  if (DEAD_REASONS.includes(failed)) return 'dead';
  if (GONE_REASONS.includes(failed)) return 'unproven';
  return status?.token?.fingerprint === undefined ? 'unproven' : 'proven';
}
