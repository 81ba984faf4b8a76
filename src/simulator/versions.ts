/** Graph versions, oldest first, with the last day on which each is served (Meta's changelog; undefined: not announced). */
const VERSIONS: readonly (readonly [string, string | undefined])[] = [
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

/** The version that answers a call for `asked`: an expired one is silently served as the next; undefined for one never issued. */
export function servedVersion(asked: string, nowMs: number): string | undefined {
  const number = Number(asked.slice(1));
  const usable = VERSIONS.filter(([, end]) => end === undefined || nowMs < Date.parse(end));
  const exact = usable.find(([name]) => name === asked)?.[0];
  if (exact !== undefined) return exact;
  return number < Number(usable[0]?.[0].slice(1) ?? 0) ? usable[0]?.[0] : undefined;
}
