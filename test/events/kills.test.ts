import { describe, expect, it } from '@jest/globals';
import { killsUnderLoad } from './support/kills.js';

describe('nothing acknowledged is lost', () => {
  it('when replicas and bots are killed under load', async () => {
    const result = await killsUnderLoad({ kills: 3, traffic: { events: 3_000, connections: 16, perSecond: 100 }, deadlineMs: 60_000 });

    expect(result.kills).toEqual({ replicas: 3, bots: 3 });
    expect(result.events).toBeGreaterThanOrEqual(3_000);
    expect(result.lost).toEqual([]);
    expect(result.misrouted).toEqual([]);
    expect(result.outOfOrder).toEqual([]);
    expect(result.givenUp).toEqual([]);
    // The kills were felt: else the test shows nothing.
    expect(result.retried).toBeGreaterThan(0);
  }, 150_000);
});
