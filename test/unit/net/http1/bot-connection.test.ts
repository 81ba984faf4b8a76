import type { Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createDial } from '../../../../src/net/dial/connector.js';
import type { BotAnswer } from '../../../../src/net/http1/bot-connection.js';
import { selfSigned } from '../../../support/certificate.js';
import { eventually } from '../../../support/eventually.js';
import { EMPTY_200, Dialler, aPool, aRawBot, answerTo, ask, type Peer } from './raw-bots.js';
import { atEnd, closeAll, listen } from './real-bots.js';

const OK: BotAnswer = { kind: 'answer', status: 200 };
const RESET: BotAnswer = { kind: 'none', why: 'reset' };
const TIMEOUT: BotAnswer = { kind: 'none', why: 'timeout' };
const FIVE_MIB = Buffer.alloc(5 * 1_024 * 1_024, 'x');

afterEach(closeAll);

function say(text: string): (peer: Peer) => void {
  return ({ socket }) => socket.write(text, 'latin1');
}

/** The answer to the first request is the test's, to the others 200. */
function firstly(first: (peer: Peer) => void): (peer: Peer, nth: number) => void {
  let n = 0;
  return (peer) => {
    if (n++ === 0) first(peer);
    else peer.socket.write(EMPTY_200);
  };
}

describe('an answer before the request was read', () => {
  it.each([
    ['413 and the end', 'HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n', 413],
    ['200 that keeps the connection', EMPTY_200, 200],
  ])('counts, and the connection is not used again: %s', async (_name, text, status) => {
    const bot = await aRawBot(
      firstly(({ socket }) => {
        socket.pause();
        if (status === 413) socket.end(text);
        else socket.write(text);
      }),
    );
    const pool = aPool(bot.port);

    expect(await answerTo(pool, FIVE_MIB)).toEqual({ kind: 'answer', status });
    expect(pool.dialler.areAllDestroyed).toBe(true);
    expect(await answerTo(pool)).toEqual(OK);
    expect(bot.peers).toHaveLength(2);
  });

  it('of a large body that is read in the end is one of a connection to use again', async () => {
    let bytes = 0;
    const bot = await aRawBot(
      () => undefined,
      ({ socket }) =>
        socket.on('data', (some: Buffer) => {
          bytes += some.length;
          if (some.includes('the end')) socket.write(EMPTY_200);
        }),
    );
    const pool = aPool(bot.port);
    const body = Buffer.concat([FIVE_MIB, Buffer.from('the end')]);

    expect(await answerTo(pool, body)).toEqual(OK);
    expect(await answerTo(pool, body)).toEqual(OK);
    expect(bot.peers).toHaveLength(1);
    expect(bytes).toBeGreaterThan(2 * FIVE_MIB.length);
  });
});

describe('what nobody asked for', () => {
  it('is not taken for the next answer: two in one packet', async () => {
    const bot = await aRawBot(firstly(say(`${EMPTY_200}HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n`)));
    const pool = aPool(bot.port, { most: 1 });

    expect(await Promise.all([answerTo(pool), answerTo(pool), answerTo(pool)])).toEqual([OK, OK, OK]);
    expect(bot.peers).toHaveLength(2);
  });

  it.each<[string, (socket: Socket) => void]>([
    ['a second answer', (socket) => socket.write('HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n')],
    ['a byte', (socket) => socket.write('\n')],
    ['FIN', (socket) => socket.end()],
    ['RST', (socket) => socket.resetAndDestroy()],
  ])('ends an idle connection: %s', async (_name, disturb) => {
    const bot = await aRawBot(say(EMPTY_200));
    const pool = aPool(bot.port);
    expect(await answerTo(pool)).toEqual(OK);

    const [peer] = bot.peers;
    if (peer !== undefined) disturb(peer.socket);
    await eventually(() => pool.dialler.areAllDestroyed, 5_000, 'the connection to be given up');

    expect(await answerTo(pool)).toEqual(OK);
    expect(bot.peers).toHaveLength(2);
  });
});

describe('a connection that ends', () => {
  const HALF_HEAD = 'HTTP/1.1 200 OK\r\nContent-Le';
  const HALF_BODY = 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf';
  const HALF_CHUNKS = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf';
  const TO_THE_END = 'HTTP/1.1 200 OK\r\n\r\nall';

  const UNFINISHED: readonly [string, string, BotAnswer][] = [
    ['before the answer', '', RESET],
    ['in the head', HALF_HEAD, RESET],
    ['in the body', HALF_BODY, OK],
    ['in a chunk', HALF_CHUNKS, OK],
    ['behind a body without length', TO_THE_END, OK],
  ];

  it.each([
    ...UNFINISHED,
    ['behind an interim answer', 'HTTP/1.1 100 Continue\r\n\r\n', RESET],
    ['behind the answer, in one packet', EMPTY_200, OK],
  ])('with FIN %s', async (_name, text, expected) => {
    const bot = await aRawBot(firstly(({ socket }) => socket.end(text)));
    const pool = aPool(bot.port);

    expect(await answerTo(pool)).toEqual(expected);
    await eventually(() => pool.dialler.areAllDestroyed, 5_000, 'the connection to be given up');
    expect(await answerTo(pool)).toEqual(OK);
    expect(bot.peers).toHaveLength(2);
  });

  it.each(UNFINISHED)('with RST %s', async (_name, text, expected) => {
    const bot = await aRawBot(firstly(say(text)));
    const pool = aPool(bot.port);
    const asked = ask(pool);
    await eventually(() => bot.bodies.length === 1 && pool.dialler.sockets[0]?.bytesRead === text.length);
    expect(asked.pending.settled).toBe(false);

    bot.peers[0]?.socket.resetAndDestroy();

    expect(await asked.answer).toEqual(expected);
    expect(await answerTo(pool)).toEqual(OK);
    expect(bot.peers).toHaveLength(2);
  });

  it('is not used for what waits, when its answer was broken', async () => {
    const bot = await aRawBot(firstly(say('HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n')));
    const pool = aPool(bot.port, { most: 1 });

    expect(await Promise.all([answerTo(pool), answerTo(pool)])).toEqual([RESET, OK]);
    expect(bot.peers).toHaveLength(2);
  });
});

