import { FairShares, type Holders, type ShareRefusal } from '../../kit/fair-shares.js';
import type { PageRoute } from '../../core/ports/page-lookup.js';
import type { DeliveryLimits } from '../limits.js';

/** A POST is so many units: an entry of it takes its part of them. */
const UNITS_OF_A_POST = 1_024;

/** What one entry of a POST takes of what all share. */
export interface Charge {
  readonly holders: Holders;
  /** Given back when Meta is answered. */
  readonly units: number;
  /** Given back when nothing of the POST is under way: each item is a slice of the whole body. */
  readonly bytes: number;
}

/** What the POSTs in delivery share. Each page, namespace and app has a part of all three. */
export class DirectShares {
  readonly #posts: FairShares;
  readonly #bytes: FairShares;
  /** Given back item by item. */
  readonly items: FairShares;

  constructor({ maxPosts, maxItems, maxHeldBytes }: Pick<DeliveryLimits, 'maxPosts' | 'maxItems' | 'maxHeldBytes'>) {
    this.#posts = new FairShares(maxPosts * UNITS_OF_A_POST);
    this.#bytes = new FairShares(maxHeldBytes);
    this.items = new FairShares(maxItems);
  }

  get bytes(): number {
    return this.#bytes.used;
  }

  /** @returns what was taken, or why nothing was. @param entries of the POST */
  enter(holders: Holders, entries: number, bytes: number): Charge | ShareRefusal {
    const units = Math.max(1, Math.floor(UNITS_OF_A_POST / entries));
    const why = this.#posts.take(holders, units);
    if (why !== undefined) return why;
    const whyBytes = this.#bytes.take(holders, bytes);
    if (whyBytes === undefined) return { holders, units, bytes };
    this.#posts.giveBack(holders, units);
    return whyBytes;
  }

  answered(charges: readonly Charge[]): void {
    for (const { holders, units } of charges) this.#posts.giveBack(holders, units);
  }

  ended(charges: readonly Charge[]): void {
    for (const { holders, bytes } of charges) this.#bytes.giveBack(holders, bytes);
  }
}

export function holdersOf({ key, owner, appId }: PageRoute): Holders {
  return [key, owner.namespace, appId];
}
