/**
 * A job in a page's lane. Its place in the order is kept in the job itself: most pages have one at
 * a time.
 */
export abstract class LaneJob {
  /**
   * Earlier jobs of its conversations that are not finished. For the lane alone, as the next two.
   */
  waitsFor = 0;
  next: LaneJob[] | undefined;
  lane: PageLane | undefined;
  /** What counts towards the depth of the lane. */
  abstract readonly items: readonly unknown[];
  #isWithdrawn = false;
  /** Jobs with one of these in common run one after the other. */
  abstract readonly conversations: readonly string[];

  /** Its turn has come. Calls `finished` once, at once or later. Never throws. */
  abstract begin(): void;

  /** It keeps its place, and its turn comes, but it does not count towards the depth any more. */
  protected withdraw(): void {
    this.lane?.discount(this);
    this.#isWithdrawn = true;
  }

  /** What of it counts. */
  get weight(): number {
    return this.#isWithdrawn ? 0 : this.items.length;
  }

  protected finished(): void {
    this.lane?.finish(this);
  }
}

/**
 * Of one page: jobs of one conversation run one after the other, in their order of arrival, others
 * beside them.
 */
class PageLane {
  key = '';
  size = 0;
  /** Items of its jobs. */
  depth = 0;
  maxInFlight = 1;
  #running = 0;
  #isPumping = false;
  readonly #ready: LaneJob[] = [];
  #readyAt = 0;
  readonly #last = new Map<string, LaneJob>();
  /** The only job, not filed yet: its conversations matter only when a second one comes. */
  #alone: LaneJob | undefined;
  readonly #onIdle: (lane: PageLane) => void;

  constructor(onIdle: (lane: PageLane) => void) {
    this.#onIdle = onIdle;
  }

  add(job: LaneJob): void {
    job.lane = this;
    if (this.size === 0) {
      this.#alone = job;
    } else {
      if (this.#alone !== undefined) this.#file(this.#alone);
      this.#alone = undefined;
      this.#file(job);
    }
    this.size++;
    this.depth += job.weight;
    if (job.waitsFor === 0) this.#ready.push(job);
    this.#pump();
  }

  /** Behind the last job of each of its conversations. */
  #file(job: LaneJob): void {
    for (const conversation of job.conversations) {
      const before = this.#last.get(conversation);
      if (before !== undefined && before !== job) {
        (before.next ??= []).push(job);
        job.waitsFor++;
      }
      this.#last.set(conversation, job);
    }
  }

  /**
   * A job that finishes at once comes back here through `finish`; the loop that is running takes
   * the next.
   */
  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    while (this.#running < this.maxInFlight) {
      const job = this.#ready[this.#readyAt];
      if (job === undefined) break;
      this.#readyAt++;
      this.#running++;
      job.begin();
    }
    this.#isPumping = false;
    if (this.#readyAt === this.#ready.length) {
      this.#ready.length = 0;
      this.#readyAt = 0;
    }
    if (this.size === 0) this.#onIdle(this);
  }

  /** Called by the job. */
  discount(job: LaneJob): void {
    this.depth -= job.weight;
  }

  /** Called by the job. */
  finish(job: LaneJob): void {
    this.#running--;
    this.size--;
    this.depth -= job.weight;
    if (this.#alone === job) this.#alone = undefined;
    else for (const conversation of job.conversations) if (this.#last.get(conversation) === job) this.#last.delete(conversation);
    if (job.next !== undefined) for (const next of job.next) if (--next.waitsFor === 0) this.#ready.push(next);
    this.#pump();
  }
}

/** Most pages have one event at a time: the lane that was theirs serves the next page. */
const MAX_SPARE = 64;

/** The lanes of all pages that have jobs. */
export class PageLanes {
  readonly #lanes = new Map<string, PageLane>();
  readonly #spare: PageLane[] = [];

  /** Items of a page that are not finished. `key`: {@link PageRoute.key} */
  depth(key: string): number {
    return this.#lanes.get(key)?.depth ?? 0;
  }

  /**
   * Begins the job as soon as everything earlier of its conversations is finished and a place is
   * free.
   */
  add(key: string, maxInFlight: number, job: LaneJob): void {
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      lane = this.#spare.pop() ?? new PageLane(this.#onIdle);
      lane.key = key;
      this.#lanes.set(key, lane);
    }
    lane.maxInFlight = Math.max(1, maxInFlight);
    lane.add(job);
  }

  readonly #onIdle = (lane: PageLane): void => {
    this.#lanes.delete(lane.key);
    if (this.#spare.length < MAX_SPARE) this.#spare.push(lane);
  };
}