describe('an answer in many packets', () => {
  it('of too many bytes counts before it has ended, and ends the connection', async () => {
    const bot = await aRawBot(firstly(say(`HTTP/1.1 201 Created\r\n\r\n${'x'.repeat(70_000)}`)));
    const pool = aPool(bot.port);

    expect(await answerTo(pool)).toEqual({ kind: 'answer', status: 201 });
    expect(pool.dialler.areAllDestroyed).toBe(true);
  });

  it('of a byte each is read, and the connection serves again', async () => {
    const text =
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n';
    const bot = await aRawBot(({ socket }) => {
      const next = (at: number): void => {
        if (at === text.length || socket.destroyed) return;
        socket.write(text.charAt(at));
        setImmediate(next, at + 1);
      };
      next(0);
    });
    const pool = aPool(bot.port);

    for (let i = 0; i < 3; i++) expect(await answerTo(pool)).toEqual({ kind: 'answer', status: 202 });
    expect(bot.peers).toHaveLength(1);
  });
});

describe('a request whose time is up', () => {
  it('while it is dialled leaves the connection to the next', async () => {
    const bot = await aRawBot(say(EMPTY_200));
    const dialler = new Dialler(bot.port);
    let connected: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (connected = resolve));
    const pool = aPool(bot.port, { most: 1, dial: () => gate.then(dialler.dial) });
    const first = ask(pool, 'first');
    const second = ask(pool, 'second');

    first.pending.expire();
    expect(await first.answer).toEqual(TIMEOUT);
    connected();

    expect(await second.answer).toEqual(OK);
    expect(bot.bodies).toEqual(['second']);
    expect(bot.peers).toHaveLength(1);
  });

  it('while it waits is never sent', async () => {
    const bot = await aRawBot(() => undefined);
    const pool = aPool(bot.port, { most: 1 });
    const first = ask(pool, 'first');
    const second = ask(pool, 'second');
    const third = ask(pool, 'third');
    await eventually(() => bot.bodies.length === 1);

    second.pending.expire();
    expect(await second.answer).toEqual(TIMEOUT);
    bot.peers[0]?.socket.write(EMPTY_200);
    expect(await first.answer).toEqual(OK);
    await eventually(() => bot.bodies.length === 2);
    bot.peers[0]?.socket.write(EMPTY_200);

    expect(await third.answer).toEqual(OK);
    expect(bot.bodies).toEqual(['first', 'third']);
  });

  it.each([
    ['in the head', 'HTTP/1.1 200 OK\r\n', TIMEOUT],
    ['behind an interim answer', 'HTTP/1.1 103 E\r\n\r\n', TIMEOUT],
    ['in the body', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf', OK],
    ['in a body without length', 'HTTP/1.1 200 OK\r\n\r\nhalf', OK],
  ])('%s ends its connection, and a status that came counts', async (_name, text, expected) => {
    const bot = await aRawBot(firstly(say(text)));
    const pool = aPool(bot.port);
    const { pending, answer } = ask(pool);
    await eventually(() => pool.dialler.sockets[0]?.bytesRead === text.length);

    pending.expire();

    expect(await answer).toEqual(expected);
    expect(pool.dialler.areAllDestroyed).toBe(true);
    expect(await answerTo(pool)).toEqual(OK);
    expect(bot.peers).toHaveLength(2);
  });
});

describe('TLS', () => {
  it.each([
    ['keeps the connection', EMPTY_200, 1],
    ['is not fooled by a second answer', EMPTY_200 + EMPTY_200, 3],
    ['reads a body until the end', 'HTTP/1.1 200 OK\r\n\r\nall', 3],
  ])('%s', async (_name, text, connections) => {
    const { cert, key } = selfSigned();
    let peers = 0;
    const server = createTlsServer({ cert, key }, (socket) => {
      peers++;
      atEnd(() => {
        socket.destroy();
      });
      socket.on('error', () => undefined);
      socket.on('data', () => {
        socket.write(text);
        if (text.endsWith('all')) socket.end();
      });
    });
    const port = await listen(server);
    const dial = createDial(cert);
    const pool = aPool(port, { dial: () => dial({ address: '127.0.0.1', port, tlsName: 'localhost' }) });

    for (let i = 0; i < 3; i++) expect(await answerTo(pool)).toEqual(OK);

    expect(peers).toBe(connections);
  });

  it('does not use a connection again on which the bot answered before it had read everything', async () => {
    const { cert, key } = selfSigned();
    let peers = 0;
    const server = createTlsServer({ cert, key }, (socket) => {
      const isFirst = peers++ === 0;
      atEnd(() => {
        socket.destroy();
      });
      socket.on('error', () => undefined);
      socket.on('data', () => {
        if (isFirst) socket.pause();
        socket.write(EMPTY_200);
      });
    });
    const port = await listen(server);
    const dial = createDial(cert);
    const pool = aPool(port, { dial: () => dial({ address: '127.0.0.1', port, tlsName: 'localhost' }) });

    expect(await answerTo(pool, Buffer.alloc(3 * FIVE_MIB.length))).toEqual(OK);
    expect(await answerTo(pool)).toEqual(OK);
    expect(peers).toBe(2);
  });
});
