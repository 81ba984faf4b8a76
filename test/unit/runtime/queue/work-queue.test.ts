import { describe, expect, it } from '@jest/globals';
import { WorkQueue, type WorkQueueOptions } from '../../../../src/runtime/queue/work-queue.js';
import { FakeClock } from '../../../support/fake-clock.js';

function setUp(options: Partial<WorkQueueOptions<string>> = {}) {
  const clock = new FakeClock();
  const queue = new WorkQueue<string>({ clock, random: () => 0.5, ...options });
  /** Takes all that is ready, in the order in which workers get it. */
  const drain = async (): Promise<string[]> => {
    const keys: string[] = [];
    while (queue.depth > 0) {
      const key = await queue.next();
      if (key === undefined) break;
      keys.push(key);
      queue.done(key);
    }
    return keys;
  };
  return { clock, queue, drain };
}

describe('WorkQueue', () => {
  it('holds a key once, however often it is added', async () => {
    const { queue, drain } = setUp();
    for (let i = 0; i < 5; i++) queue.add('a');
    expect(await drain()).toEqual(['a']);
  });

  it('gives a key to one worker at a time and brings it back when it was added meanwhile', async () => {
    const { queue } = setUp();
    queue.add('a');
    expect(await queue.next()).toBe('a');
    queue.add('a');
    queue.add('a');
    expect(queue.depth).toBe(0);

    queue.done('a');

    expect(queue.depth).toBe(1);
    expect(await queue.next()).toBe('a');
    queue.done('a');
    expect(queue.size).toBe(0);
  });

  it('hands a key to a worker that already waits', async () => {
    const { queue } = setUp();
    const waiting = queue.next();
    queue.add('a');
    expect(await waiting).toBe('a');
  });

  it('takes namespaced names for keys', async () => {
    const queue = new WorkQueue({ clock: new FakeClock() });
    queue.add({ namespace: 'bots', name: 'a' });
    queue.add({ namespace: 'bots', name: 'a' });
    expect(await queue.next()).toEqual({ namespace: 'bots', name: 'a' });
    expect(queue.depth).toBe(0);
  });

  it('waits for the time of a delayed key; of two times the earlier wins', async () => {
    const { clock, queue, drain } = setUp();
    queue.addAfter('a', 10_000);
    queue.addAfter('a', 3_000);
    queue.addAfter('a', 20_000);
    await clock.advance(2_999);
    expect(queue.depth).toBe(0);
    await clock.advance(1);
    expect(await drain()).toEqual(['a']);
    await clock.advance(60_000);
    expect(queue.size).toBe(0);
  });

  it('serves changes before retries before background, first in first out', async () => {
    const { queue, drain } = setUp();
    queue.add('b1', 'background');
    queue.add('r1', 'retry');
    queue.add('c1');
    queue.add('c2');
    queue.add('b2', 'background');
    expect(await drain()).toEqual(['c1', 'c2', 'r1', 'b1', 'b2']);
  });

  it('moves a key to the sooner class of two, whether it is ready, delayed or worked on', async () => {
    const { clock, queue, drain } = setUp();
    queue.add('r', 'retry');
    queue.add('ready', 'background');
    queue.add('ready');
    queue.addAfter('delayed', 5_000, 'background');
    queue.addAfter('delayed', 9_000, 'change');
    expect(await drain()).toEqual(['ready', 'r']);
    await clock.advance(5_000);
    queue.add('r', 'retry');
    expect(await drain()).toEqual(['delayed', 'r']);
  });

  it('keeps a change quick behind an aged backlog, and a backlog moving behind a flood of changes', async () => {
    const { clock, queue } = setUp();
    for (let i = 0; i < 1_000; i++) queue.add(`b${i}`, 'background');
    await clock.advance(60_000);
    for (let i = 0; i < 30; i++) queue.add(`c${i}`);

    const order: string[] = [];
    for (let i = 0; i < 40; i++) {
      const key = (await queue.next()) ?? '';
      order.push(key);
      queue.done(key);
      queue.add(`more${i}`);
    }

    expect(order.indexOf('c0')).toBeLessThan(4);
    expect(order.indexOf('c29')).toBeLessThan(40);
    expect(order.filter((key) => key.startsWith('b'))).toHaveLength(10);
  });

  it('backs off for each key by itself, doubling from 1 s to 7 min, until it is forgotten', async () => {
    const { clock, queue } = setUp();
    const waits: number[] = [];
    for (let i = 0; i < 12; i++) {
      const from = clock.monotonicMs();
      queue.addRateLimited('a');
      while (queue.depth === 0) await clock.advance(500);
      waits.push(clock.monotonicMs() - from);
      queue.done((await queue.next()) ?? '');
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 420, 420, 420].map((s) => s * 1_000));

    queue.forget('a');

    expect(queue.failures('a')).toBe(0);
    queue.addRateLimited('b');
    await clock.advance(1_000);
    expect(queue.depth).toBe(1);
  });

  it('spreads the back-off by ±20 %', async () => {
    for (const [random, ms] of [
      [0, 800],
      [1, 1_200],
    ] as const) {
      const { clock, queue } = setUp({ random: () => random });
      queue.addRateLimited('a');
      await clock.advance(ms - 1);
      expect(queue.depth).toBe(0);
      await clock.advance(1);
      expect(queue.depth).toBe(1);
    }
  });

  it('collects delayed background keys so that they become due together; others keep their time', async () => {
    const { clock, queue } = setUp({ collectBackgroundMs: 5_000 });
    queue.addAfter('a', 5_100, 'background');
    queue.addAfter('b', 9_900, 'background');
    queue.addAfter('r', 5_100, 'retry');
    await clock.advance(9_999);
    expect(queue.depth).toBe(1);
    await clock.advance(1);
    expect(queue.depth).toBe(3);
  });

  it('never works on two keys of one group at once', async () => {
    const { queue } = setUp({ groupOf: (key) => key[0] });
    queue.add('x1');
    queue.add('x2');
    queue.add('y1');
    expect(await queue.next()).toBe('x1');
    expect(await queue.next()).toBe('y1');
    expect(queue.depth).toBe(0);
    const waiting = queue.next();
    queue.done('x1');
    expect(await waiting).toBe('x2');
  });

  it('turns keys away beyond its bound, and says so', () => {
    let dropped = 0;
    const { queue } = setUp({ maxKeys: 2, observer: { dropped: () => dropped++ } });
    for (const key of ['a', 'b', 'c', 'a']) queue.add(key);
    expect(queue.size).toBe(2);
    expect(dropped).toBe(1);
  });

  it('ends every wait when it is shut down, takes nothing more and leaves no timer', async () => {
    const { clock, queue } = setUp();
    queue.addAfter('later', 1_000);
    const waiting = [queue.next(), queue.next()];
    queue.shutDown();
    expect(await Promise.all(waiting)).toEqual([undefined, undefined]);
    queue.add('a');
    expect(await queue.next()).toBeUndefined();
    expect(clock.pendingTimers).toBe(0);
  });

  it('ends a wait when its signal is aborted, and loses no key by it', async () => {
    const { queue } = setUp();
    const abort = new AbortController();
    const waiting = queue.next(abort.signal);
    abort.abort();
    expect(await waiting).toBeUndefined();
    queue.add('a');
    expect(await queue.next()).toBe('a');
  });

  it('tells depth, adds, retries, waits and work to its observer', async () => {
    const told: string[] = [];
    const { clock, queue } = setUp({
      observer: {
        depth: (n) => told.push(`depth ${n}`),
        added: (cls) => told.push(`added ${cls}`),
        retried: () => told.push('retried'),
        waited: (ms) => told.push(`waited ${ms}`),
        worked: (ms) => told.push(`worked ${ms}`),
      },
    });
    queue.add('a');
    await clock.advance(30);
    await queue.next();
    await clock.advance(70);
    queue.addRateLimited('a');
    queue.done('a');
    expect(told).toEqual(['added change', 'depth 1', 'depth 0', 'waited 30', 'retried', 'added retry', 'worked 70']);
  });
});
