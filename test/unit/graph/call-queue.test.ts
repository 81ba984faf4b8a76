import { describe, expect, it } from '@jest/globals';
import { CallQueue, type Lane } from '../../../src/graph/call-queue.js';
import { flush } from '../../support/fake-clock.js';
import { rejection } from './world.js';

const never = new AbortController().signal;

/** Jobs that run until they are told to end, and a list of those that have begun. */
function jobs(queue: CallQueue) {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const start = (name: string, lane: Lane, signal = never) =>
    queue.run(lane, signal, () => {
      begun.push(name);
      return new Promise<string>((resolve) =>
        ends.set(name, () => {
          resolve(name);
        }),
      );
    });
  const end = async (name: string): Promise<void> => {
    ends.get(name)?.();
    await flush();
  };
  return { begun, start, end };
}

describe('CallQueue', () => {
  it('lets so many run at once, interactive ones first, and keeps places free for them', async () => {
    const { begun, start, end } = jobs(new CallQueue(3, 1));
    const all = [
      start('b1', 'background'),
      start('b2', 'background'),
      start('b3', 'background'),
      start('i1', 'interactive'),
      start('i2', 'interactive'),
    ];
    await flush();
    expect(begun).toEqual(['b1', 'b2', 'i1']);

    await end('b1');
    expect(begun.at(-1)).toBe('i2');
    await end('i1');
    expect(begun).toHaveLength(4);
    await end('b2');
    expect(begun.at(-1)).toBe('b3');
    for (const name of ['b3', 'i2']) await end(name);
    expect(await Promise.all(all)).toEqual(['b1', 'b2', 'b3', 'i1', 'i2']);
  });

  it('lets interactive ones go first also where no place is kept free for them', async () => {
    const { begun, start, end } = jobs(new CallQueue(1, 0));
    const all = [start('first', 'background'), start('b', 'background'), start('i', 'interactive')];
    await flush();
    await end('first');
    expect(begun).toEqual(['first', 'i']);
    await end('i');
    await end('b');
    await Promise.all(all);
  });

  it('frees the place of a job that failed', async () => {
    const queue = new CallQueue(1, 0);
    expect((await rejection(queue.run('interactive', never, () => Promise.reject(new Error('broken'))))).message).toBe('broken');
    await expect(queue.run('background', never, () => Promise.resolve('next'))).resolves.toBe('next');
  });

  it('forgets who gives up while waiting', async () => {
    const queue = new CallQueue(1, 0);
    const { begun, start, end } = jobs(queue);
    const first = start('first', 'interactive');
    const controller = new AbortController();
    const gone = rejection(start('gone', 'interactive', controller.signal));
    const reason = new Error('given up');
    controller.abort(reason);
    expect(await gone).toBe(reason);
    expect(await rejection(start('late', 'interactive', controller.signal))).toBe(reason);
    await end('first');
    await first;
    const next = start('next', 'background');
    await flush();
    expect(begun).toEqual(['first', 'next']);
    await end('next');
    await next;
  });

  it('has a bound on who waits', async () => {
    const queue = new CallQueue(1, 0, 20);
    const { start } = jobs(queue);
    void start('first', 'interactive');
    const controller = new AbortController();
    const waiting = Array.from({ length: 20 }, (_, i) => rejection(start(`w${i}`, 'interactive', controller.signal)));
    expect((await rejection(start('over', 'interactive'))).message).toBe('too many calls are waiting for Graph');
    controller.abort(new Error('enough'));
    expect(new Set((await Promise.all(waiting)).map(({ message }) => message))).toEqual(new Set(['enough']));
  });
});
