import type { WebhookLimits } from '../limits.js';

type Bounds = Pick<WebhookLimits, 'maxUnverifiedBytes' | 'reservedForSmallBytes' | 'smallBodyBytes' | 'maxUnverifiedPerConnection'>;

/** All bodies of one connection. */
interface Held {
  bytes: number;
}

/**
 * Memory for bytes that no signature has vouched for. It counts what has arrived, not what a header promises. Bodies that
 * outgrow `smallBodyBytes` may not touch the reserved part: however much junk comes, Meta's small bodies have room.
 */
export class UnverifiedBudget {
  readonly #bounds: Bounds;
  readonly #byConnection = new WeakMap<object, Held>();
  #smallBytes = 0;
  #largeBytes = 0;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  /** Bytes held now, over all connections. */
  get heldBytes(): number {
    return this.#smallBytes + this.#largeBytes;
  }

  open(connection: object): UnverifiedShare {
    let held = this.#byConnection.get(connection);
    if (held === undefined) {
      held = { bytes: 0 };
      this.#byConnection.set(connection, held);
    }
    return new UnverifiedShare(this, held);
  }

  /** Moves a share from `before` to `after` bytes; false, and nothing changed, if there is no room for that. */
  resize(connection: Held, before: number, after: number): boolean {
    const mine = connection.bytes + after - before;
    const small = this.#smallBytes + this.#ifSmall(after) - this.#ifSmall(before);
    const large = this.#largeBytes + this.#ifLarge(after) - this.#ifLarge(before);
    const { maxUnverifiedBytes, reservedForSmallBytes, maxUnverifiedPerConnection } = this.#bounds;
    const fits =
      mine <= maxUnverifiedPerConnection && small + large <= maxUnverifiedBytes && large <= maxUnverifiedBytes - reservedForSmallBytes;
    if (after > before && !fits) return false;
    connection.bytes = mine;
    this.#smallBytes = small;
    this.#largeBytes = large;
    return true;
  }

  #ifSmall(bytes: number): number {
    return bytes <= this.#bounds.smallBodyBytes ? bytes : 0;
  }

  #ifLarge(bytes: number): number {
    return bytes - this.#ifSmall(bytes);
  }
}

/** One body's part of the budget. */
export class UnverifiedShare {
  readonly #budget: UnverifiedBudget;
  readonly #connection: Held;
  #bytes = 0;

  constructor(budget: UnverifiedBudget, connection: Held) {
    this.#budget = budget;
    this.#connection = connection;
  }

  /** False: no room, nothing taken. */
  take(bytes: number): boolean {
    if (!this.#budget.resize(this.#connection, this.#bytes, this.#bytes + bytes)) return false;
    this.#bytes += bytes;
    return true;
  }

  release(): void {
    this.#budget.resize(this.#connection, this.#bytes, 0);
    this.#bytes = 0;
  }
}
