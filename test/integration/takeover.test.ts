import { describe, expect, it } from '@jest/globals';
import { tell } from '../support/page-world.js';
import { takeover } from '../support/takeover.js';

const PAGES = 500;
const LEASE_MS = 15_000;
/**
 * The other one saw the last renewal up to 4.4 s after it was made (its retries have jitter), and
 * it may have to wait for a core.
 */
const MARGIN_MS = 6_000;

describe('a leader killed in the middle of its first pass', () => {
  it('is followed by one that finishes it, and no page is written twice at Graph', async () => {
    const seen = await takeover({ pages: PAGES, finishDeadlineMs: 60_000 });

    const seconds = (ms: number): string => (ms / 1_000).toFixed(1);
    tell(
      `${PAGES} pages, leader killed at ${seen.writtenBefore} writes (${seen.writtenInFlight} more were under way): the second led after ` +
        `${seconds(seen.ledAfterMs)} s, all Ready after ${seconds(seen.readyAfterMs)} s; status writes a page → pages ${JSON.stringify(seen.statusWrites)}`,
    );
    expect(seen.writtenBefore).toBeLessThan(PAGES / 2);
    expect(seen.writtenInFlight).toBeGreaterThan(0);
    expect(seen.graphWrites).toEqual({ 1: PAGES });
    expect(seen.wrongAtGraph).toEqual([]);
    expect(seen.ledAfterMs).toBeLessThan(LEASE_MS + MARGIN_MS);
    // The claim and the outcome; one of them again where the first leader's was not seen.
    expect(Math.max(...Object.keys(seen.statusWrites).map(Number))).toBeLessThanOrEqual(3);
    expect(seen.refusals).toEqual([]);
  }, 240_000);
});
