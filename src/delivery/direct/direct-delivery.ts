import type { Delivery, PageDeliveryState, PostVerdict, RoutedEntry, RoutedPost, UnavailableWhy } from '../../core/ports/delivery.js';
import { sleep, type Clock } from '../../kit/clock.js';
import { Deadlines } from '../../kit/deadlines.js';
import type { Logger } from '../../kit/log.js';
import type { BotClient } from '../../net/http1/bot-client.js';
import { splitIntoRequests } from '../bot/attempt.js';
import { BotSender } from '../bot/bot-sender.js';
import { PageLanes } from '../bot/page-lanes.js';
import { deliveryLimits, type DeliveryLimits } from '../limits.js';
import type { DeliveryObserver } from '../observer.js';
import { Dedupe } from './dedupe.js';
import { DirectAttempt, PostProgress, type ClaimedEvent, type DirectTools, type Weight } from './post-progress.js';

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
 * four seconds Meta is answered 503; delivery goes on, and Meta's retry joins it. Keeps nothing
 * over a restart.
 */
export class DirectDelivery implements Delivery {
  readonly #deps: DirectDeliveryDeps;
  readonly #limits: DeliveryLimits;
  readonly #lanes = new PageLanes();
  readonly #tools: DirectTools;
  #items = 0;
  #bytes = 0;
  #posts = 0;
  #draining = false;

  constructor(deps: DirectDeliveryDeps) {
    const { clock, observer } = deps;
    const limits = deliveryLimits(deps.limits);
    this.#deps = deps;
    this.#limits = limits;
    this.#tools = {
      clock,
      observer,
      limits,
      deadlines: new Deadlines(clock),
      dedupe: new Dedupe(clock, limits),
      sender: new BotSender({ ...deps, limits }),
      ended: ({ weight }) => {
        this.#count(-1, weight);
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
    const weight = weigh(post);
    const obstacle = this.#obstacle(weight);
    if (obstacle !== undefined) {
      this.#deps.observer.unavailable(post.appId, obstacle);
      decided('unavailable');
      return;
    }
    this.#count(1, weight);
    const progress = new PostProgress(post, weight, this.#tools, decided);
    for (const routed of post.entries) this.#begin(progress, routed);
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

  #obstacle({ items, bytes }: Weight): UnavailableWhy | undefined {
    if (this.#draining) return 'draining';
    // One POST is always taken: however large it is, it is bounded by the listener.
    const isFull = this.#items + items > this.#limits.maxItems || this.#bytes + bytes > this.#limits.maxHeldBytes;
    return this.#posts > 0 && isFull ? 'over_limit' : undefined;
  }

  #begin(progress: PostProgress, routed: RoutedEntry): void {
    const { route, entry } = routed;
    const events = this.#claim(progress, routed);
    if (events.length === 0) return;
    const isFull = this.#lanes.depth(route.key) >= route.maxInFlight * this.#limits.laneDepth;
    for (const request of splitIntoRequests(route, entry, events)) {
      const attempt = new DirectAttempt(progress, routed, request);
      if (isFull && !attempt.mustTry()) {
        this.#tools.sender.settleUnsent(attempt, 'lane_full');
        continue;
      }
      progress.opened();
      this.#lanes.add(route.key, route.maxInFlight, attempt);
    }
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

  #count(posts: 1 | -1, { items, bytes }: Weight): void {
    this.#posts += posts;
    this.#items += posts * items;
    this.#bytes += posts * bytes;
    this.#deps.observer.inFlight(this.#items, this.#bytes);
  }
}

/** Each item is a slice of the received body: while one item is held, all of the body is. */
function weigh({ entries, verified }: RoutedPost): Weight {
  let items = 0;
  let bytes = 0;
  for (const { entry } of entries) {
    items += entry.items.length;
    for (const item of entry.items) bytes += item.bytes.length;
  }
  return { items, bytes: Math.max(bytes, verified?.bytes.length ?? 0) };
}
