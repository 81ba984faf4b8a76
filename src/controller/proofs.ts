import type { MessengerPage } from '../api/v1alpha1/types.gen.js';
import type { Clock } from '../kit/clock.js';
import type { Proof } from '../core/domain/token-check.js';
import { findCondition } from '../runtime/conditions.js';

export interface ProofState {
  readonly proof: Proof;
  /** Whether this process, or an earlier leader, has looked at the token. */
  readonly examined: boolean;
  /** Since when this process has known the token to be dead. Of the monotonic clock. */
  readonly deadSinceMs: number | undefined;
}

const FOREIGN_REASONS: readonly string[] = ['TokenWrongPage', 'TokenWrongApp'];
const DEAD_REASONS: readonly string[] = ['TokenExpired', 'TokenInvalidated'];
/** The value is gone. Whether it had died before is not written down: what it once proved is good for no vacancy. */
const GONE_REASONS: readonly string[] = ['SecretNotFound', 'SecretKeyMissing', 'TokenMalformed'];

/**
 * What each page's token has proven, in memory, one entry a page. Of a page that this process has not looked at yet the status
 * tells: that is written by leaders alone.
 */
export class Proofs {
  readonly #clock: Clock;
  readonly #states = new Map<string, ProofState>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What Graph said just now. A token that has been dead stays dead since the first time it was found so. */
  set(uid: string, proof: Proof): void {
    const was = this.#states.get(uid);
    const deadSinceMs = proof === 'dead' ? (was?.deadSinceMs ?? this.#clock.monotonicMs()) : undefined;
    this.#states.set(uid, { proof, examined: true, deadSinceMs });
  }

  /** There is no usable value any more: that the last one was another page's does not count any longer. */
  withdraw(uid: string): void {
    if (this.#states.get(uid)?.proof === 'foreign') this.set(uid, 'unproven');
  }

  of(page: MessengerPage): ProofState {
    const uid = page.metadata.uid ?? '';
    const known = this.#states.get(uid);
    if (known !== undefined) return known;
    const proof = proofInStatus(page.status);
    const examined = findCondition(page.status?.conditions, 'TokenValid') !== undefined;
    if (proof !== 'dead') return { proof, examined, deadSinceMs: undefined };
    this.set(uid, 'dead');
    return { proof, examined, deadSinceMs: this.#clock.monotonicMs() };
  }

  forget(uid: string | undefined): void {
    this.#states.delete(uid ?? '');
  }
}

function proofInStatus(status: MessengerPage['status']): Proof {
  const valid = findCondition(status?.conditions, 'TokenValid');
  const failed = valid?.status === 'False' ? valid.reason : '';
  if (FOREIGN_REASONS.includes(failed)) return 'foreign';
  if (DEAD_REASONS.includes(failed)) return 'dead';
  if (GONE_REASONS.includes(failed)) return 'unproven';
  return status?.token?.fingerprint === undefined ? 'unproven' : 'proven';
}
