/** Told when something has come to its end. */
export interface Done {
  done(): void;
}

/** Work on some conversations of a page. Tells `then` once, at once or later. Never throws. */
export interface Work {
  readonly conversations: readonly string[];
  begin(then: Done): void;
}

class Job implements Done {
  readonly work: Work;
  waitsFor = 0;
  /** Jobs that wait for this one; made when first needed. */
  next: Job[] | undefined;
  readonly #lane: Lane;

  constructor(work: Work, lane: Lane) {
    this.work = work;
    this.next = undefined;
    this.#lane = lane;
  }

  done(): void {
    this.#lane.finish(this);
  }
}

/** One page: jobs of one conversation run one after the other, in the order in which they came, others beside them. */
class Lane {
  page = '';
  size = 0;
  maxInFlight = 1;
  #running = 0;
  #isPumping = false;
  readonly #ready: Job[] = [];
  #readyAt = 0;
  readonly #last = new Map<string, Job>();
  /** The only job, not filed: nobody has asked for its conversations yet, and for most nobody will. */
  #alone: Job | undefined;
  readonly #onIdle: (lane: Lane) => void;

  constructor(onIdle: (lane: Lane) => void) {
    this.#onIdle = onIdle;
  }

  add(work: Work): void {
    const job = new Job(work, this);
    if (this.size === 0) {
      this.#alone = job;
    } else {
      if (this.#alone !== undefined) this.#file(this.#alone);
      this.#alone = undefined;
      this.#file(job);
    }
    this.size++;
    if (job.waitsFor === 0) this.#ready.push(job);
    this.#pump();
  }

  /** Behind the last job of each of its conversations. */
  #file(job: Job): void {
    for (const conversation of job.work.conversations) {
      const before = this.#last.get(conversation);
      if (before !== undefined && before !== job) {
        (before.next ??= []).push(job);
        job.waitsFor++;
      }
      this.#last.set(conversation, job);
    }
  }

  /** A job that is done at once comes back here through `finish`; the loop that is running takes the next. */
  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    while (this.#running < this.maxInFlight) {
      const job = this.#ready[this.#readyAt];
      if (job === undefined) break;
      this.#readyAt++;
      this.#running++;
      job.work.begin(job);
    }
    this.#isPumping = false;
    if (this.#readyAt === this.#ready.length) {
      this.#ready.length = 0;
      this.#readyAt = 0;
    }
    if (this.size === 0) this.#onIdle(this);
  }

  /** By the job. */
  finish(job: Job): void {
    this.#running--;
    this.size--;
    if (this.#alone === job) this.#alone = undefined;
    else for (const conversation of job.work.conversations) if (this.#last.get(conversation) === job) this.#last.delete(conversation);
    if (job.next !== undefined) for (const next of job.next) if (--next.waitsFor === 0) this.#ready.push(next);
    this.#pump();
  }
}

/** Most pages have one event at a time: the lane that was theirs serves the next page. */
const MAX_SPARE = 64;

/** The lanes of all pages that have work. */
export class Lanes {
  readonly #lanes = new Map<string, Lane>();
  readonly #spare: Lane[] = [];

  /** Jobs of a page that are not finished. */
  depth(page: string): number {
    return this.#lanes.get(page)?.size ?? 0;
  }

  /** Starts the work as soon as everything earlier of its conversations is finished and a place is free. */
  add(page: string, maxInFlight: number, work: Work): void {
    let lane = this.#lanes.get(page);
    if (lane === undefined) {
      lane = this.#spare.pop() ?? new Lane(this.#onIdle);
      lane.page = page;
      this.#lanes.set(page, lane);
    }
    lane.maxInFlight = Math.max(1, maxInFlight);
    lane.add(work);
  }

  readonly #onIdle = (lane: Lane): void => {
    this.#lanes.delete(lane.page);
    if (this.#spare.length < MAX_SPARE) this.#spare.push(lane);
  };
}
