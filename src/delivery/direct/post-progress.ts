import type { EventEntry, EventItem } from '../../core/domain/event.js';
import { traceIdOf, type PostVerdict, type RoutedEntry, type RoutedPost } from '../../core/ports/delivery.js';
import type { PageRoute } from '../../core/ports/page-lookup.js';
import type { Secret } from '../../core/secrets/secret.js';
import type { Clock } from '../../kit/clock.js';
import type { Deadlines, Expiring } from '../../kit/deadlines.js';
import type { Holders, ShareRefusal } from '../../kit/fair-shares.js';
import type { Logger } from '../../kit/log.js';
import type { Attempt, Outcome } from '../bot/attempt.js';
import type { BotSender } from '../bot/bot-sender.js';
import { LaneJob } from '../bot/page-lanes.js';
import type { Reply } from '../bot/reply.js';
import type { DeliveryLimits } from '../limits.js';
import type { DeliveryObserver } from '../observer.js';
import type { Dedupe, EventState } from './dedupe.js';
import type { Charge, DirectShares } from './shares.js';

/** What every POST and its attempts use. */
export interface DirectTools {
  readonly clock: Clock;
  readonly log: Logger;
  readonly observer: DeliveryObserver;
  readonly limits: DeliveryLimits;
  readonly deadlines: Deadlines;
  readonly dedupe: Dedupe;
  readonly sender: BotSender;
  readonly shares: DirectShares;
  /** Nothing of the POST is under way any more. */
  ended(progress: PostProgress): void;
}

/** Debug lines about one POST; they would stop the process if each of 50,000 events had one. */
const MAX_DEBUG_LINES = 20;

/**
 * One POST on its way: counts what is still open, and decides when nothing is or when its time is
 * up. What has not begun by then is left to Meta's retry.
 */
export class PostProgress implements Expiring {
  readonly post: RoutedPost;
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
  readonly #charges: Charge[] = [];
  /** Those in the lanes, in their order, as a list through {@link DirectAttempt.nextOfPost}. */
  #first: DirectAttempt | undefined;
  #last: DirectAttempt | undefined;
  #debugLines = 0;

  constructor(post: RoutedPost, tools: DirectTools, decided: (verdict: PostVerdict) => void) {
    const { answerWithinMs, goOnMs } = tools.limits;
    this.post = post;
    this.tools = tools;
    this.lastTryMs = post.receivedMs + goOnMs;
    this.deadlineMs = post.receivedMs + answerWithinMs;
    this.#decided = decided;
    tools.deadlines.add(this);
  }

  /**
   * Not decided in time. Requests that are under way go on, and Meta's retry joins them. The others
   * are settled, so that they hold nothing that other POSTs could use.
   */
  expire(): void {
    this.#decide('unavailable');
    let attempt = this.#first;
    this.#first = undefined;
    for (; attempt !== undefined; attempt = attempt.nextOfPost) attempt.leaveToRetry();
  }

  /** @returns why an entry cannot be taken now */
  enter(holders: Holders, bytes: number): ShareRefusal | undefined {
    const charge = this.tools.shares.enter(holders, this.post.entries.length, bytes);
    if (typeof charge === 'string') return charge;
    this.#charges.push(charge);
    return undefined;
  }

  /** An entry, or a part of it, was not taken: Meta sends the POST again. */
  failed(): void {
    this.#failed = true;
  }

  opened(): void {
    this.#open++;
  }

  /** It is about to be put into its lane. */
  queued(attempt: DirectAttempt): void {
    this.opened();
    if (this.#last === undefined) this.#first = attempt;
    else this.#last.nextOfPost = attempt;
    this.#last = attempt;
  }

  mayLog(): boolean {
    return ++this.#debugLines <= MAX_DEBUG_LINES;
  }

  /** Something that was opened has ended. */
  closed(): void {
    if (--this.#open > 0) return;
    const { deadlines, shares } = this.tools;
    deadlines.remove(this);
    shares.ended(this.#charges);
    this.#logLeftOut();
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
    if (decided === undefined) return;
    this.#decided = undefined;
    this.tools.shares.answered(this.#charges);
    decided(verdict);
  }

  #logLeftOut(): void {
    const lines = this.#debugLines - MAX_DEBUG_LINES;
    if (lines <= 0) return;
    const { appId, traceparent } = this.post;
    this.tools.log.debug('left out debug lines about one POST', { appId, traceId: traceIdOf(traceparent), lines });
  }
}

/** An item that this POST has to deliver. */
export interface ClaimedEvent {
  readonly item: EventItem;
  readonly state: EventState;
}

/** An entry and who it counts for. */
export interface HeldEntry extends RoutedEntry {
  readonly holders: Holders;
}

/** One request's worth of a POST's events, on its way through the lane of its page. */
export class DirectAttempt extends LaneJob implements Attempt {
  readonly route: PageRoute;
  readonly entry: EventEntry;
  readonly items: readonly EventItem[];
  readonly holders: Holders;
  /** For {@link PostProgress} alone. */
  nextOfPost: DirectAttempt | undefined;
  /** Its turn has come, or it was left to Meta's retry. */
  #isOver = false;
  #hasShare = false;
  readonly #progress: PostProgress;
  readonly #events: readonly ClaimedEvent[];

  constructor(progress: PostProgress, { route, entry, holders }: HeldEntry, events: readonly ClaimedEvent[]) {
    super();
    this.route = route;
    this.entry = entry;
    this.holders = holders;
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

  /** Its items take their part of what all share until they are settled. @returns why not */
  takeShare(): ShareRefusal | undefined {
    const why = this.#progress.tools.shares.items.take(this.holders, this.#events.length);
    this.#hasShare = why === undefined;
    return why;
  }

  begin(): void {
    if (this.#isOver) {
      this.finished();
      return;
    }
    this.#isOver = true;
    this.#progress.tools.sender.send(this, () => {
      this.#progress.closed();
      this.finished();
    });
  }

  /** Unless its turn has come, or this may be the only time that its events are tried. */
  leaveToRetry(): void {
    if (this.#isOver || this.mustTry()) return;
    this.#isOver = true;
    this.#progress.tools.sender.settleUnsent(this, 'out_of_time');
    this.withdraw();
    this.#progress.closed();
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

  mayLog(): boolean {
    return this.#progress.mayLog();
  }

  halves(): readonly [Attempt, Attempt] {
    const half = Math.ceil(this.#events.length / 2);
    return [this.#part(this.#events.slice(0, half)), this.#part(this.#events.slice(half))];
  }

  #part(events: readonly ClaimedEvent[]): DirectAttempt {
    const part = new DirectAttempt(this.#progress, this, events);
    part.#hasShare = this.#hasShare;
    return part;
  }

  settle(reply: Reply): Outcome {
    const { observer, dedupe, shares } = this.#progress.tools;
    if (this.#hasShare) shares.items.giveBack(this.holders, this.#events.length);
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
