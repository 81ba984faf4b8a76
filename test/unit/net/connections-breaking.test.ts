import type { Socket } from 'node:net';

import { afterEach, describe, expect, it } from '@jest/globals';

import { systemClock } from '../../../src/core/clock.js';
import type { BotAnswer } from '../../../src/net/exchange.js';
import { eventually } from '../../support/eventually.js';
import { FakeClock } from '../../support/fake-clock.js';
import { EMPTY_200, Dialler, aPool, aRawBot, answerTo, ask, type Asked, type Peer } from './raw-bots.js';
import { closeAll } from './real-bots.js';

const OK: BotAnswer = { kind: 'answer', status: 200 };
const NOT_CONNECTED: BotAnswer = { kind: 'none', why: 'connect' };

afterEach(closeAll);

function yes({ socket }: Peer): void {
  socket.write(EMPTY_200);
}

describe('a dial', () => {
  it.each([
    ['succeeds', true],
    ['fails', false],
  ])('that %s after everything was ended leaves nothing open', async (_name, succeeds) => {
    const bot = await aRawBot(yes);
    const dialler = new Dialler(bot.port);
    let goOn: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (goOn = resolve));
    let isOver = false;
    const pool = aPool(bot.port, {
      most: 1,
      dial: async () => {
        await gate;
        const socket = await dialler.dial();
        isOver = true;
        if (succeeds) return socket;
        socket.destroy();
        throw new Error('nobody is there');
      },
    });
    const dialling = ask(pool);
    const waiting = ask(pool);

    pool.pool.destroy();
    expect(await Promise.all([dialling.answer, waiting.answer])).toEqual([NOT_CONNECTED, NOT_CONNECTED]);
    goOn();

    await eventually(() => isOver && dialler.areAllDestroyed, 5_000, 'the late socket to be destroyed');
    expect(bot.bodies).toEqual([]);
  });

  it('whose socket has gone already is one that failed', async () => {
    const bot = await aRawBot(yes);
    const dialler = new Dialler(bot.port);
    const dial = async (): Promise<Socket> => {
      const socket = await dialler.dial();
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.destroy();
      await closed;
      return socket;
    };

    expect(await answerTo(aPool(bot.port, { dial }))).toEqual(NOT_CONNECTED);
  });
});

describe('many requests', () => {
  it('all learn what became of them, once, while connections break under them', async () => {
    const bot = await aRawBot(({ socket }, nth) => {
      const kind = bot.bodies.length % 5;
      if (kind === 0) socket.destroy();
      else if (kind === 1) socket.resetAndDestroy();
      else if (kind === 2) socket.end(EMPTY_200);
      else if (kind === 3 && nth > 0) socket.write('nonsense\r\n\r\n');
      else socket.write(EMPTY_200);
    });
    const pool = aPool(bot.port, { most: 128 });
    const settled = new Map<number, number>();
    const asked: Asked[] = Array.from({ length: 1_000 }, (_, i) => ask(pool, String(i), () => settled.set(i, (settled.get(i) ?? 0) + 1)));

    const answers = await Promise.all(asked.map(({ answer }) => answer));

    expect([...settled.values()].every((times) => times === 1)).toBe(true);
    expect(settled.size).toBe(1_000);
    expect(new Set(bot.bodies).size).toBe(bot.bodies.length);
    expect(answers.filter(({ kind }) => kind === 'answer').length).toBeGreaterThan(400);
    expect(answers.filter((answer) => answer.kind === 'none' && answer.why === 'timeout')).toEqual([]);
    await pool.pool.close();
    expect(pool.dialler.areAllDestroyed).toBe(true);
  });

  it('leave no listeners on the connection they shared', async () => {
    const bot = await aRawBot(yes);
    const pool = aPool(bot.port);
    const listeners = (): number[] => {
      const [socket] = pool.dialler.sockets;
      return socket?.eventNames().map((name) => socket.listenerCount(name)) ?? [];
    };
    await answerTo(pool);
    const before = listeners();

    for (let i = 0; i < 50; i++) await answerTo(pool);

    expect(bot.peers).toHaveLength(1);
    expect(listeners()).toEqual(before);
  });
});

