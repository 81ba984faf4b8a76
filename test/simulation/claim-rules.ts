import type { MessengerPage } from '../../src/api/v1alpha1/types.gen.js';
import { findCondition } from '../../src/runtime/conditions.js';
import { isBeingDeleted } from '../../src/runtime/finalizers.js';
import type { ServerChange } from './api-server.js';
import { MAX_WAY_MS } from './host.js';
import { appOf, claimKey, consents, epochOf, goodToken, heldPages, isHeld, pagesOf, takenEpoch } from './truth.js';
import type { World } from './world.js';

/** A status is given three tries of two ways each, and each way may take its time. */
const CLAIM_WINDOW_MS = 8 * MAX_WAY_MS;
/**
 * Whoever decides has seen by then what has been so for that long, however much stood in the way.
 */
const SEEN_BY_MS = 180_000;
/**
 * A token must have been dead, or another Page's, for so long before another page may take over.
 */
const DEAD_FOR_MS = 600_000;
/** Clocks differ, and times in deletionTimestamp are whole seconds. */
const SLACK_MS = 2_000;

/** Since when something has been so without a break, page by page. */
interface Lasting {
  readonly good: Map<string, number>;
  readonly consented: Map<string, number>;
}

/**
 * What holds of the claims as they are published: who may get one, who may lose one, in which
 * order.
 */
export class ClaimRules {
  /** Times that a page became the holder of its key. */
  takeovers = 0;
  readonly #world: World;
  readonly #violated: (property: string, what: string) => void;
  readonly #since: Lasting = { good: new Map(), consented: new Map() };
  /** uid → when its token was last good after it had been good for long */
  readonly #lastGoodMs = new Map<string, number>();
  readonly #everGood = new Set<string>();
  /**
   * Secret, Page and app → when its token was last good for them: a process may know the old value
   * for a while
   */
  readonly #goodInMs = new Map<string, number>();
  /** `key epoch` → uid */
  readonly #granted = new Map<string, string>();

  constructor(world: World, violated: (property: string, what: string) => void) {
    this.#world = world;
    this.#violated = violated;
  }

