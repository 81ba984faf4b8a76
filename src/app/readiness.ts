/** Whether the process may be sent requests, and if not, what it waits for. */
export class Readiness {
  readonly #checks: (() => readonly string[])[] = [];
  #withdrawn: string | undefined = 'starting';

  /**
   * From now on the process is ready only while this returns nothing: what is missing, as texts for
   * people.
   */
  require(unmet: () => readonly string[]): void {
    this.#checks.push(unmet);
  }

  /** Everything listens. */
  grant(): void {
    this.#withdrawn = undefined;
  }

  /** The process stops, or cannot serve any more. */
  withdraw(why: string): void {
    this.#withdrawn = why;
  }

  /** Empty: ready. */
  notReady(): readonly string[] {
    const waiting = this.#checks.flatMap((unmet) => unmet());
    return this.#withdrawn === undefined ? waiting : [this.#withdrawn, ...waiting];
  }
}