describe('a connection that was idle too long', () => {
  it('is not used, although nothing has closed it yet: the clock jumped', async () => {
    const clock = { ...systemClock, aheadMs: 0, monotonicMs: (): number => systemClock.monotonicMs() + clock.aheadMs };
    const bot = await aRawBot(yes);
    const pool = aPool(bot.port, { clock });
    await Promise.all([answerTo(pool), answerTo(pool)]);
    expect(bot.peers).toHaveLength(2);

    clock.aheadMs = 3_000;
    await answerTo(pool);
    expect(bot.peers).toHaveLength(2);
    clock.aheadMs = 60_000;
    await answerTo(pool);

    expect(bot.peers).toHaveLength(3);
    expect(pool.dialler.sockets.map(({ destroyed }) => destroyed)).toEqual([true, true, false]);
  });

  it('is closed in time, also where another may stay longer', async () => {
    const clock = new FakeClock();
    const bot = await aRawBot(({ socket, n }) => {
      if (n === 0) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nKeep-Alive: timeout=60\r\n\r\n');
    });
    const pool = aPool(bot.port, { clock });
    const [first, second] = [ask(pool), ask(pool)];
    await eventually(() => bot.bodies.length === 2);
    await first.answer;
    const other = bot.peers[1];
    if (other !== undefined) yes(other);
    await second.answer;
    const open = (): boolean[] => pool.dialler.sockets.map(({ destroyed }) => !destroyed);

    await clock.advance(3_999);
    expect(open()).toEqual([true, true]);
    await clock.advance(1);
    expect(open()).toEqual([true, false]);
    await clock.advance(53_999);
    expect(open()).toEqual([true, false]);
    await clock.advance(1);
    expect(open()).toEqual([false, false]);
    expect(clock.pendingTimers).toBe(0);
  });

  it.each([0, 1, 2])('is not kept at all where the bot says that it closes it in %d s', async (seconds) => {
    const bot = await aRawBot(({ socket }) =>
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 0\r\nKeep-Alive: timeout=${seconds}\r\n\r\n`),
    );
    const pool = aPool(bot.port);

    expect(await answerTo(pool)).toEqual(OK);

    expect(pool.dialler.areAllDestroyed).toBe(true);
  });
});

describe('whoever learns of an answer', () => {
  it('may send the next request at once, and it leaves on the same connection', async () => {
    const bot = await aRawBot(yes);
    const pool = aPool(bot.port);
    const chain = (left: number): Promise<BotAnswer> =>
      new Promise((resolve) => {
        ask(pool, String(left), (answer) => {
          if (left === 0) resolve(answer);
          else void chain(left - 1).then(resolve);
        });
      });

    expect(await chain(30)).toEqual(OK);

    expect(bot.bodies).toEqual(Array.from({ length: 31 }, (_, i) => String(30 - i)));
    expect(bot.peers).toHaveLength(1);
  });

  it.each([
    ['answered', false],
    ['refused', true],
  ])('may end everything when one is %s', async (_name, endsAtOnce) => {
    const bot = await aRawBot((peer) => {
      if (peer.n === 0) yes(peer);
    });
    const pool = aPool(bot.port, { most: 3 });
    let settled = 0;
    const asked = Array.from({ length: 10 }, () =>
      ask(pool, 'x', () => {
        settled++;
        pool.pool.destroy();
      }),
    );
    if (endsAtOnce) pool.pool.destroy();

    await Promise.all(asked.map(({ answer }) => answer));

    expect(settled).toBe(10);
    await pool.pool.close();
    await eventually(() => pool.dialler.areAllDestroyed, 5_000, 'every socket to be destroyed');
  });

  it('may send again where everything was ended, and learns that there is no connection', async () => {
    const bot = await aRawBot(yes);
    const pool = aPool(bot.port, { most: 2 });
    const again: Asked[] = [];
    const asked = Array.from({ length: 5 }, () => ask(pool, 'x', () => again.push(ask(pool))));
    await Promise.resolve();

    pool.pool.destroy();

    expect(again).toHaveLength(5);
    const answers = await Promise.all([...asked, ...again, ask(pool)].map(({ answer }) => answer));
    expect(answers).toEqual(answers.map(() => NOT_CONNECTED));
    expect(pool.dialler.sockets).toHaveLength(2);
    expect(bot.bodies).toEqual([]);
  });

  it('may try again when a dial failed, in its place', async () => {
    const bot = await aRawBot(yes);
    const dialler = new Dialler(bot.port);
    let dials = 0;
    const pool = aPool(bot.port, { most: 1, dial: () => (dials++ === 0 ? Promise.reject(new Error('gone')) : dialler.dial()) });
    let second: Asked | undefined;
    const first = ask(pool, 'first', () => (second = ask(pool, 'second')));

    expect(await first.answer).toEqual(NOT_CONNECTED);
    expect(await second?.answer).toEqual(OK);
    expect(dials).toBe(2);
  });
});
