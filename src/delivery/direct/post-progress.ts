import type { Deadlines, Expiring } from '../../kit/deadlines.js';
import type { EventItem } from '../../core/domain/event.js';
import type { PostVerdict, RoutedEntry, RoutedPost } from '../../core/ports/delivery.js';
import type { Outcome, Remembered } from './dedupe.js';

/** An item that this POST has to deliver. */
export interface Claimed {
  readonly item: EventItem;
  readonly event: Remembered;
}

/** Items that go to a bot in one request. */
export interface Part {
  readonly run: PostRun;
  readonly entry: RoutedEntry;
  readonly claimed: readonly Claimed[];
}

/** Of all POSTs the same. */
export interface PostTerms {
  readonly deadlines: Deadlines;
  readonly answerWithinMs: number;
  readonly goOnMs: number;
  /** A POST has come to its end: nothing of it is under way any more. */
  ended(run: PostRun): void;
}

/** Items and bytes of a POST. */
export interface Weight {
  readonly items: number;
  readonly bytes: number;
}

/** One POST on its way: counts what is still open and answers when nothing is, or when its time is over. */
export class PostRun implements Expiring {
  readonly post: RoutedPost;
  /** Nothing of it is tried after this. */
  readonly lastTryMs: number;
  /** Meta is answered by then. */
  readonly deadlineMs: number;
  slot = -1;
  readonly weight: Weight;
  /** Conversations; made when first needed, which most POSTs never do. */
  #blocked: Set<string> | undefined;
  readonly #terms: PostTerms;
  #decided: ((verdict: PostVerdict) => void) | undefined;
  /** One for the beginning, so that it does not end before everything was counted. */
  #open = 1;
  #failed = false;

  constructor(post: RoutedPost, weight: Weight, terms: PostTerms, decided: (verdict: PostVerdict) => void) {
    const { deadlines, answerWithinMs, goOnMs } = terms;
    this.post = post;
    this.weight = weight;
    this.lastTryMs = post.receivedMs + goOnMs;
    this.deadlineMs = post.receivedMs + answerWithinMs;
    this.#terms = terms;
    this.#decided = decided;
    deadlines.add(this);
  }

  /** Not decided in time: it goes on, and Meta's retry joins it. */
  expire(): void {
    this.#decide('unavailable');
  }

  opened(): void {
    this.#open++;
  }

  /** Something that was opened has come to an end. */
  closed(): void {
    if (--this.#open > 0) return;
    this.#terms.deadlines.remove(this);
    this.#terms.ended(this);
    this.#decide(this.#failed ? 'unavailable' : 'done');
  }

  /** An item's outcome. After one that comes again, nothing of its conversation may overtake it. */
  tell(item: EventItem, outcome: Outcome): void {
    if (outcome !== 'unavailable') return;
    this.#failed = true;
    (this.#blocked ??= new Set()).add(item.conversation);
  }

  isBlocked(claimed: readonly Claimed[]): boolean {
    const blocked = this.#blocked;
    return blocked !== undefined && claimed.some(({ item }) => blocked.has(item.conversation));
  }

  /** Once: what comes later is for Meta's retry. */
  #decide(verdict: PostVerdict): void {
    const decided = this.#decided;
    this.#decided = undefined;
    decided?.(verdict);
  }
}
