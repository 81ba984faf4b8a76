import { createServer } from 'node:http';
import { createServer as createTcpServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { systemClock, type Clock } from '../../../../src/kit/clock.js';
import { createDial } from '../../../../src/net/dial/connector.js';
import type { BotAnswer } from '../../../../src/net/http1/bot-connection.js';
import { eventually } from '../../../support/eventually.js';
import { aBot, aClient, closeAll, listen, send } from './real-bots.js';

afterEach(closeAll);

/** Real time, which a test may let jump. */
function jumpingClock(): Clock & { jumpMs: number } {
  const clock = { ...systemClock, jumpMs: 0, monotonicMs: (): number => systemClock.monotonicMs() + clock.jumpMs };
  return clock;
}

describe('the age of a connection', () => {
  it.each([
    ['one request after the other', 1],
    ['more requests at a time than there may be connections', 200],
  ])(
    'is a minute at most, also under steady use: %s',
    async (_name, atATime) => {
      const socketOf = new Map<string, Socket>();
      const bodies: string[] = [];
      const port = await listen(
        createServer((req, res) => {
          const chunks: Buffer[] = [];
          req.on('data', (chunk: Buffer) => chunks.push(chunk));
          req.on('end', () => {
            const body = Buffer.concat(chunks).toString();
            bodies.push(body);
            socketOf.set(body, req.socket);
            setTimeout(() => res.end(), 5);
          });
        }),
      );
      const clock = jumpingClock();
      const client = aClient(port, createDial(), clock);
      let n = 0;
      let isOver = false;
      const answers: BotAnswer[] = [];
      const one = async (): Promise<void> => {
        while (!isOver) answers.push(await send(client, 30_000, `${clock.jumpMs} ${n++}`));
      };
      const steady = Promise.all(Array.from({ length: atATime }, one));
      const count = (jumpMs: number): number => bodies.filter((body) => body.startsWith(`${jumpMs} `)).length;
      await eventually(() => count(0) > 2 * atATime, 20_000);

      clock.jumpMs = 40_000;
      await eventually(() => count(40_000) > 2 * atATime, 20_000);
      clock.jumpMs = 56_000;
      await eventually(() => count(56_000) > 2 * atATime, 20_000);
      isOver = true;
      await steady;

      const socketsAt = (jumpMs: number): Set<Socket> =>
        new Set([...socketOf].filter(([body]) => body.startsWith(`${jumpMs} `)).map(([, socket]) => socket));
      const [young, old, fresh] = [socketsAt(0), socketsAt(40_000), socketsAt(56_000)];
      expect([...old].some((socket) => young.has(socket))).toBe(true);
      expect([...fresh].filter((socket) => young.has(socket) || old.has(socket))).toHaveLength(0);
      expect(answers.every((answer) => answer.kind === 'answer' && answer.status === 200)).toBe(true);
      expect(new Set(bodies).size).toBe(bodies.length);
      await eventually(() => [...young].every(({ destroyed }) => destroyed), 20_000, 'the old connections to be closed');
    },
    60_000,
  );

  it('ends before the bot itself would close it, so that no request meets a closing connection', async () => {
    let endedByUs = false;
    const server = createServer({ keepAliveTimeout: 3_000, keepAliveTimeoutBuffer: 0 }, (req, res) => {
      req.resume();
      req.on('end', () => res.end());
      req.socket.once('end', () => (endedByUs = true));
    });
    const client = aClient(await listen(server));

    await send(client);

    // The bot says `Keep-Alive: timeout=3`; two seconds before that it is closed from here.
    await eventually(() => endedByUs, 2_500, 'the connection to be closed from here');
  });
});

describe('the choice of a connection', () => {
  it('is the one that was used last, so that after a burst the others go', async () => {
    const ports: (number | undefined)[] = [];
    const held: (() => void)[] = [];
    const bot = await aBot((res, { socket }) => {
      ports.push(socket.remotePort);
      if (held.length < 20 && ports.length <= 20) held.push(() => res.end());
      else res.end();
    });
    const client = aClient(bot.port);

    const burst = Array.from({ length: 20 }, () => send(client));
    await eventually(() => held.length === 20);
    for (const answer of held) answer();
    await Promise.all(burst);
    for (let i = 0; i < 30; i++) expect(await send(client)).toEqual({ kind: 'answer', status: 200 });

    expect(bot.connections()).toBe(20);
    expect(new Set(ports.slice(20)).size).toBe(1);
  });

  it('keeps the order of those that wait, and sends nothing of one that gave up waiting', async () => {
    const bodies: string[] = [];
    const held: (() => void)[] = [];
    const port = await listen(
      createServer((req, res) => {
        req.setEncoding('utf8').on('data', (text: string) => {
          bodies.push(text);
          if (text === 'first') held.push(() => res.end());
          else res.end();
        });
      }),
    );
    const client = aClient(port);

    const first = Array.from({ length: 128 }, () => send(client, 30_000, 'first'));
    await eventually(() => held.length === 128, 20_000);
    const late = send(client, 1, 'late');
    const others = Array.from({ length: 300 }, (_, i) => send(client, 30_000, String(i)));
    expect(await late).toEqual({ kind: 'none', why: 'timeout' });
    held[0]?.();
    await Promise.all(others);
    for (const answer of held) answer();
    await Promise.all(first);

    expect(bodies.slice(128)).toEqual(Array.from({ length: 300 }, (_, i) => String(i)));
  });
});

describe('a connection that the bot closes', () => {
  it('is not used for the next request', async () => {
    const bot = await aBot((res, { socket }) => {
      res.end();
      res.on('close', () => socket.destroy());
    });
    const ours: Socket[] = [];
    const dial = createDial();
    const client = aClient(bot.port, async (to) => {
      const socket = await dial(to);
      ours.push(socket);
      return socket;
    });

    for (let i = 0; i < 5; i++) {
      expect(await send(client)).toEqual({ kind: 'answer', status: 200 });
      await eventually(() => ours.every(({ destroyed }) => destroyed), 5_000, 'the end to be noticed');
    }

    expect(bot.received).toHaveLength(5);
    expect(ours).toHaveLength(5);
  });

  it('at the very moment when a request is sent on it, costs an answer: the bytes may have arrived', async () => {
    let requests = 0;
    const port = await listen(
      createTcpServer((socket) => {
        socket.on('error', () => undefined);
        socket.on('data', () => {
          if (++requests === 1) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
          else socket.destroy();
        });
      }),
    );
    const client = aClient(port);

    expect(await send(client)).toEqual({ kind: 'answer', status: 200 });
    expect(await send(client)).toEqual({ kind: 'none', why: 'reset' });
    expect(requests).toBe(2);
  });
});
