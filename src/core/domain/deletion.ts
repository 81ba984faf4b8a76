/**
 * What is known about a page that is being deleted. A field that is undefined has not been found
 * out yet.
 */
export interface DeletionFacts {
  /** It held (appId, pageId) at some time. */
  readonly everHeld: boolean;
  /** `managementPolicy: Observe`. */
  readonly observeOnly: boolean;
  /**
   * Something may have been written to Graph for it: our finalizer is set before the first write.
   */
  readonly everWritten: boolean;
  readonly policy: 'Unsubscribe' | 'Retain';
  /** Whether another page of the same key took over, our finalizer on it. */
  readonly successor: boolean | undefined;
  /**
   * A write of ours may have arrived that Graph does not show yet: then no row in sight does not
   * mean that there is none.
   */
  readonly unconfirmedWrite?: boolean;
  /** Whether this install may write to Graph at all (`--read-only`). */
  readonly mayWrite: boolean;
  /**
   * What a live GET said of our row. `refused`: it never will answer (token, permission,
   * credentials); `failed`: not now.
   */
  readonly look: 'absent' | 'present' | 'refused' | 'no_credentials' | 'failed' | undefined;
  /** `done`: DELETE, and the read back shows no row of ours, or cannot be had any more. */
  readonly unsubscribe: 'done' | 'refused' | 'failed' | undefined;
  /** This and the two others by one clock, which does not jump. */
  readonly deletionMs: number;
  readonly firstAttemptMs: number;
  readonly attempts: number;
  /** How long Graph asked us to wait, where it did. */
  readonly retryAfterMs?: number | undefined;
  readonly timeoutMs: number;
  readonly nowMs: number;
}

export type DeletionStep =
  /** Find out this fact, then decide again. */
  | { readonly do: 'seek_successor' | 'look' | 'unsubscribe' }
  /**
   * `row` is that of the table in the design; `left`: our app may still be subscribed to the Page.
   */
  | { readonly do: 'release'; readonly row: 1 | 2 | 3 | 4 | 5 | 6 | 7; readonly left: boolean }
  | { readonly do: 'retry'; readonly row: 7; readonly afterMs: number };

/**
 * A leader that comes late still gets this long, or a deletion that waited for it would be given up
 * at once.
 */
const OWN_TIME_MS = 60_000;
const MIN_ATTEMPTS = 3;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 60_000;

/**
 * The rows of the deletion table, first match wins. Pure: the caller finds out facts until the
 * answer is release or retry.
 */
export function decideDeletion(facts: DeletionFacts): DeletionStep {
  const { everHeld, observeOnly, everWritten, policy, successor } = facts;
  if (!everHeld || observeOnly || !everWritten) return release(1);
  if (policy === 'Retain') return release(2);
  if (successor === undefined) return { do: 'seek_successor' };
  if (successor) return release(3);
  return decideAtGraph(facts);
}

function decideAtGraph(facts: DeletionFacts): DeletionStep {
  switch (facts.look) {
    case undefined:
      return { do: 'look' };
    case 'absent':
      return facts.unconfirmedWrite === true && facts.mayWrite ? decideUnsubscribe(facts) : release(4);
    case 'no_credentials':
      return release(6, true);
    case 'failed':
      return retryOrGiveUp(facts);
    case 'present':
    case 'refused':
      return facts.mayWrite ? decideUnsubscribe(facts) : release(6, true);
  }
}

function decideUnsubscribe(facts: DeletionFacts): DeletionStep {
  switch (facts.unsubscribe) {
    case undefined:
      return { do: 'unsubscribe' };
    case 'done':
      return release(5);
    case 'refused':
      return release(6, true);
    case 'failed':
      return retryOrGiveUp(facts);
  }
}

function retryOrGiveUp({ deletionMs, firstAttemptMs, attempts, retryAfterMs = 0, timeoutMs, nowMs }: DeletionFacts): DeletionStep {
  const untilMs = Math.max(deletionMs + timeoutMs, firstAttemptMs + OWN_TIME_MS);
  if (nowMs >= untilMs && attempts >= MIN_ATTEMPTS) return release(7, true);
  const backoff = Math.max(retryAfterMs, Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(Math.max(0, attempts - 1), 10)));
  return { do: 'retry', row: 7, afterMs: nowMs >= untilMs ? FIRST_RETRY_MS : Math.max(FIRST_RETRY_MS, Math.min(backoff, untilMs - nowMs)) };
}

function release(row: 1 | 2 | 3 | 4 | 5 | 6 | 7, left = false): DeletionStep {
  return { do: 'release', row, left };
}
