/**
 * Work of one kind that is done together at the end of the event loop's turn. Bytes written one socket at a time wake their
 * receiver once for each; of all that came in with one turn, written in one go, most find it awake already. That is a
 * third of what the kernel takes for a message. When little is going on the end of the turn is now.
 */
export class TurnEnd<T> {
  readonly #work: (one: T) => void;
  #waiting: T[] = [];

  /** `work` must not throw: what waits behind it would be lost. */
  constructor(work: (one: T) => void) {
    this.#work = work;
  }

  add(one: T): void {
    if (this.#waiting.push(one) === 1) setImmediate(this.#run);
  }

  /** What is added meanwhile waits for the next turn. */
  readonly #run = (): void => {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const one of waiting) this.#work(one);
  };
}
