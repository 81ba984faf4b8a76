import { describe, expect, it } from '@jest/globals';
import { rollingRestart } from './support/rolling.js';

describe('a rolling restart under load', () => {
  it('answers no 5xx, resets no connection and loses nothing', async () => {
    const result = await rollingRestart({ seconds: 12, perSecond: 60 });

    expect(result.restarts).toBeGreaterThanOrEqual(2);
    expect(result.notOk).toEqual({});
    expect(result.lost).toEqual([]);
    expect(result.misrouted).toEqual([]);
    expect(result.outOfOrder).toEqual([]);
    expect(result.again).toBe(0);
    expect(result.complaints).toEqual([]);
  }, 120_000);
});
