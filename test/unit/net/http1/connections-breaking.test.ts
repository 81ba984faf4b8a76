import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../../../src/kit/clock.js';
import type { BotAnswer } from '../../../../src/net/http1/bot-connection.js';
import { eventually } from '../../../support/eventually.js';
import { FakeClock } from '../../../support/fake-clock.js';
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

/** By it an answer is known to be that of the request. */
function statusFor(body: string): number {
  return 400 + (Number(body) % 190);
}

const STRAY = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
/** What a bot does with a request, given its proper answer. */
const MISDEEDS: readonly ((socket: Socket, answer: string) => void)[] = [
  (socket, answer) => socket.write(answer),
  (socket) => socket.destroy(),
  (socket) => socket.resetAndDestroy(),
  (socket, answer) => socket.end(answer),
  (socket) => socket.write('nonsense\r\n\r\n'),
  (socket, answer) => socket.write(answer + STRAY),
  (socket, answer) => socket.write(`${answer}\r\n`),
  (socket, answer) => socket.write(STRAY.replace('200', '102') + answer),
  (socket, answer) => socket.end(answer.replace('Content-Length: 2\r\n', '') + STRAY),
  (socket, answer) => socket.end(answer.replace('Length: 2', `Length: ${STRAY.length + 3}`) + STRAY),
  (socket, answer) => {
    for (const byte of answer) socket.write(byte);
  },
];

describe('many requests', () => {
  it('all learn what became of them, once, and never what was said to another, while connections break under them', async () => {
    let n = 0;
    const bot = await aRawBot(({ socket }, _nth, body) => {
      MISDEEDS[n++ % MISDEEDS.length]?.(socket, `HTTP/1.1 ${statusFor(body)} X\r\nContent-Length: 2\r\n\r\nok`);
    });
    const pool = aPool(bot.port, { most: 128 });
    const settled = new Map<string, number>();
    const bodies = Array.from({ length: 2_000 }, (_, i) => String(i));
    const asked = bodies.map((body) => ask(pool, body, () => settled.set(body, (settled.get(body) ?? 0) + 1)));

    const answers = await Promise.all(asked.map(({ answer }) => answer));

    expect([...settled.values()]).toEqual(bodies.map(() => 1));
    expect(new Set(bot.bodies).size).toBe(bot.bodies.length);
    const good = answers.filter(({ kind }) => kind === 'answer');
    expect(good.length).toBeGreaterThan(800);
    expect(good).toEqual(answers.flatMap(({ kind }, i) => (kind === 'answer' ? [{ kind, status: statusFor(bodies[i] ?? '') }] : [])));
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

  it('is not left without a request by one whose time was up before it could leave', async () => {
    const bot = await aRawBot(yes);
    const pool = aPool(bot.port);
    await answerTo(pool);

    const late = ask(pool, 'late');
    late.pending.expire();

    expect(await late.answer).toEqual({ kind: 'none', why: 'timeout' });
    expect(await answerTo(pool, 'next')).toEqual(OK);
    await pool.pool.close();
    expect(bot.bodies).not.toContain('late');
  });

  it.each<[string, (socket: Socket | undefined) => void]>([
    ['it breaks', (socket) => socket?.destroy(new Error('reset'))],
    ['something is said', (socket) => socket?.emit('data', Buffer.from(EMPTY_200))],
  ])('gets no request any more when %s before that has left, and the request may be tried elsewhere', async (_name, disturb) => {
    const bot = await aRawBot(yes);
    const pool = aPool(bot.port);
    await answerTo(pool, 'first');

    const asked = ask(pool, 'second');
    disturb(pool.dialler.sockets[0]);

    expect(await asked.answer).toEqual(NOT_CONNECTED);
    expect(await answerTo(pool, 'third')).toEqual(OK);
    expect(bot.bodies).toEqual(['first', 'third']);
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

describe('a pool that is closed', () => {
  it('has ended when what was under way and what waited has, and nothing is open then', async () => {
    const bot = await aRawBot(() => undefined);
    const pool = aPool(bot.port, { most: 1 });
    const underWay = ask(pool, 'under way');
    const waiting = ask(pool, 'waiting');
    await eventually(() => bot.bodies.length === 1);
    let isClosed = false;
    const closed = pool.pool.close().then(() => (isClosed = true));

    bot.peers[0]?.socket.write(EMPTY_200);
    expect(await underWay.answer).toEqual(OK);
    await eventually(() => bot.bodies.length === 2);
    expect([isClosed, pool.dialler.areAllDestroyed]).toEqual([false, false]);
    bot.peers[0]?.socket.write(EMPTY_200);
    expect(await waiting.answer).toEqual(OK);

    expect(pool.dialler.areAllDestroyed).toBe(true);
    await closed;
    expect(bot.bodies).toEqual(['under way', 'waiting']);
  });

  it('has ended at once when nothing is open', async () => {
    const pool = aPool(1);

    await pool.pool.close();

    expect(pool.dialler.sockets).toEqual([]);
  });
});

describe('a request that has settled', () => {
  it('is not kept, although it still stands in the queue', async () => {
    const bot = await aRawBot(() => undefined);
    const pool = aPool(bot.port, { most: 1 });
    ask(pool);
    const waiting = ask(pool, Buffer.alloc(1_000_000));
    expect(waiting.pending.body).toHaveLength(1_000_000);

    waiting.pending.expire();

    expect(waiting.pending.body).toHaveLength(0);
    expect(waiting.pending.head).toBe('');
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
