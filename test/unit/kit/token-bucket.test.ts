import { describe, expect, it } from '@jest/globals';
import { TokenBucket } from '../../../src/kit/token-bucket.js';

describe('TokenBucket', () => {
  it('gives its capacity at once, then one token after each refill time', () => {
    const bucket = new TokenBucket({ capacity: 2, refillMs: 100 });
    expect([bucket.take(1_000), bucket.take(1_000), bucket.take(1_000), bucket.take(1_040)]).toEqual([0, 0, 100, 60]);
    expect([bucket.take(1_100), bucket.take(1_100), bucket.take(1_199), bucket.take(1_200)]).toEqual([0, 100, 1, 0]);
  });

  it('never holds more than its capacity, and refills from the time of the first take', () => {
    const bucket = new TokenBucket({ capacity: 2, refillMs: 100 });
    expect(bucket.take(0)).toBe(0);
    expect([bucket.take(10_000), bucket.take(10_050), bucket.take(10_060)]).toEqual([0, 0, 40]);
  });
});