  /** To be called after whatever may change whose token is good, or who consents. */
  look(): void {
    for (const page of pagesOf(this.#world)) {
      const { uid = '' } = page.metadata;
      if (this.#lasts(this.#since.good, uid, SEEN_BY_MS)) this.#lastGoodMs.set(uid, this.#nowMs());
      const isGood = goodToken(this.#world, page) !== undefined;
      if (isGood) {
        this.#everGood.add(uid);
        this.#goodInMs.set(this.#placeOf(page), this.#nowMs());
      }
      this.#note(this.#since.good, uid, isGood);
      this.#note(this.#since.consented, uid, consents(this.#world, page) && isAccepted(this.#world, page));
    }
  }

  changed({ plural, gone, object, previous }: ServerChange): void {
    if (plural !== 'leases' && plural !== 'services') this.look();
    if (plural !== 'messengerpages' || gone) return;
    this.#taken(object as MessengerPage, previous as MessengerPage | undefined);
    this.#lost(object as MessengerPage, previous as MessengerPage | undefined);
  }

  #taken(page: MessengerPage, was: MessengerPage | undefined): void {
    const epoch = takenEpoch(page, was);
    const key = claimKey(page);
    if (epoch === undefined || key === undefined) return;
    this.takeovers += 1;
    if (page.status?.claim?.pageId !== page.spec.pageId) this.#violated('foreign_claim', `${page.metadata.name} is given ${key}`);
    const others = heldPages(this.#world, key).filter((one) => one.metadata.uid !== page.metadata.uid);
    const above = others.filter((one) => epochOf(one) >= epoch);
    if (above.length > 0) this.#violated('two_holders', `${key}: ${[page, ...above].map(({ metadata }) => metadata.name).join(' and ')}`);
    this.#checkEpoch(`${key} ${epoch}`, page);
    this.#checkRight(page, key);
    for (const other of others) this.#checkSticky(other, page, key);
  }

  /**
   * One epoch is one page's, as long as that page is there: replicas that see the one and those
   * that see the other route alike.
   */
  #checkEpoch(text: string, { metadata }: MessengerPage): void {
    const owner = this.#granted.get(text);
    this.#granted.set(text, metadata.uid ?? '');
    if (owner === undefined || owner === metadata.uid) return;
    if (pagesOf(this.#world).some((page) => page.metadata.uid === owner))
      this.#violated('epoch_twice', `${text} is given to ${metadata.name}`);
  }

  #checkRight(page: MessengerPage, key: string): void {
    const deletedForMs = this.#world.clock.nowMs() - Date.parse(page.metadata.deletionTimestamp ?? '');
    if (deletedForMs > this.#world.longestPauseMs + CLAIM_WINDOW_MS) {
      this.#violated('deleted_holder', `${key} goes to ${page.metadata.name}, deleted ${deletedForMs} ms ago`);
    }
    if (appOf(this.#world, page) === undefined) return;
    const wasGoodMs = this.#goodInMs.get(this.#placeOf(page)) ?? -Infinity;
    if (!this.#everGood.has(page.metadata.uid ?? '') && this.#nowMs() - wasGoodMs > SEEN_BY_MS)
      this.#violated('unproven', `${key} goes to ${page.metadata.name}, whose token was never good`);
  }

  #placeOf(page: MessengerPage): string {
    const { accessTokenSecretRef, pageId } = page.spec;
    return [page.metadata.namespace, accessTokenSecretRef.name, pageId, appOf(this.#world, page)?.spec.appId].join('/');
  }

  /** It loses the claim to `winner`: only for one of the reasons in the design. */
  #checkSticky(loser: MessengerPage, winner: MessengerPage, key: string): void {
    const { uid = '', name } = loser.metadata;
    if (isBeingDeleted(loser) || epochOf(loser) >= epochOf(winner)) return;
    // Nobody looks whether a suspended one has got a good token meanwhile.
    if (loser.spec.suspend === true) return;
    if (!this.#lasts(this.#since.consented, uid, SEEN_BY_MS)) return;
    const deadForMs = this.#deadForMs(uid);
    if (deadForMs < DEAD_FOR_MS - SLACK_MS) {
      this.#violated('not_sticky', `${key} goes from ${name} to ${winner.metadata.name} though its token was good ${deadForMs} ms ago`);
    }
  }

  /** Since it was good for so long that nobody can have missed it. */
  #deadForMs(uid: string): number {
    if (this.#lasts(this.#since.good, uid, SEEN_BY_MS)) return 0;
    return this.#nowMs() - (this.#lastGoodMs.get(uid) ?? -Infinity);
  }

  /**
   * Who has to wait from now on has been replaced before: else nobody would be routed in between.
   */
  #lost(page: MessengerPage, was: MessengerPage | undefined): void {
    if (was === undefined || !isHeld(was) || page.status?.claim?.state !== 'Waiting') return;
    const key = claimKey(was) ?? '';
    if (!heldPages(this.#world, key).some((one) => epochOf(one) > epochOf(was))) {
      this.#violated('gap', `${page.metadata.name} loses ${key} before anybody has it`);
    }
  }

  #note(since: Map<string, number>, uid: string, is: boolean): void {
    if (!is) since.delete(uid);
    else if (!since.has(uid)) since.set(uid, this.#nowMs());
  }

  #lasts(since: ReadonlyMap<string, number>, uid: string, ms: number): boolean {
    return this.#nowMs() - (since.get(uid) ?? Infinity) >= ms;
  }

  #nowMs(): number {
    return this.#world.clock.monotonicMs();
  }
}

function isAccepted(world: World, page: MessengerPage): boolean {
  return findCondition(appOf(world, page)?.status?.conditions, 'Accepted')?.status === 'True';
}
