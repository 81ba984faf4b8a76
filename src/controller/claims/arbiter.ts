import type { MessengerPage, MessengerPageStatus } from '../../api/v1alpha1/types.gen.js';
import { BoundedMap } from '../../kit/bounded-map.js';
import { decideClaim, type ClaimCandidate, type ClaimDecision, type ClaimWrite, type PageClaim } from '../../core/domain/claim.js';
import { StaleReadError } from '../../core/domain/errors.js';
import { keyOf, keyText, type NamespacedName } from '../../core/domain/object-key.js';
import type { StatusWriter } from '../../runtime/ports.js';
import { appKeyOf, classOf } from '../../relations/relations.js';
import { candidateOf } from './candidate.js';
import type { ClaimArbiterDeps } from './ports.js';

/** What a pass learns about the claim of its page. */
export interface ClaimOutcome {
  /** undefined: it has none, and never had the consent that one would need. */
  readonly claim: PageClaim | undefined;
  /** Who holds (appId, pageId), if anybody does. */
  readonly holder: NamespacedName | undefined;
  readonly recheckAfterMs: number | undefined;
}

/** Keys are remembered longer than pages: those of pages that are gone would pile up. */
const MAX_KEYS = 100_000;
const ELDER_WAIT_MS = 10_000;

interface Round {
  readonly pages: ReadonlyMap<string, MessengerPage>;
  readonly candidates: readonly ClaimCandidate[];
  readonly decision: ClaimDecision;
}

/**
 * Decides and publishes who owns (appId, pageId). The caller must be the only one at work on this
 * key (a mutex per key), and the leader: the status writer checks that. Before anything is written
 * every page concerned is read live, and judged again.
 */
export class ClaimArbiter {
  readonly #deps: ClaimArbiterDeps;
  readonly #ownWriter: StatusWriter<MessengerPage>;
  /** uid → what this process last wrote: newer than the cache */
  readonly #ledger = new Map<string, PageClaim>();
  /**
   * claim key → highest epoch ever seen, so that one that comes after a holder that is gone counts
   * on
   */
  readonly #epochs = new BoundedMap<string, number>(MAX_KEYS);
  /**
   * claim key → since when a vacancy has been waiting for an older page to be looked at;
   * short-lived
   */
  readonly #waitingSinceMs = new BoundedMap<string, number>(MAX_KEYS);
  /** claim keys of which a write may or may not have arrived */
  readonly #uncertain = new BoundedMap<string, true>(MAX_KEYS);

  constructor(deps: ClaimArbiterDeps) {
    this.#deps = deps;
    this.#ownWriter = deps.statuses.writer(deps.status);
  }

  /**
   * Makes the statuses of all who want this page's key say what is decided, and tells what that
   * means for `page`.
   * @throws StaleReadError when it is too early to decide, ClusterUnavailableError, NotLeaderError
   */
  async settle(page: MessengerPage, appId: string, signal: AbortSignal): Promise<ClaimOutcome> {
    const key = `${appId}/${page.spec.pageId}`;
    const cached = this.#judge(this.#rivals(page), page, appId);
    this.#waitForElder(key, cached);
    if (this.#writesOf(cached, page).length === 0 && !this.#uncertain.has(key)) return this.#outcome(cached, page, appId);
    const live = await this.#readLive(cached, signal);
    const round = this.#judge(live, page, appId);
    for (const write of this.#writesOf(round, page)) await this.#publish(round, write, { page, appId, signal });
    this.#uncertain.delete(key);
    return this.#outcome(round, page, appId);
  }

  /**
   * The pages that could take over from one that is being deleted: same key, consented, not being
   * deleted as far as the cache knows, and proven or holding the claim already; the holder comes
   * first.
   */
  successorsOf(page: MessengerPage, appId: string): readonly MessengerPage[] {
    const { pages, candidates, decision } = this.#judge(this.#rivals(page), page, appId);
    return candidates
      .filter(({ uid, deleting, consented }) => uid !== page.metadata.uid && !deleting && consented)
      .filter(({ uid, proof, claim }) => proof === 'proven' || (uid === decision.holder && claim?.state === 'Held'))
      .sort((a, b) => Number(b.uid === decision.holder) - Number(a.uid === decision.holder))
      .flatMap(({ uid }) => pages.get(uid) ?? []);
  }

  /** Called when a page is gone for good. */
  forget(uid: string | undefined): void {
    this.#ledger.delete(uid ?? '');
  }

  /**
   * Of pages that are applied together the oldest gets the claim, whichever pass comes first: for a
   * short time a vacancy waits for those that no pass has looked at.
   */
  #waitForElder(key: string, { decision }: Round): void {
    if (!decision.premature) {
      this.#waitingSinceMs.delete(key);
      return;
    }
    const nowMs = this.#deps.clock.monotonicMs();
    const sinceMs = this.#waitingSinceMs.get(key) ?? nowMs;
    this.#waitingSinceMs.set(key, sinceMs);
    if (nowMs - sinceMs < ELDER_WAIT_MS) throw new StaleReadError(`an older page that wants ${key} has not been looked at yet`);
  }

  /** Every page of this install that wants the key, the one at hand included. */
  #rivals(page: MessengerPage): readonly MessengerPage[] {
    const { pages, apps, statuses, className } = this.#deps;
    const found = pages
      .byIndex('pageId', page.spec.pageId)
      .filter((one) => classOf(apps.get(appKeyOf(one))) === className && one.metadata.uid !== page.metadata.uid);
    return [page, ...found.map((one) => statuses.current(one))];
  }

