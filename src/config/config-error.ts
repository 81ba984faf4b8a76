/**
 * What the user asked for cannot be run. Holds every problem, so that all are mended in one go.
 * Exit code 2.
 */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[], hint?: string) {
    super([`invalid configuration:`, ...problems.map((problem) => `  - ${problem}`), ...(hint === undefined ? [] : [hint])].join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}
