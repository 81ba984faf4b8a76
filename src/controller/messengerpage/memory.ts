import type { MessengerPage, MessengerPageStatus } from '../../api/v1alpha1/types.gen.js';
import type { PageCredentials, TokenInfo } from '../../core/ports/graph.js';
import { BoundedMap } from '../../kit/bounded-map.js';
import { TokenBucket } from '../../kit/token-bucket.js';
import { keyOf, keyText, type NamespacedName } from '../../core/domain/object-key.js';
import type { TokenVerdict, WarnDays } from '../../core/domain/token-check.js';
import type { StallMemory } from '../stall.js';
import { ChangeLimit, type AdmittedChange } from './change-limit.js';
import { NO_CONTEST, type Contest, type Removals } from './contest.js';

/** What Graph said about one token value. Times of the monotonic clock. */
export interface TokenMemory {
  readonly fingerprint: string;
  /** What `debug_token` said, or the verdict of a call that Graph refused outright. */
  readonly answer: { readonly info: TokenInfo } | { readonly refused: TokenVerdict };
  /** `basisOf` when this was asked: after a change of it a bad answer is asked for again. */
  readonly basis: string;
  readonly dueMs: number;
  /** Times in a row that the answer was bad. */
  readonly badLooks: number;
}

/**
 * A write that Graph refused for good: not tried again before this time, or before something
 * changed.
 */
export interface RefusalMemory {
  /** `refusalBasisOf` when it was refused. */
  readonly basis: string;
  readonly reason: string;
  readonly message: string;
  readonly graphText: string | undefined;
  readonly looks: number;
  readonly untilMs: number;
}

/**
 * What this process remembers of one page besides the objects. Losing it costs a check or two and
 * never does harm: all that must survive a restart is in the status. Times of the monotonic clock.
 */
export interface PageMemory extends StallMemory {
  readonly uid: string;
  /** When this process met the page. */
  readonly metMs: number;
  /** When Graph was last looked at with success; at first, when this process met the page. */
  lookedMs: number;
  token: TokenMemory | undefined;
  /** What the last TokenExpiring Event was about. */
  expiryTold: { readonly expiresAt: number; readonly within: WarnDays } | undefined;
  /** When Graph was last asked for the Page's name. */
  namedMs: number | undefined;
  /** The last change that was let through to Graph. */
  admitted: AdmittedChange | undefined;
  refusal: RefusalMemory | undefined;
  /** Since our last write Graph has not been seen to show it. */
  unconfirmedWrite: boolean;
  contest: Contest;
  /** The generation and the wanted fields that `contest` is about. */
  contestBasis: string | undefined;
  removals: Removals | undefined;
  nextDrift: { readonly atMs: number; readonly intervalMs: number } | undefined;
  /** What is found out only once. Kept here as well, in case the status write with it gets lost. */
  facts: Pick<MessengerPageStatus, 'lastWriteTime' | 'pageName'>;
  deletion: { readonly firstAttemptMs: number; readonly deletionMs: number; attempts: number; told: boolean } | undefined;
  /**
   * The last proven ones, for deletion only: `kubectl delete -f .` takes Secret and app within
   * milliseconds.
   */
  credentials: PageCredentials | undefined;
}

const MAX_PAGES = 200_000;
/** Reads of new pages' names in their first pass. */
const NAMES_AT_ONCE = { capacity: 5, refillMs: 10_000 };

/** One `PageMemory` a page, until it is gone; a page of another uid begins anew. */
export class PageMemories {
  readonly #pages = new BoundedMap<string, PageMemory>(MAX_PAGES);
  /** Shared by all pages. */
  readonly namesAtOnce = new TokenBucket(NAMES_AT_ONCE);
  readonly changes = new ChangeLimit();

  of(page: MessengerPage, nowMs: number): PageMemory {
    const text = keyText(keyOf(page));
    const uid = page.metadata.uid ?? '';
    const known = this.#pages.get(text);
    if (known?.uid === uid) return known;
    const fresh = empty(uid, nowMs);
    this.#pages.set(text, fresh);
    return fresh;
  }

  peek(key: NamespacedName): PageMemory | undefined {
    return this.#pages.get(keyText(key));
  }

  forget(key: NamespacedName): void {
    this.#pages.delete(keyText(key));
  }
}

function empty(uid: string, nowMs: number): PageMemory {
  return {
    uid,
    metMs: nowMs,
    lookedMs: nowMs,
    token: undefined,
    expiryTold: undefined,
    namedMs: undefined,
    admitted: undefined,
    refusal: undefined,
    unconfirmedWrite: false,
    contest: NO_CONTEST,
    contestBasis: undefined,
    removals: undefined,
    nextDrift: undefined,
    missing: undefined,
    stall: undefined,
    facts: {},
    deletion: undefined,
    credentials: undefined,
  };
}
