import type { Logger } from '../kit/log.js';
import { type Problem, problemText } from './problem.js';

const MAX_LOGGED = 100;

/** Tells each problem of the manifests once when it appears, and once when it is gone. */
export class ProblemLog {
  readonly #log: Logger;
  readonly #keep: (problems: readonly Problem[]) => void;
  #told: ReadonlyMap<string, Problem> | undefined;

  constructor(log: Logger, keep: (problems: readonly Problem[]) => void) {
    this.#log = log;
    this.#keep = keep;
  }

  report(problems: readonly Problem[]): void {
    const now = new Map(problems.slice(0, MAX_LOGGED).map((problem) => [problemText(problem), problem]));
    const before = this.#told ?? new Map<string, Problem>();
    const fresh = [...now].filter(([text]) => !before.has(text));
    const mended = [...before].filter(([text]) => !now.has(text));
    for (const [problem] of fresh) this.#log.warn('a manifest is not used as it stands', { problem });
    for (const [problem] of mended) this.#log.info('a problem of a manifest is gone', { problem });
    if (this.#told !== undefined && fresh.length === 0 && mended.length === 0) return;
    this.#told = now;
    try {
      this.#keep([...now.values()]);
    } catch (error) {
      this.#log.error('the problems of the manifests could not be kept', { error });
    }
  }
}
