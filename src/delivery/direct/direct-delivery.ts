import type { EventEntry } from '../../core/domain/event.js';
import type { PageRoute } from '../../core/ports/page-lookup.js';
import type { Delivery, PageDeliveryState, PostVerdict, RoutedEntry, RoutedPost, UnavailableWhy } from '../../core/ports/delivery.js';
import { sleep, type Clock } from '../../kit/clock.js';
import { Deadlines } from '../../kit/deadlines.js';
import type { ShareRefusal } from '../../kit/fair-shares.js';
import type { Logger } from '../../kit/log.js';
import { LogOnceAMinute } from '../../kit/log-once-a-minute.js';
import type { BotClient } from '../../net/http1/bot-client.js';
import { splitIntoRequests } from '../bot/attempt.js';
import { BotSender } from '../bot/bot-sender.js';
import { PageLanes } from '../bot/page-lanes.js';
import { deliveryLimits, type DeliveryLimits } from '../limits.js';
import type { DeliveryObserver } from '../observer.js';
import { Dedupe } from './dedupe.js';
import { DirectAttempt, PostProgress, type ClaimedEvent, type DirectTools, type HeldEntry } from './post-progress.js';
import { DirectShares, holdersOf } from './shares.js';

export interface DirectDeliveryDeps {
  readonly client: Pick<BotClient, 'send' | 'close'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly observer: DeliveryObserver;
  readonly limits?: Partial<DeliveryLimits>;
}

const DRAIN_POLL_MS = 20;

/**
 * Delivers while Meta waits. A POST is done when every item was accepted, refused or dropped. After
 * four seconds Meta is answered 503; requests that have begun go on, and Meta's retry joins them.
 * Keeps nothing over a restart.
 */
export class DirectDelivery implements Delivery {
  readonly #deps: DirectDeliveryDeps;
  readonly #limits: DeliveryLimits;
  readonly #lanes = new PageLanes();
  readonly #tools: DirectTools;
  readonly #overShare: LogOnceAMinute;
  #posts = 0;
  #draining = false;

  constructor(deps: DirectDeliveryDeps) {
    const { clock, observer } = deps;
    const limits = deliveryLimits(deps.limits);
    this.#deps = deps;
    this.#limits = limits;
    this.#overShare = new LogOnceAMinute(deps, 'deferred events of a page: it, its namespace or its app has its share in delivery');
    this.#tools = {
      clock,
      log: deps.log,
      observer,
      limits,
      deadlines: new Deadlines(clock),
      dedupe: new Dedupe(clock, limits),
      sender: new BotSender({ ...deps, limits }),
      shares: new DirectShares(limits),
      ended: () => {
        this.#posts--;
        this.#showInFlight();
      },
    };
  }

  /** There is nothing to open. */
  start(): Promise<void> {
    return Promise.resolve();
  }

  ready(): boolean {
    return true;
  }

  deliver(post: RoutedPost, decided: (verdict: PostVerdict) => void): void {
    if (this.#draining) {
      this.#deps.observer.unavailable(post.appId, 'draining');
      decided('unavailable');
      return;
    }
    this.#posts++;
    const progress = new PostProgress(post, this.#tools, decided);
    for (const { route, entry } of post.entries) this.#begin(progress, { route, entry, holders: holdersOf(route) });
    this.#showInFlight();
    progress.closed();
  }

  async drain(timeoutMs: number): Promise<void> {
    const { clock } = this.#deps;
    const endMs = clock.monotonicMs() + timeoutMs;
    this.#draining = true;
    while (this.#posts > 0 && clock.monotonicMs() < endMs) await sleep(clock, DRAIN_POLL_MS);
  }

  close(): Promise<void> {
    this.#tools.deadlines.stop();
    this.#deps.client.close();
    return Promise.resolve();
  }

  pageStates(): readonly PageDeliveryState[] {
    return this.#tools.sender.pageStates();
  }

  /** POSTs of which something is under way, those included that Meta was answered already. */
  get postsInFlight(): number {
    return this.#posts;
  }

  #begin(progress: PostProgress, held: HeldEntry): void {
    const { route, entry, holders } = held;
    const why = progress.enter(holders, bytesOf(progress.post, entry));
    if (why !== undefined) {
      this.#deps.observer.unavailable(route.appId, this.#nameOf(why, route));
      progress.failed();
      return;
    }
    const events = this.#claim(progress, held);
    for (const request of splitIntoRequests(route, entry, events)) this.#queue(progress, held, request);
  }

  /** Each request by itself: what does not fit of a POST is left to its retry, the rest is not. */
  #queue(progress: PostProgress, held: HeldEntry, request: readonly ClaimedEvent[]): void {
    const { route } = held;
    const attempt = new DirectAttempt(progress, held, request);
    const isFull = this.#lanes.depth(route.key) >= route.maxInFlight * this.#limits.laneDepth;
    if (isFull && !attempt.mustTry()) {
      this.#tools.sender.settleUnsent(attempt, 'lane_full');
      return;
    }
    const why = attempt.takeShare();
    if (why !== undefined) {
      this.#tools.sender.settleUnsent(attempt, this.#nameOf(why, route));
      return;
    }
    progress.queued(attempt);
    this.#lanes.add(route.key, route.maxInFlight, attempt);
  }

  #nameOf(why: ShareRefusal, { appId, pageId, owner }: PageRoute): UnavailableWhy {
    if (why === 'full') return 'over_limit';
    this.#overShare.write({ appId, pageId, page: `${owner.namespace}/${owner.name}` });
    return 'over_share';
  }

  /**
   * The items that are this POST's to deliver: neither done, nor in delivery for another POST, nor
   * of a channel that the bot does not accept.
   */
  #claim(progress: PostProgress, { route, entry }: RoutedEntry): ClaimedEvent[] {
    const mine: ClaimedEvent[] = [];
    for (const item of entry.items) {
      const channel = item.channel ?? 'none';
      if (item.channel !== undefined && route.accepts?.has(item.channel) === false) {
        this.#deps.observer.item(route.appId, channel, 'not_accepted_by_spec');
        continue;
      }
      const claim = this.#tools.dedupe.claim(item.dedupeKey, item.timeMs);
      if (claim.kind === 'mine') {
        mine.push({ item, state: claim });
        continue;
      }
      this.#deps.observer.item(route.appId, channel, 'duplicate');
      if (claim.kind === 'done') continue;
      progress.opened();
      claim.join((outcome) => {
        progress.noteOutcome(item, outcome);
        progress.closed();
      });
    }
    return mine;
  }

  #showInFlight(): void {
    const { items, bytes } = this.#tools.shares;
    this.#deps.observer.inFlight(items.used, bytes);
  }
}

/**
 * Each item is a slice of the received body: while one item is held, all of the body is. What is
 * around the items counts for all entries alike.
 */
function bytesOf({ entries, verified }: RoutedPost, { items }: EventEntry): number {
  if (verified !== undefined && entries.length === 1) return verified.bytes.length;
  let bytes = 0;
  for (const item of items) bytes += item.bytes.length;
  return Math.max(bytes, Math.ceil((verified?.bytes.length ?? 0) / entries.length));
}
