import { Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import type { Clock } from '../../../../src/kit/clock.js';
import { AwaitingHeaders } from '../../../../src/webhook/connections/awaiting-headers.js';
import { FakeClock } from '../../../support/fake-clock.js';

const TIMEOUT_MS = 10_000;

function world() {
  const clock = new FakeClock();
  const ended: Socket[] = [];
  const awaiting = new AwaitingHeaders(clock, TIMEOUT_MS, (socket) => ended.push(socket));
  const open = (): Socket => {
    const socket = new Socket();
    awaiting.add(socket);
    return socket;
  };
  return { clock, ended, awaiting, open };
}

describe('connections that have not made a request', () => {
  it('closes those that time out, oldest first', async () => {
    const { clock, ended, open } = world();
    const first = open();
    await clock.advance(4_000);
    const second = open();

    await clock.advance(6_000);
    expect(ended).toEqual([first]);
    await clock.advance(4_000);
    expect(ended).toEqual([first, second]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('leaves those alone that made a request, and forgets those that closed', async () => {
    const { clock, ended, awaiting, open } = world();
    awaiting.delete(open());
    open().emit('close');

    expect(awaiting.size).toBe(0);
    await clock.advance(2 * TIMEOUT_MS);
    expect(ended).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('closes ten thousand that opened together a few at a time', async () => {
    const { clock, ended, open } = world();
    for (let i = 0; i < 10_000; i++) open();
    await clock.advance(TIMEOUT_MS - 1);
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

  it('closes as many a second where the turns of the event loop are long', async () => {
    const fake = new FakeClock();
    // No timer fires in less than ten milliseconds.
    const clock: Clock = {
      nowMs: () => fake.nowMs(),
      monotonicMs: () => fake.monotonicMs(),
      setTimer: (ms, fn) => fake.setTimer(Math.max(ms, 10), fn),
    };
    let ended = 0;
    const awaiting = new AwaitingHeaders(clock, TIMEOUT_MS, () => ended++);
    for (let i = 0; i < 3_000; i++) awaiting.add(new Socket());

    await fake.advance(TIMEOUT_MS + 1_100);
    expect(ended).toBeGreaterThanOrEqual(2_000);
    await fake.advance(1_000);
    expect(ended).toBe(3_000);
  });
});
