/**
 * Graph versions, oldest first, with the first day on which each is not served any more, in UTC;
 * undefined: not announced. Source: Meta's changelog,
 * https://developers.facebook.com/docs/graph-api/changelog (read in October 2026).
 */
export const GRAPH_VERSIONS: readonly (readonly [version: string, end: string | undefined])[] = [
  ['v17.0', '2025-09-12'],
  ['v18.0', '2026-01-26'],
  ['v19.0', '2026-05-21'],
  ['v20.0', '2026-09-24'],
  ['v21.0', '2027-01-21'],
  ['v22.0', '2027-05-20'],
  ['v23.0', '2027-10-08'],
  ['v24.0', '2028-02-18'],
  ['v25.0', '2028-07-29'],
  ['v26.0', undefined],
];

const DAY_MS = 86_400_000;
/** The days ahead of a version's end at which the warning changes. */
const WARN_DAYS = [7, 30, 90];

export interface VersionUse {
  /** What calls ask for: `v25.0`. */
  readonly asked: string;
  /** What Graph answered with; undefined: nothing yet. */
  readonly answered: string | undefined;
}

export interface VersionWarning {
  /** Tells one warning from another, whatever its text. */
  readonly code: string;
  /** For users. */
  readonly message: string;
}

/**
 * What to say about the API version that an app uses; undefined: all is well, or nothing is known
 * of the version. Graph serves a call for a version that has ended as the next one that it has, and
 * says so only in a header.
 */
export function versionWarning({ asked, answered }: VersionUse, nowMs: number): VersionWarning | undefined {
  if (answered !== undefined && answered !== asked) {
    const message = `Graph answers with API version ${answered} where ${asked} is asked for: set spec.graph.version to one that Graph serves`;
    return { code: `answered/${asked}/${answered}`, message };
  }
  const end = GRAPH_VERSIONS.find(([version]) => version === asked)?.[1];
  if (end === undefined) return undefined;
  const leftMs = Date.parse(end) - nowMs;
  if (leftMs <= 0) {
    const message = `Graph serves API version ${asked} no more since ${end}: set spec.graph.version to a newer one`;
    return { code: `ended/${asked}`, message };
  }
  const within = WARN_DAYS.find((days) => leftMs <= days * DAY_MS);
  if (within === undefined) return undefined;
  const message = `Graph serves API version ${asked} only until ${end}, within ${within} days: try a newer one and set spec.graph.version`;
  return { code: `ends/${asked}/${within}`, message };
}
