/**
 * Who takes part of something that all share, from the narrowest to the widest: a page, its
 * namespace, its app. Names are compared within their place in the list only.
 */
export type Holders = readonly string[];

/** `full`: nothing is left. `over_share`: something is, but it is kept for others. */
export type ShareRefusal = 'full' | 'over_share';

interface Held {
  amount: number;
}

/**
 * Holders remembered at a place although they hold nothing, so that they need not be added again.
 */
const MAX_EMPTY = 1_024;

/**
 * A bound that all share, with a part for each holder. A holder may take more only while what it
 * has is at most twice (the next wider: four times, eight times, …) what is free. So a page alone
 * gets up to two thirds, its namespace four fifths, its app eight ninths; two busy pages get two
 * fifths each, and some of it always stays free for one that has nothing yet. The wider bounds are
 * looser: who fills its own share never fills that of those beside it.
 */
export class FairShares {
  readonly #total: number;
  readonly #held: Map<string, Held>[] = [];
  #used = 0;

  /** @param total what there is, in whole units of what is shared */
  constructor(total: number) {
    this.#total = total;
  }

  /** What all holders have. */
  get used(): number {
    return this.#used;
  }

  /** What one holder has. @param place of it in the list of holders */
  heldBy(name: string, place: number): number {
    return this.#held[place]?.get(name)?.amount ?? 0;
  }

  /**
   * Takes `amount` for all of these holders, or nothing. While nothing is taken, it may be
   * more than there is, so that a request larger than the total is still served.
   * @returns why nothing was taken; undefined: it was, and `giveBack` must be called
   */
  take(holders: Holders, amount: number): ShareRefusal | undefined {
    const free = this.#total - this.#used;
    if (this.#used > 0 && amount > free) return 'full';
    for (let place = 0; this.#used > 0 && place < holders.length; place++) {
      if (this.heldBy(holders[place] ?? '', place) + amount > free * 2 ** (place + 1)) return 'over_share';
    }
    this.#add(holders, amount);
    return undefined;
  }

  /** Of what was taken, all or a part. */
  giveBack(holders: Holders, amount: number): void {
    this.#add(holders, -amount);
  }

  #add(holders: Holders, amount: number): void {
    this.#used += amount;
    for (let place = 0; place < holders.length; place++) {
      const name = holders[place] ?? '';
      const byName = (this.#held[place] ??= new Map<string, Held>());
      const held = byName.get(name);
      if (held === undefined) {
        byName.set(name, { amount });
        continue;
      }
      held.amount += amount;
      if (held.amount === 0 && byName.size > MAX_EMPTY) byName.delete(name);
    }
  }
}
