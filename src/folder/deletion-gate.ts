/** What the last scan says about one known object. */
export interface Sighting {
  readonly id: string;
  readonly isPage: boolean;
  readonly found: boolean;
}

export interface DeletionDecision {
  /** Seen missing by two good scans, far enough apart. */
  readonly gone: readonly string[];
  /** So many pages are missing at once that nothing is removed at all. */
  readonly refused: { readonly missing: number; readonly pages: number } | undefined;
  /** Something is missing and waits for its second good scan. */
  readonly pending: boolean;
}

export interface DeletionGateOptions {
  readonly confirmMs: number;
  readonly allowMassDelete: boolean;
}

const FEW_PAGES = 5;
const FRACTION = 5;

/**
 * Decides when an object that is not in the folder any more is gone. Slow and suspicious: an
 * unsubscribed Page is silent, and an unmounted disk, a wrong folder or half a `git checkout` look
 * like a deletion.
 */
export class DeletionGate {
  readonly #options: DeletionGateOptions;
  /** id → time of the first good scan that missed it */
  readonly #missing = new Map<string, number>();

  constructor(options: DeletionGateOptions) {
    this.#options = options;
  }

  /**
   * @param good whether the scan saw everything: a bad one confirms nothing, but what it found is
   * there.
   */
  judge(sightings: readonly Sighting[], good: boolean, nowMs: number): DeletionDecision {
    const known = new Set(sightings.map(({ id }) => id));
    for (const id of this.#missing.keys()) if (!known.has(id)) this.#missing.delete(id);
    for (const { id, found } of sightings) if (found) this.#missing.delete(id);
    if (!good) return { gone: [], refused: undefined, pending: this.#missing.size > 0 };

    const missing = sightings.filter(({ found }) => !found);
    const refused = this.#isMass(sightings);
    const gone = refused === undefined ? missing.filter(({ id }) => this.#isConfirmed(id, nowMs)).map(({ id }) => id) : [];
    for (const { id } of missing) if (!this.#missing.has(id)) this.#missing.set(id, nowMs);
    for (const id of gone) this.#missing.delete(id);
    return { gone, refused, pending: this.#missing.size > 0 };
  }

  #isConfirmed(id: string, nowMs: number): boolean {
    const since = this.#missing.get(id);
    return since !== undefined && nowMs - since >= this.#options.confirmMs;
  }

  #isMass(sightings: readonly Sighting[]): DeletionDecision['refused'] {
    const pages = sightings.filter(({ isPage }) => isPage);
    const missing = pages.filter(({ found }) => !found).length;
    const mass = missing > FEW_PAGES && missing * FRACTION > pages.length;
    return mass && !this.#options.allowMassDelete ? { missing, pages: pages.length } : undefined;
  }
}
