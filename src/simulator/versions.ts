import { GRAPH_VERSIONS } from '../core/domain/graph-versions.js';

/**
 * The version that answers a call for `asked`: an expired one is silently served as the next;
 * undefined for one never issued.
 */
export function servedVersion(asked: string, nowMs: number): string | undefined {
  const number = Number(asked.slice(1));
  const usable = GRAPH_VERSIONS.filter(([, end]) => end === undefined || nowMs < Date.parse(end));
  const exact = usable.find(([name]) => name === asked)?.[0];
  if (exact !== undefined) return exact;
  return number < Number(usable[0]?.[0].slice(1) ?? 0) ? usable[0]?.[0] : undefined;
}
