import { asRecord } from '../kit/narrow.js';
import { asArray, asNumber } from './json.js';
import { parseGraphJson } from './transport.js';

/**
 * What the usage headers of an answer say: percent of a budget, and how long Graph wants us to stay
 * away.
 */
export interface Usage {
  readonly appPercent: number | undefined;
  readonly pagePercent: number | undefined;
  /** From `estimated_time_to_regain_access` (Graph gives minutes); 0 where no wait is needed. */
  readonly regainMs: number;
}

const MAX_HEADER = 16_384;
/** Graph names up to 32 objects. */
const MAX_OBJECTS = 32;
const MAX_REGAIN_MINUTES = 24 * 60;
const MINUTE_MS = 60_000;
const NOT_A_PERCENTAGE = new Set(['type', 'estimated_time_to_regain_access', 'ads_api_access_tier']);

/**
 * Reads `X-App-Usage`, `X-Page-Usage` and `X-Business-Use-Case-Usage` (Meta, "Rate Limits"). Odd
 * shapes say nothing.
 */
export function usageIn(headers: Readonly<Record<string, string>>): Usage {
  const business = businessUsage(read(headers['x-business-use-case-usage']));
  return {
    appPercent: highest(read(headers['x-app-usage'])),
    pagePercent: max([highest(read(headers['x-page-usage'])), ...business.map(highest)]),
    regainMs: Math.max(0, ...business.map(regainMs)),
  };
}

function read(header: string | undefined): unknown {
  return header === undefined || header.length > MAX_HEADER ? undefined : parseGraphJson(header);
}

function businessUsage(value: unknown): readonly unknown[] {
  const lists = Object.values(asRecord(value) ?? {}).slice(0, MAX_OBJECTS);
  return lists.flatMap((list) => asArray(list).slice(0, MAX_OBJECTS));
}

/**
 * The highest percentage of an object such as `{"call_count":28,…}`, or a bare number, as older
 * versions sent.
 */
function highest(value: unknown): number | undefined {
  const bare = asNumber(value);
  if (bare !== undefined) return bare;
  const entries = Object.entries(asRecord(value) ?? {}).filter(([name]) => !NOT_A_PERCENTAGE.has(name));
  return max(entries.map(([, percent]) => asNumber(percent)));
}

function regainMs(value: unknown): number {
  const minutes = asNumber(asRecord(value)?.['estimated_time_to_regain_access']) ?? 0;
  return Math.min(Math.max(0, minutes), MAX_REGAIN_MINUTES) * MINUTE_MS;
}

function max(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}
