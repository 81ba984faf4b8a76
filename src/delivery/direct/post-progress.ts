import type { EventEntry, EventItem } from '../../core/domain/event.js';
import type { PostVerdict, RoutedEntry, RoutedPost } from '../../core/ports/delivery.js';
import type { PageRoute } from '../../core/ports/page-lookup.js';
import type { Secret } from '../../core/secrets/secret.js';
import type { Clock } from '../../kit/clock.js';
import type { Deadlines, Expiring } from '../../kit/deadlines.js';
import type { Attempt, Outcome } from '../bot/attempt.js';
import type { BotSender } from '../bot/bot-sender.js';
import { LaneJob } from '../bot/page-lanes.js';
import type { Reply } from '../bot/reply.js';
import type { DeliveryLimits } from '../limits.js';
import type { DeliveryObserver } from '../observer.js';
import type { Dedupe, EventState } from './dedupe.js';

/** What every POST and its attempts use. */
export interface DirectTools {
  readonly clock: Clock;
  readonly observer: DeliveryObserver;
  readonly limits: DeliveryLimits;
  readonly deadlines: Deadlines;
  readonly dedupe: Dedupe;
  readonly sender: BotSender;
  /** Nothing of the POST is under way any more. */
  ended(progress: PostProgress): void;
}

/** Items and bytes of a POST. */
export interface Weight {
  readonly items: number;
  readonly bytes: number;
}

/**
 * One POST on its way: counts what is still open, and decides when nothing is or when its time is
 * up.
 */
export class PostProgress implements Expiring {
  readonly post: RoutedPost;
  readonly weight: Weight;
  readonly tools: DirectTools;
  /** Nothing of it is tried after this. */
  readonly lastTryMs: number;
  /** Meta is answered by then. */
  readonly deadlineMs: number;
  slot = -1;
  /** Conversations; made when first needed, which most POSTs never do. */
  #blocked: Set<string> | undefined;
  #decided: ((verdict: PostVerdict) => void) | undefined;
  /** One for the beginning, so that it does not end before everything was counted. */
  #open = 1;
  #failed = false;

  constructor(post: RoutedPost, weight: Weight, tools: DirectTools, decided: (verdict: PostVerdict) => void) {
    const { answerWithinMs, goOnMs } = tools.limits;
    this.post = post;
    this.weight = weight;
    this.tools = tools;
    this.lastTryMs = post.receivedMs + goOnMs;
    this.deadlineMs = post.receivedMs + answerWithinMs;
    this.#decided = decided;
    tools.deadlines.add(this);
  }

  /** Not decided in time: it goes on, and Meta's retry joins it. */
  expire(): void {
    this.#decide('unavailable');
  }

  opened(): void {
    this.#open++;
  }

  /** Something that was opened has ended. */
  closed(): void {
    if (--this.#open > 0) return;
    this.tools.deadlines.remove(this);
    this.tools.ended(this);
    this.#decide(this.#failed ? 'unavailable' : 'done');
  }

  /** After an unavailable item nothing of its conversation may overtake it. */
  noteOutcome(item: EventItem, outcome: Outcome): void {
    if (outcome !== 'unavailable') return;
    this.#failed = true;
    (this.#blocked ??= new Set()).add(item.conversation);
  }

  isBlocked(items: readonly EventItem[]): boolean {
    const blocked = this.#blocked;
    return blocked !== undefined && items.some(({ conversation }) => blocked.has(conversation));
  }

  /** Once: what comes later is for Meta's retry. */
  #decide(verdict: PostVerdict): void {
    const decided = this.#decided;
    this.#decided = undefined;
    decided?.(verdict);
  }
}

/** An item that this POST has to deliver. */
export interface ClaimedEvent {
  readonly item: EventItem;
  readonly state: EventState;
}

/** One request's worth of a POST's events, on its way through the lane of its page. */
export class DirectAttempt extends LaneJob implements Attempt {
  readonly route: PageRoute;
  readonly entry: EventEntry;
  readonly items: readonly EventItem[];
  readonly #progress: PostProgress;
  readonly #events: readonly ClaimedEvent[];

  constructor(progress: PostProgress, { route, entry }: RoutedEntry, events: readonly ClaimedEvent[]) {
    super();
    this.route = route;
    this.entry = entry;
    this.items = events.map(({ item }) => item);
    this.#progress = progress;
    this.#events = events;
  }

  get conversations(): readonly string[] {
    return this.items.map(({ conversation }) => conversation);
  }

  get appSecret(): Secret {
    return this.#progress.post.verifiedBy;
  }

  get verified(): Attempt['verified'] {
    return this.#progress.post.verified;
  }

  get traceparent(): string {
    return this.#progress.post.traceparent;
  }

  get trace(): Attempt['trace'] {
    return this.#progress.post.trace;
  }

  get receivedMs(): number {
    return this.#progress.post.receivedMs;
  }

  get lastTryMs(): number {
    return this.#progress.lastTryMs;
  }

  begin(): void {
    this.#progress.tools.sender.send(this, () => {
      this.#progress.closed();
      this.finished();
    });
  }

  isBlocked(): boolean {
    return this.#progress.isBlocked(this.items);
  }

  /** Nothing is dropped without having been tried once, open circuit, full lane or not. */
  mustTry(): boolean {
    return this.#events.some(({ state }) => !state.attempted && this.#isOverdue(state));
  }

  begun(): void {
    for (const { state } of this.#events) {
      if (state.isRetry && state.attempted) this.#progress.tools.observer.retried(this.route.appId);
      state.attempted = true;
    }
  }

  halves(): readonly [Attempt, Attempt] {
    const half = Math.ceil(this.#events.length / 2);
    return [
      new DirectAttempt(this.#progress, this, this.#events.slice(0, half)),
      new DirectAttempt(this.#progress, this, this.#events.slice(half)),
    ];
  }

  settle(reply: Reply): Outcome {
    const { observer, dedupe } = this.#progress.tools;
    let worst: Outcome = 'accepted';
    for (const { item, state } of this.#events) {
      const outcome = this.#outcomeOf(reply, state);
      if (outcome !== 'accepted') worst = outcome;
      observer.item(this.route.appId, item.channel ?? 'none', outcome);
      this.#progress.noteOutcome(item, outcome);
      dedupe.settle(state, outcome);
    }
    return worst;
  }

  #outcomeOf(reply: Reply, state: EventState): Outcome {
    if (reply.kind === 'accepted') return 'accepted';
    if (reply.kind !== 'unavailable') return 'refused';
    return state.attempted && this.#isOverdue(state) ? 'dropped' : 'unavailable';
  }

  #isOverdue({ sinceMs }: EventState): boolean {
    const { clock, limits } = this.#progress.tools;
    return clock.nowMs() - sinceMs >= limits.giveUpMs;
  }
}
