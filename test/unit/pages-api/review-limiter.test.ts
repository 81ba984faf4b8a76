import { describe, expect, it } from '@jest/globals';
import { ReviewLimiter, ReviewUnavailableError } from '../../../src/pages-api/review-limiter.js';
import { FakeClock, flush } from '../../support/fake-clock.js';

const LIMITS = { concurrency: 2, perSecond: 10, burst: 4, waiting: 3, timeoutMs: 1_000 };

function setUp(limits = LIMITS) {
  const clock = new FakeClock();
  const limiter = new ReviewLimiter(clock, limits);
  const running: ((value: string) => void)[] = [];
  const review = () => new Promise<string>((resolve) => running.push(resolve));
  return { clock, limiter, running, review };
}

describe('ReviewLimiter', () => {
  it('runs so many at once, the next ones in order', async () => {
    const { limiter, running, review } = setUp();
    const answers = ['a', 'b', 'c'].map(() => limiter.run(review));
    expect(running).toHaveLength(2);
    running[0]?.('first');
    expect(await answers[0]).toBe('first');
    await flush();
    expect(running).toHaveLength(3);
    running[2]?.('third');
    running[1]?.('second');
    expect(await Promise.all(answers)).toEqual(['first', 'second', 'third']);
  });

  it('begins no more than its rate allows', async () => {
    const { clock, limiter } = setUp();
    let begun = 0;
    const quick = () => Promise.resolve((begun += 1));
    for (let i = 0; i < 4; i++) await limiter.run(quick);
    const fifth = limiter.run(quick);
    await flush();
    expect(begun).toBe(4);
    await clock.advance(110);
    expect(await fifth).toBe(5);
  });

  it('turns away what finds no room to wait', async () => {
    const { limiter, review } = setUp();
    const waiting = Array.from({ length: 5 }, () => limiter.run(review));
    await expect(limiter.run(review)).rejects.toBeInstanceOf(ReviewUnavailableError);
    for (const one of waiting) one.catch(() => undefined);
  });

  it('gives each source its turn, whoever was there first', async () => {
    const { limiter, running, review } = setUp({ ...LIMITS, waiting: 10, burst: 100 });
    const begun: string[] = [];
    const named = (source: string) => () => {
      begun.push(source);
      return review();
    };
    const all = ['many', 'many', 'many', 'many', 'many', 'one', 'other'].map((source) => limiter.run(named(source), source));
    for (let n = 0; n < all.length; n++) {
      running[n]?.('done');
      await flush();
    }
    await Promise.all(all);
    expect(begun).toEqual(['many', 'many', 'many', 'one', 'other', 'many', 'many']);
  });

  it('lets the source that waits most give its last place to another one', async () => {
    const { limiter, running, review } = setUp({ ...LIMITS, burst: 100 });
    const many = Array.from({ length: 5 }, () => limiter.run(review, 'many'));
    const one = limiter.run(review, 'one');
    await expect(many[4]).rejects.toBeInstanceOf(ReviewUnavailableError);
    await expect(limiter.run(review, 'many')).rejects.toBeInstanceOf(ReviewUnavailableError);
    for (let n = 0; n < 5; n++) {
      running[n]?.('done');
      await flush();
    }
    expect(await Promise.all([one, ...many.slice(0, 4)])).toHaveLength(5);
  });

  it('ends at the deadline what runs and what waits, and loses no place by a review that does not heed its signal', async () => {
    const { clock, limiter, running, review } = setUp();
    const late = Array.from({ length: 3 }, () => limiter.run(review).catch((error: unknown) => error));
    await clock.advance(1_001);
    for (const error of await Promise.all(late)) expect(error).toBeInstanceOf(ReviewUnavailableError);

    const after = [limiter.run(review), limiter.run(review)];
    const [first, second] = running.slice(-2);
    first?.('one');
    second?.('two');
    expect(await Promise.all(after)).toEqual(['one', 'two']);
  });

  it('passes a failure on and goes on', async () => {
    const { limiter } = setUp();
    await expect(limiter.run(() => Promise.reject(new Error('down')))).rejects.toThrow('down');
    expect(await limiter.run(() => Promise.resolve('up'))).toBe('up');
  });
});