  #judge(pages: readonly MessengerPage[], self: MessengerPage, appId: string): Round {
    const { apps, appStatuses, namespaces, proofs, clock } = this.#deps;
    // Live, another object may have the name by now, and want another Page.
    const rivals = pages.filter(({ spec }) => spec.pageId === self.spec.pageId);
    const wanting = rivals.flatMap((found) => {
      const known = apps.get(appKeyOf(found));
      const app = known === undefined ? undefined : appStatuses.current(known);
      const page = this.#withLedger(found);
      if ((app?.spec.appId ?? page.status?.claim?.appId) !== appId && page.status?.claim?.appId !== appId) return [];
      return [{ page, candidate: candidateOf(page, app, { appId, namespaces, proof: proofs.of(page) }) }];
    });
    const candidates = wanting.map(({ candidate }) => candidate);
    const key = `${appId}/${self.spec.pageId}`;
    const highest = Math.max(this.#epochs.get(key) ?? 0, ...candidates.map(({ claim }) => claim?.epoch ?? 0));
    this.#noteEpoch(key, highest);
    const decision = decideClaim(candidates, clock.monotonicMs(), highest);
    return { pages: new Map(wanting.map(({ page }) => [page.metadata.uid ?? '', page])), candidates, decision };
  }

  #withLedger(page: MessengerPage): MessengerPage {
    const claim = this.#ledger.get(page.metadata.uid ?? '');
    return claim === undefined ? page : { ...page, status: { ...page.status, claim } };
  }

  /** Others write their own waiting; what must not wait is who gets the claim and who loses it. */
  #writesOf({ decision, candidates }: Round, self: MessengerPage): readonly ClaimWrite[] {
    const holds = new Set(candidates.filter(({ claim }) => claim?.state === 'Held').map(({ uid }) => uid));
    return decision.writes.filter(({ uid, state }) => uid === self.metadata.uid || state === 'Held' || holds.has(uid));
  }

  /** What the server has counts, not what this process believes to have written. */
  async #readLive({ pages }: Round, signal: AbortSignal): Promise<readonly MessengerPage[]> {
    const live = await Promise.all([...pages.values()].map((page) => this.#deps.livePages.get(keyOf(page), signal)));
    const found = live.filter((page) => page !== undefined);
    for (const { metadata } of found) this.#ledger.delete(metadata.uid ?? '');
    return found;
  }

  async #publish(
    round: Round,
    { uid, state, epoch }: ClaimWrite,
    { page, appId, signal }: { readonly page: MessengerPage; readonly appId: string; readonly signal: AbortSignal },
  ): Promise<void> {
    const target = round.pages.get(uid);
    if (target === undefined) return;
    const claim: PageClaim = { appId, pageId: page.spec.pageId, state, epoch };
    const status: MessengerPageStatus = { ...target.status, claim };
    const writer = uid === page.metadata.uid ? this.#ownWriter : this.#deps.status;
    const key = `${appId}/${page.spec.pageId}`;
    this.#uncertain.set(key, true);
    await writer.write(target, status, signal);
    this.#ledger.set(uid, claim);
    // The page may be gone before anybody judges it again: who comes after it counts on all the
    // same.
    this.#noteEpoch(key, Math.max(this.#epochs.get(key) ?? 0, epoch));
    this.#deps.log.info('claim written', { page: keyText(keyOf(target)), appId, pageId: claim.pageId, state, epoch });
  }

  #outcome({ pages, decision }: Round, page: MessengerPage, appId: string): ClaimOutcome {
    const { uid = '' } = page.metadata;
    const own = this.#ledger.get(uid) ?? pages.get(uid)?.status?.claim;
    const holder = pages.get(decision.holder ?? '');
    return {
      claim: isFor(own, appId, page) ? own : undefined,
      holder: holder && keyOf(holder),
      recheckAfterMs: decision.recheckAfterMs,
    };
  }

  #noteEpoch(key: string, epoch: number): void {
    if (epoch !== 0) this.#epochs.set(key, epoch);
  }
}

function isFor(claim: PageClaim | undefined, appId: string, page: MessengerPage): boolean {
  return claim?.appId === appId && claim.pageId === page.spec.pageId;
}
