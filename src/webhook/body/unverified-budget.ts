import type { WebhookLimits } from '../limits.js';

type Bounds = Pick<WebhookLimits, 'maxUnverifiedBytes' | 'reservedForSmallBytes' | 'smallBodyBytes' | 'maxUnverifiedPerConnection'>;

/** Bytes of all bodies of one connection. */
interface Held {
  bytes: number;
}

/**
 * Memory for bytes whose signature is not verified yet. It counts what has arrived, not what a
 * header declares. Bodies over `smallBodyBytes` may not use the reserved part: however much junk
 * arrives, there is room for Meta's small bodies.
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

  /**
   * Changes a share from `before` to `after` bytes. False: there is no room, nothing has changed.
   */
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

/** What one body uses of the budget. */
export class UnverifiedShare {
  readonly #budget: UnverifiedBudget;
  readonly #connection: Held;
  #bytes = 0;

  constructor(budget: UnverifiedBudget, connection: Held) {
    this.#budget = budget;
    this.#connection = connection;
  }

  /** False: there is no room, nothing was taken. */
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
