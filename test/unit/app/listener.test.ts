import { describe, expect, it } from '@jest/globals';
import { drainInTurn } from '../../../src/app/listener.js';
import { sleep } from '../../../src/kit/clock.js';
import { FakeClock } from '../../support/fake-clock.js';

/** Takes so long, or the time it is given. */
function aPart(clock: FakeClock, needsMs: number) {
  const given: number[] = [];
  const drain = (timeoutMs: number): Promise<void> => {
    given.push(timeoutMs);
    return sleep(clock, Math.min(needsMs, timeoutMs));
  };
  return { given, drain };
}

describe('drainInTurn', () => {
  it('gives the second part what the first one has left of the time, so that both end within it', async () => {
    const clock = new FakeClock();
    const [listener, delivery] = [aPart(clock, 7_000), aPart(clock, 60_000)];
    let doneMs: number | undefined;
    void drainInTurn([listener, delivery], 25_000, clock).then(() => (doneMs = clock.monotonicMs()));

    await clock.advance(60_000);

    expect([listener.given, delivery.given]).toEqual([[25_000], [18_000]]);
    expect(doneMs).toBe(25_000);
  });

  it('asks the second part all the same when the first one took all the time', async () => {
    const clock = new FakeClock();
    const [listener, delivery] = [aPart(clock, 60_000), aPart(clock, 1)];
    void drainInTurn([listener, delivery], 25_000, clock);

    await clock.advance(25_000);

    expect(delivery.given).toEqual([0]);
  });
});
