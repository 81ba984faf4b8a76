interface Check {
  readonly name: string;
  readonly holds: () => boolean;
}

/** Whether the process may be sent requests, and if not, what it waits for. */
export class Readiness {
  readonly #checks: Check[] = [];
  #withdrawn: string | undefined = 'starting';

  /** From now on the process is ready only while `holds` says true. */
  require(name: string, holds: () => boolean): void {
    this.#checks.push({ name, holds });
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
    const waiting = this.#checks.filter(({ holds }) => !holds()).map(({ name }) => name);
    return this.#withdrawn === undefined ? waiting : [this.#withdrawn, ...waiting];
  }
}
