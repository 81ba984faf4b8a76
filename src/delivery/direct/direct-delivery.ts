import { sleep, type Clock } from '../../kit/clock.js';
import { Deadlines } from '../../kit/deadlines.js';
import type { Delivery, PageDeliveryState, PostVerdict, RoutedEntry, RoutedPost } from '../../core/ports/delivery.js';
import type { Logger } from '../../kit/log.js';
import { Alerts } from '../bot/alerts.js';
import type { BackendClient } from '../bot/backend-client.js';
import { Backends } from '../bot/backends.js';
import { Courier } from '../bot/bot-sender.js';
import { Lanes, type Done, type Work } from '../bot/lanes.js';
import { deliveryLimits, type DeliveryLimits } from '../limits.js';
import type { DeliveryObserver, UnavailableWhy } from '../observer.js';
import { PageStates } from '../bot/page-states.js';
import { cutParts } from '../bot/requests.js';
import { Dedupe } from './dedupe.js';
import { PostRun, type Claimed, type Part, type PostTerms, type Weight } from './post-progress.js';

export interface DirectDeliveryDeps {
  readonly client: BackendClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly observe: DeliveryObserver;
  readonly limits?: Partial<DeliveryLimits>;
}

const DRAIN_POLL_MS = 20;

/**
 * Delivers while Meta waits. A POST is done when every item was accepted, refused or given up; what takes longer than
 * four seconds goes on after Meta was told to come again, and its retry joins it. Keeps nothing over a restart.
 */
export class DirectDelivery implements Delivery {
  readonly #deps: DirectDeliveryDeps;
  readonly #limits: DeliveryLimits;
  readonly #lanes = new Lanes();
  readonly #dedupe: Dedupe;
  readonly #states = new PageStates();
  readonly #courier: Courier;
  readonly #terms: PostTerms;
  #items = 0;
  #bytes = 0;
  #posts = 0;
  #draining = false;

  constructor(deps: DirectDeliveryDeps) {
    const limits = deliveryLimits(deps.limits);
    this.#deps = deps;
    this.#limits = limits;
    this.#dedupe = new Dedupe(deps.clock, limits);
    const { answerWithinMs, goOnMs } = limits;
    const ended = ({ weight }: PostRun): void => {
      this.#count(-1, weight);
    };
    this.#terms = { deadlines: new Deadlines(deps.clock), answerWithinMs, goOnMs, ended };
    this.#courier = new Courier({
      ...deps,
      limits,
      dedupe: this.#dedupe,
      states: this.#states,
      backends: new Backends(deps.clock, limits, (count) => {
        deps.observe.openCircuits(count);
      }),
      alerts: new Alerts(deps),
    });
  }

  /** Keeps nothing: there is nothing to open. */
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
      this.#deps.observe.unavailable(post.appId, obstacle);
      decided('unavailable');
      return;
    }
    this.#count(1, weight);
    const run = new PostRun(post, weight, this.#terms, decided);
    for (const entry of post.entries) this.#begin(run, entry);
    run.closed();
  }

  async drain(timeoutMs: number): Promise<void> {
    const { clock } = this.#deps;
    const endMs = clock.monotonicMs() + timeoutMs;
    this.#draining = true;
    while (this.#posts > 0 && clock.monotonicMs() < endMs) await sleep(clock, DRAIN_POLL_MS);
  }

  close(): Promise<void> {
    this.#terms.deadlines.stop();
    this.#deps.client.close();
    return Promise.resolve();
  }

  pageStates(): readonly PageDeliveryState[] {
    return this.#states.list();
  }

  /** POSTs that are not decided yet, answered ones that go on included. */
  get postsInFlight(): number {
    return this.#posts;
  }

  #obstacle({ items, bytes }: Weight): UnavailableWhy | undefined {
    if (this.#draining) return 'draining';
    // One POST is always taken: however large it is, it is bounded by the listener.
    const isFull = this.#items + items > this.#limits.maxItems || this.#bytes + bytes > this.#limits.maxHeldBytes;
    return this.#posts > 0 && isFull ? 'over_limit' : undefined;
  }

  #begin(run: PostRun, entry: RoutedEntry): void {
    const { route } = entry;
    const claims = this.#claim(run, entry);
    if (claims.length === 0) return;
    const lane = route.key;
    const isFull = this.#lanes.depth(lane) >= route.maxInFlight * this.#limits.laneDepth;
    for (const claimed of cutParts(entry, claims)) {
      const part = new Carriage(this.#courier, run, entry, claimed);
      if (isFull && !claimed.some(({ event }) => this.#courier.owesAnAttempt(entry.entry.timeMs, event))) {
        this.#courier.giveBack(part, 'lane_full');
        continue;
      }
      run.opened();
      this.#lanes.add(lane, route.maxInFlight, part);
    }
  }

  /** The items that are this POST's to deliver: neither done before, nor under way, nor of a kind the bot does not want. */
  #claim(run: PostRun, { route, entry: { items } }: RoutedEntry): Claimed[] {
    const mine: Claimed[] = [];
    for (const item of items) {
      const channel = item.channel ?? 'none';
      if (item.channel !== undefined && !route.accepts.has(item.channel)) {
        this.#deps.observe.item(route.appId, channel, 'not_accepted_by_spec');
        continue;
      }
      const claim = this.#dedupe.claim(item.dedupeKey);
      if (claim.kind === 'mine') {
        mine.push({ item, event: claim });
        continue;
      }
      this.#deps.observe.item(route.appId, channel, 'duplicate');
      if (claim.kind === 'done') continue;
      run.opened();
      claim.join((outcome) => {
        run.tell(item, outcome);
        run.closed();
      });
    }
    return mine;
  }

  #count(posts: 1 | -1, { items, bytes }: Weight): void {
    this.#posts += posts;
    this.#items += posts * items;
    this.#bytes += posts * bytes;
    this.#deps.observe.inFlight(this.#items, this.#bytes);
  }
}

/** A part on its way through its page's lane. */
class Carriage implements Part, Work, Done {
  readonly run: PostRun;
  readonly entry: RoutedEntry;
  readonly claimed: readonly Claimed[];
  readonly conversations: readonly string[];
  readonly #courier: Courier;
  #lane: Done | undefined;

  constructor(courier: Courier, run: PostRun, entry: RoutedEntry, claimed: readonly Claimed[]) {
    this.run = run;
    this.entry = entry;
    this.claimed = claimed;
    this.conversations = conversationsOf(claimed);
    this.#courier = courier;
  }

  begin(lane: Done): void {
    this.#lane = lane;
    this.#courier.carry(this, this);
  }

  done(): void {
    this.run.closed();
    this.#lane?.done();
  }
}

/** Each item is a piece of the body that was received: as long as one is held, all of the body is. */
function weigh({ entries, verified }: RoutedPost): Weight {
  let items = 0;
  let bytes = 0;
  for (const { entry } of entries) {
    items += entry.items.length;
    for (const item of entry.items) bytes += item.bytes.length;
  }
  return { items, bytes: Math.max(bytes, verified?.bytes.length ?? 0) };
}

function conversationsOf(claimed: readonly Claimed[]): readonly string[] {
  const [first] = claimed;
  if (claimed.length === 1 && first !== undefined) return [first.item.conversation];
  return [...new Set(claimed.map(({ item }) => item.conversation))];
}
