import type { Clock } from './clock.js';
import type { LogFields, Logger } from './log.js';

const ONE_LINE_EVERY_MS = 60_000;

/**
 * A warning that strangers can cause: at most one line a minute, whose `count` says how many
 * occurrences it stands for.
 */
export class LogOnceAMinute {
  readonly #deps: { readonly clock: Clock; readonly log: Logger };
  readonly #message: string;
  #count = 0;
  #writtenMs: number | undefined;

  constructor(deps: { readonly clock: Clock; readonly log: Logger }, message: string) {
    this.#deps = deps;
    this.#message = message;
  }

  write(fields: LogFields): void {
    const { clock, log } = this.#deps;
    const now = clock.monotonicMs();
    this.#count++;
    if (this.#writtenMs !== undefined && now - this.#writtenMs < ONE_LINE_EVERY_MS) return;
    log.warn(this.#message, { ...fields, count: this.#count });
    this.#writtenMs = now;
    this.#count = 0;
  }
}
