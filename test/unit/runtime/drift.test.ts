import { describe, expect, it } from '@jest/globals';
import { firstDriftCheckMs, nextDriftCheckMs } from '../../../src/runtime/drift.js';

describe('drift checks', () => {
  it('are spread evenly over the interval by uid, and stay where they are after a restart', () => {
    const at = Array.from({ length: 2_000 }, (_, i) => firstDriftCheckMs(`uid-${i}`, 1_000));
    expect(Math.min(...at)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...at)).toBeLessThan(1_000);
    for (const tenth of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]) {
      expect(at.filter((ms) => Math.floor(ms / 100) === tenth).length).toBeGreaterThan(130);
    }
    expect(firstDriftCheckMs('uid-7', 1_000)).toBe(at[7]);
  });

  it('come again after the interval ±10 %', () => {
    expect([0, 0.5, 1].map((r) => nextDriftCheckMs(30_000, () => r))).toEqual([27_000, 30_000, 33_000]);
  });
});
