import type { Clock } from '../core/clock.js';
import type { EventItem, PostVerdict, RoutedEntry, RoutedPost } from '../core/delivery.js';

import type { Outcome, Remembered } from './dedupe.js';

/** An item that this POST has to deliver. */
export interface Claimed {
  readonly item: EventItem;
  /** Its key for duplicates, with its number among equal ones of this POST. */
  readonly key: string;
  readonly event: Remembered;
  /** An earlier POST had it. */
  readonly again: boolean;
}

/** Items that go to a bot in one request. */
export interface Part {
  readonly run: PostRun;
  readonly entry: RoutedEntry;
  readonly claimed: readonly Claimed[];
}

/** One POST on its way: counts what is still open and answers when nothing is, or when its time is over. */
export class PostRun {
  readonly post: RoutedPost;
  /** Nothing of it is tried after this. */
  readonly deadlineMs: number;
  readonly verdict: Promise<PostVerdict>;
  /** Conversations and keys; made when first needed, which most POSTs never do. */
  #blocked: Set<string> | undefined;
  #seen: Map<string, number> | undefined;
  #onlyKey: string | undefined;
  readonly #onEnd: () => void;
  readonly #cancelTimer: () => void;
  #resolve: (verdict: PostVerdict) => void = () => undefined;
  /** One for the beginning, so that it does not end before everything was counted. */
  #open = 1;
  #failed = false;

  constructor(post: RoutedPost, clock: Clock, within: { readonly answerWithinMs: number; readonly goOnMs: number }, onEnd: () => void) {
    this.post = post;
    this.deadlineMs = post.receivedMs + within.goOnMs;
    this.#onEnd = onEnd;
    this.verdict = new Promise((resolve) => (this.#resolve = resolve));
    this.#cancelTimer = clock.setTimer(post.receivedMs + within.answerWithinMs - clock.monotonicMs(), () => {
      this.#resolve('unavailable');
    });
  }

  /** The key by which an item is remembered: two equal items of one POST are two events, for its retry too. */
  keyOf({ dedupeKey }: EventItem): string {
    if (this.#onlyKey === undefined) {
      this.#onlyKey = dedupeKey;
      return dedupeKey;
    }
    this.#seen ??= new Map([[this.#onlyKey, 1]]);
    const count = this.#seen.get(dedupeKey) ?? 0;
    this.#seen.set(dedupeKey, count + 1);
    return count === 0 ? dedupeKey : `${dedupeKey}#${count}`;
  }

  opened(): void {
    this.#open++;
  }

  /** Something that was opened has come to an end. */
  closed(): void {
    if (--this.#open > 0) return;
    this.#cancelTimer();
    this.#resolve(this.#failed ? 'unavailable' : 'done');
    this.#onEnd();
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
}
