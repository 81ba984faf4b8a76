import type { World } from './world.js';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const MAX_KEYS = 50_000;

/** Counts calls per app and per page over a rolling hour, for the usage headers. */
export class UsageMeter {
  readonly #minutes = new Map<string, Map<number, number>>();

  /** Counts one call. @returns how many there were within the hour. */
  count(key: string, nowMs: number): number {
    const minutes = this.#minutes.get(key) ?? new Map<number, number>();
    if (this.#minutes.size < MAX_KEYS) this.#minutes.set(key, minutes);
    const minute = Math.floor(nowMs / MINUTE_MS);
    minutes.set(minute, (minutes.get(minute) ?? 0) + 1);
    let sum = 0;
    for (const [at, calls] of minutes) {
      if (at * MINUTE_MS < nowMs - HOUR_MS) minutes.delete(at);
      else sum += calls;
    }
    return sum;
  }

  reset(): void {
    this.#minutes.clear();
  }
}

/** Percent of the app's hourly budget that is used. */
export function appPercent(appId: string, calls: number, { config }: World): number {
  const fixed = config.appUsage[appId];
  if (fixed !== undefined) return fixed;
  return config.appCallsPerHour === 0 ? 0 : Math.floor((calls * 100) / config.appCallsPerHour);
}

/** `X-App-Usage` and, for a call on a page, `X-Business-Use-Case-Usage` and `X-Page-Usage`. */
export function usageHeaders(percent: number, pageId: string | undefined, regainMinutes: number): Record<string, string> {
  const figures = { call_count: percent, total_cputime: Math.floor(percent / 2), total_time: Math.floor(percent / 2) };
  const headers: Record<string, string> = { 'x-app-usage': JSON.stringify(figures) };
  if (pageId === undefined) return headers;
  const spent = regainMinutes > 0 ? 100 : Math.min(percent, 99);
  const business = { type: 'pages', call_count: spent, total_cputime: 1, total_time: 1, estimated_time_to_regain_access: regainMinutes };
  headers['x-business-use-case-usage'] = JSON.stringify({ [pageId]: [business] });
  headers['x-page-usage'] = JSON.stringify({ call_count: spent, total_cputime: 1, total_time: 1 });
  return headers;
}
