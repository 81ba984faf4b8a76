/** Work on some conversations of a page. Never rejects. */
export type Work = () => Promise<void>;

interface Job {
  readonly work: Work;
  readonly conversations: readonly string[];
  waitsFor: number;
  readonly next: Job[];
}

/** One page: jobs of one conversation run one after the other, in the order in which they came, others beside them. */
class Lane {
  size = 0;
  maxInFlight = 1;
  #running = 0;
  #ready: Job[] = [];
  #readyAt = 0;
  readonly #last = new Map<string, Job>();
  readonly #onIdle: () => void;

  constructor(onIdle: () => void) {
    this.#onIdle = onIdle;
  }

  add(conversations: readonly string[], work: Work): void {
    const job: Job = { work, conversations, waitsFor: 0, next: [] };
    for (const conversation of conversations) {
      const before = this.#last.get(conversation);
      if (before !== undefined && before !== job) {
        before.next.push(job);
        job.waitsFor++;
      }
      this.#last.set(conversation, job);
    }
    this.size++;
    if (job.waitsFor === 0) this.#ready.push(job);
    this.#pump();
  }

  #pump(): void {
    while (this.#running < this.maxInFlight) {
      const job = this.#ready[this.#readyAt];
      if (job === undefined) break;
      this.#readyAt++;
      this.#running++;
      void job.work().then(() => {
        this.#finish(job);
      });
    }
    if (this.#readyAt === this.#ready.length) {
      this.#ready = [];
      this.#readyAt = 0;
    }
  }

  #finish(job: Job): void {
    this.#running--;
    this.size--;
    for (const conversation of job.conversations) if (this.#last.get(conversation) === job) this.#last.delete(conversation);
    for (const next of job.next) if (--next.waitsFor === 0) this.#ready.push(next);
    if (this.size === 0) this.#onIdle();
    else this.#pump();
  }
}

/** The lanes of all pages that have work. */
export class Lanes {
  readonly #lanes = new Map<string, Lane>();

  /** Jobs of a page that are not finished. */
  depth(page: string): number {
    return this.#lanes.get(page)?.size ?? 0;
  }

  /** Starts the work as soon as everything earlier of its conversations is finished and a place is free. */
  add(page: string, maxInFlight: number, conversations: readonly string[], work: Work): void {
    let lane = this.#lanes.get(page);
    if (lane === undefined) {
      lane = new Lane(() => this.#lanes.delete(page));
      this.#lanes.set(page, lane);
    }
    lane.maxInFlight = Math.max(1, maxInFlight);
    lane.add(conversations, work);
  }
}
