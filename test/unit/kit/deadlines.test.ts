import { describe, expect, it } from '@jest/globals';
import { Deadlines, type Expiring } from '../../../src/kit/deadlines.js';
import { FakeClock } from '../../support/fake-clock.js';

class Thing implements Expiring {
  slot = -1;
  readonly deadlineMs: number;
  readonly #clock: FakeClock;
  readonly #then: () => void;
  readonly expiredMs: number[] = [];

  constructor(clock: FakeClock, inMs: number, then: () => void = () => undefined) {
    this.#clock = clock;
    this.#then = then;
    this.deadlineMs = clock.monotonicMs() + inMs;
  }

  expire(): void {
    this.expiredMs.push(this.#clock.monotonicMs());
    this.#then();
  }
}

describe('deadlines', () => {
  it('expire each thing once, never early, and at most five milliseconds late', async () => {
    const clock = new FakeClock();
    const deadlines = new Deadlines(clock);
    const things = [7, 3, 3.5, 100, 101, 4_000, 50, 4_001].map((inMs) => new Thing(clock, inMs));
    for (const thing of things) deadlines.add(thing);

    await clock.advance(5_000);

    for (const { deadlineMs, expiredMs } of things) {
      expect(expiredMs).toHaveLength(1);
      expect(expiredMs[0]).toBeGreaterThanOrEqual(deadlineMs);
      expect(expiredMs[0]).toBeLessThanOrEqual(deadlineMs + 5);
    }
    expect(deadlines.size).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });

  it('are brought forward by a thing that ends sooner', async () => {
    const clock = new FakeClock();
    const deadlines = new Deadlines(clock);
    deadlines.add(new Thing(clock, 60_000));
    const soon = new Thing(clock, 10);
    deadlines.add(soon);

    await clock.advance(10);
    expect(soon.expiredMs).toEqual([10]);
    expect(deadlines.size).toBe(1);
  });

  it('forget what was taken out, whatever the order, and taking it out again does nothing', async () => {
    const clock = new FakeClock();
    const deadlines = new Deadlines(clock);
    const things = Array.from({ length: 50 }, () => new Thing(clock, 1_000));
    for (const thing of things) deadlines.add(thing);
    const stay = things.filter((_, i) => i % 7 === 0);
    for (const thing of [...things].reverse()) if (!stay.includes(thing)) deadlines.remove(thing);
    for (const thing of things) if (!stay.includes(thing)) deadlines.remove(thing);

    expect(deadlines.size).toBe(stay.length);
    await clock.advance(2_000);
    expect(things.filter(({ expiredMs }) => expiredMs.length > 0)).toEqual(stay);
  });

  it('may be changed by what expires', async () => {
    const clock = new FakeClock();
    const deadlines = new Deadlines(clock);
    const second = new Thing(clock, 10);
    const third = new Thing(clock, 30);
    const first = new Thing(clock, 10, () => {
      deadlines.remove(second);
      deadlines.add(third);
    });
    deadlines.add(first);
    deadlines.add(second);

    await clock.advance(10);
    expect([first.expiredMs, second.expiredMs, third.expiredMs]).toEqual([[10], [], []]);
    await clock.advance(20);
    expect(third.expiredMs).toEqual([30]);
  });

  it('look through everything a bounded number of times, however the ends are spread', async () => {
    const clock = new FakeClock();
    let timers = 0;
    const counting = {
      nowMs: () => clock.nowMs(),
      monotonicMs: () => clock.monotonicMs(),
      setTimer: (ms: number, fn: () => void) => (timers++, clock.setTimer(ms, fn)),
    };
    const deadlines = new Deadlines(counting);
    for (let i = 0; i < 10_000; i++) deadlines.add(new Thing(clock, 1_000 + i / 10));

    await clock.advance(3_000);
    expect(deadlines.size).toBe(0);
    expect(timers).toBeLessThanOrEqual(210);
  });

  it('end nothing after they were stopped', async () => {
    const clock = new FakeClock();
    const deadlines = new Deadlines(clock);
    const thing = new Thing(clock, 10);
    deadlines.add(thing);
    deadlines.stop();

    await clock.advance(1_000);
    expect(thing.expiredMs).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });
});
