import { QUEUE_CLASSES, type QueueClass } from '../observer.js';

/** The class that is served first of the two. */
export function soonerClass(a: QueueClass, b: QueueClass): QueueClass {
  return QUEUE_CLASSES.indexOf(a) <= QUEUE_CLASSES.indexOf(b) ? a : b;
}

/** How long something waits in its lane before it counts as aged. */
export const AGED_AFTER_MS = 10_000;
/** While there is something aged, every fourth turn is its. */
const TURNS_PER_AGED = 4;

/**
 * What is ready, one lane a class, first in first out. The first lane that holds something is
 * served, except that every fourth turn goes to whatever has waited longest, once that is more than
 * 10 s: changes stay quick behind any backlog, and a flood of changes cannot starve the rest.
 */
export class QueueLanes {
  readonly #lanes: Readonly<Record<QueueClass, Map<string, number>>> = { change: new Map(), retry: new Map(), background: new Map() };
  #turn = 0;

  get size(): number {
    return QUEUE_CLASSES.reduce((sum, cls) => sum + this.#lanes[cls].size, 0);
  }

  /** @param sinceMs when it became ready */
  push(text: string, cls: QueueClass, sinceMs: number): void {
    this.#lanes[cls].set(text, sinceMs);
  }

  remove(text: string, cls: QueueClass): void {
    this.#lanes[cls].delete(text);
  }

  clear(): void {
    for (const cls of QUEUE_CLASSES) this.#lanes[cls].clear();
  }

  /** Takes out what is to be served next; undefined when nothing is ready. */
  shift(nowMs: number): string | undefined {
    const aged = ++this.#turn % TURNS_PER_AGED === 0 ? this.#aged(nowMs) : undefined;
    const cls = aged ?? QUEUE_CLASSES.find((each) => this.#lanes[each].size > 0);
    if (cls === undefined) return undefined;
    const head = this.#head(cls);
    if (head !== undefined) this.#lanes[cls].delete(head[0]);
    return head?.[0];
  }

  #aged(nowMs: number): QueueClass | undefined {
    let oldest: QueueClass | undefined;
    let oldestMs = nowMs - AGED_AFTER_MS;
    for (const cls of QUEUE_CLASSES) {
      const head = this.#head(cls);
      if (head === undefined || head[1] > oldestMs) continue;
      oldest = cls;
      oldestMs = head[1];
    }
    return oldest;
  }

  #head(cls: QueueClass): readonly [text: string, sinceMs: number] | undefined {
    const { value } = this.#lanes[cls].entries().next();
    return value;
  }
}
