import type { CallRecord } from '../../../src/simulator/model.js';

/** How many calls began in each step of time. */
export function perStep(calls: readonly CallRecord[], span: { readonly fromMs: number; readonly toMs: number }, stepMs: number): number[] {
  const counts = Array.from({ length: Math.floor((span.toMs - span.fromMs) / stepMs) }, () => 0);
  for (const { at } of calls) {
    const index = Math.floor((at - span.fromMs) / stepMs);
    if (at >= span.fromMs && counts[index] !== undefined) counts[index] += 1;
  }
  return counts;
}

export function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, one) => sum + one, 0) / Math.max(1, numbers.length);
}

export interface PageRates {
  readonly reads: number;
  readonly inspections: number;
  readonly others: number;
}

/**
 * Calls of each page, by whom the token belongs to (an inspection names its token, not the page).
 */
export function perPage(calls: readonly CallRecord[], pages: readonly { readonly pageId: string; readonly alias: string }[]): PageRates[] {
  const byPage = new Map(pages.map(({ pageId }) => [pageId, { reads: 0, inspections: 0, others: 0 }]));
  const byAlias = new Map(pages.map(({ alias, pageId }) => [alias, byPage.get(pageId)]));
  for (const { shape, method, pageId, params } of calls) {
    if (shape === '/debug_token') {
      const rates = byAlias.get(String(params['input_token']));
      if (rates !== undefined) rates.inspections += 1;
      continue;
    }
    const rates = byPage.get(pageId ?? '');
    if (rates === undefined) continue;
    if (shape === '/{page-id}/subscribed_apps' && method === 'GET') rates.reads += 1;
    else rates.others += 1;
  }
  return [...byPage.values()];
}
