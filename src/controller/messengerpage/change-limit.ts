import type { MessengerPage } from '../../api/v1alpha1/types.gen.js';
import { RateLimitedError } from '../../core/domain/errors.js';
import { BoundedMap } from '../../kit/bounded-map.js';
import { TokenBucket } from '../../kit/token-bucket.js';
import { namespaceOf, reconcileRequestOf } from '../../relations/relations.js';

/**
 * Changes of one Page's spec that go to Graph: so many at once, then one a minute. Each costs up to
 * eight calls.
 */
const CHANGES = { capacity: 60, refillMs: 60_000 };
/** New tokens of one Page. Each costs two to four calls, and a bot may wait for it. */
const TOKENS = { capacity: 60, refillMs: 15_000 };
/**
 * The same for `reconcile-at`, which does not wait for the changes, so that a user can shorten
 * their wait.
 */
const REQUESTS = { capacity: 3, refillMs: 60_000 };
const MAX_PAGES = 20_000;

interface PageLimits {
  readonly changes: TokenBucket;
  readonly tokens: TokenBucket;
  readonly requests: TokenBucket;
}

/** What a pass was last let through with. */
export interface AdmittedChange {
  readonly generation: number;
  /** Of the token. */
  readonly fingerprint: string;
  readonly request: string | undefined;
}

interface ChangedPage {
  readonly page: MessengerPage;
  readonly memory: { admitted: AdmittedChange | undefined };
}

/**
 * Bounds how often changes of a Page's objects lead to calls of Graph: one field flipped four times
 * a second used to spend the app's whole hour. Counted by namespace and pageId, so that creating
 * the object anew does not evade it. Drift checks and retries of the same change are not counted:
 * they have their own intervals.
 */
export class ChangeLimit {
  readonly #pages = new BoundedMap<string, PageLimits>(MAX_PAGES);

  /** @throws RateLimitedError, of our own, until the change may go to Graph */
  admit({ page, memory }: ChangedPage, fingerprint: string, nowMs: number): void {
    const change: AdmittedChange = { generation: page.metadata.generation ?? 0, fingerprint, request: reconcileRequestOf(page) };
    const before = memory.admitted;
    const asked = isNewRequest(page, before, change);
    const isSameSpec = before?.generation === change.generation;
    if (!asked && isSameSpec && before.fingerprint === fingerprint) return;
    const { changes, tokens, requests } = this.#of(`${namespaceOf(page)}/${page.spec.pageId}`);
    const waitMs = asked && requests.take(nowMs) === 0 ? 0 : (isSameSpec ? tokens : changes).take(nowMs);
    if (waitMs > 0) throw new RateLimitedError('the page was changed too often', waitMs, { scope: 'page' });
    memory.admitted = change;
  }

  #of(key: string): PageLimits {
    const limits = this.#pages.get(key) ?? {
      changes: new TokenBucket(CHANGES),
      tokens: new TokenBucket(TOKENS),
      requests: new TokenBucket(REQUESTS),
    };
    this.#pages.set(key, limits);
    return limits;
  }
}

function isNewRequest({ status }: MessengerPage, before: AdmittedChange | undefined, { request }: AdmittedChange): boolean {
  return request !== undefined && request !== before?.request && request !== status?.lastHandledReconcileAt;
}
