import { Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import type { Clock } from '../../../../src/kit/clock.js';
import { Newcomers } from '../../../../src/webhook/connections/awaiting-headers.js';
import { FakeClock } from '../../../support/fake-clock.js';

const PATIENCE_MS = 10_000;

function world() {
  const clock = new FakeClock();
  const ended: Socket[] = [];
  const newcomers = new Newcomers(clock, PATIENCE_MS, (socket) => ended.push(socket));
  const come = (): Socket => {
    const socket = new Socket();
    newcomers.add(socket);
    return socket;
  };
  return { clock, ended, newcomers, come };
}

describe('connections that have not made a request', () => {
  it('ends those that make none in time, oldest first', async () => {
    const { clock, ended, come } = world();
    const first = come();
    await clock.advance(4_000);
    const second = come();

    await clock.advance(6_000);
    expect(ended).toEqual([first]);
    await clock.advance(4_000);
    expect(ended).toEqual([first, second]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('leaves alone who made a request, and forgets who went', async () => {
    const { clock, ended, newcomers, come } = world();
    newcomers.forget(come());
    come().emit('close');

    expect(newcomers.size).toBe(0);
    await clock.advance(2 * PATIENCE_MS);
    expect(ended).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('ends ten thousand that came together a few at a time', async () => {
    const { clock, ended, come } = world();
    for (let i = 0; i < 10_000; i++) come();
    await clock.advance(PATIENCE_MS - 1);
    expect(ended.length).toBe(0);

    let most = 0;
    for (let step = 0; step < 6_000 && ended.length < 10_000; step++) {
      const before = ended.length;
      await clock.advance(1);
      most = Math.max(most, ended.length - before);
    }

    expect(ended.length).toBe(10_000);
    expect(most).toBeLessThanOrEqual(4);
  });

  it('ends as many a second where the turns of the event loop are long', async () => {
    const fake = new FakeClock();
    // Nothing fires sooner than ten milliseconds after it was asked for.
    const clock: Clock = {
      nowMs: () => fake.nowMs(),
      monotonicMs: () => fake.monotonicMs(),
      setTimer: (ms, fn) => fake.setTimer(Math.max(ms, 10), fn),
    };
    let ended = 0;
    const newcomers = new Newcomers(clock, PATIENCE_MS, () => ended++);
    for (let i = 0; i < 3_000; i++) newcomers.add(new Socket());

    await fake.advance(PATIENCE_MS + 1_100);
    expect(ended).toBeGreaterThanOrEqual(2_000);
    await fake.advance(1_000);
    expect(ended).toBe(3_000);
  });
});
