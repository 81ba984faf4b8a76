import { ROLES, type Operator, type Role } from '../../support/operator.js';
import type { Kind } from './kinds.js';

/** The counters of all three processes at one moment: `role name{labels}` → value. */
export type Reading = ReadonlyMap<string, number>;

/** Reads /metrics of every role. */
export async function readMetrics(operator: Operator): Promise<Reading> {
  const texts = await Promise.all(ROLES.map(async (role) => [role, await operator.metrics(role)] as const));
  const entries = texts.flatMap(([role, text]) =>
    [...text.matchAll(/^(messenger_[a-z_]+(?:\{[^}]*\})?) (\S+)$/gm)].map(
      ([, series = '', value = '0']) => [`${role} ${series}`, Number(value)] as const,
    ),
  );
  return new Map(entries);
}

export const watchSeries = (role: Role, kind: Kind, event: string): string =>
  `${role} messenger_watch_events_total{resource="${kind}",event="${event}"}`;

export const cacheSeries = (role: Role, kind: Kind): string => `${role} messenger_cache_objects{resource="${kind}"}`;

/**
 * @throws for a series that there is not, so that a renamed metric does not pass as one that does
 * not move
 */
export function movedBy(before: Reading, after: Reading, series: string): number {
  const [old, now] = [before.get(series), after.get(series)];
  if (old === undefined || now === undefined) throw new Error(`there is no ${series}`);
  return now - old;
}
