import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../../support/eventually.js';
import { PATH, aBody, aMessage, call, post, sign, startEdge, type Edge } from './fakes.js';

const BODY = aBody(aMessage('m1'));
const KIB = 1_024;

let edge: Edge | undefined;
const sockets: Socket[] = [];

async function start(...args: Parameters<typeof startEdge>): Promise<Edge> {
  edge = await startEdge(...args);
  return edge;
}

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await edge?.server.close();
  edge = undefined;
});

interface Wire {
  readonly socket: Socket;
  readonly text: () => string;
  readonly ended: Promise<void>;
}

function open(port: number): Wire {
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  const ended = new Promise<void>((resolve) => {
    socket.on('close', () => {
      resolve();
    });
  });
  socket.on('error', () => undefined);
  return { socket, text: () => text, ended };
}

function head(headers: Record<string, string | number>): string {
  const lines = Object.entries({ Host: 'x', ...headers }).map(([name, value]) => `${name}: ${value}`);
  return `POST ${PATH} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
}

/** A signed body of exactly so many bytes. */
function bodyOf(bytes: number): string {
  const empty = aBody(aMessage('m1', ''));
  return aBody(aMessage('m1', 'x'.repeat(bytes - empty.length)));
}

/** Whether nobody listens there. */
function isRefused(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(false);
    });
    socket.on('error', () => {
      resolve(true);
    });
  });
}

describe('body bounds', () => {
  it('takes a body of exactly the limit and refuses one byte more, with and without a content length', async () => {
    const { port, observed, delivery } = await start({ limits: { maxBodyBytes: 100 * KIB } });
    const exact = bodyOf(100 * KIB);
    const over = bodyOf(100 * KIB + 1);
    const chunked = (text: string): Promise<{ status: number }> =>
      call(port, { headers: { 'X-Hub-Signature-256': sign(text) }, body: [Buffer.from(text.slice(0, 50)), Buffer.from(text.slice(50))] });

    expect((await post(port, exact)).status).toBe(200);
    expect((await chunked(exact)).status).toBe(200);
    expect((await post(port, over)).status).toBe(413);
    expect((await chunked(over)).status).toBe(413);
    expect(observed.counts['refused:too_large']).toBe(2);
    expect(delivery.bodies).toEqual([exact, exact]);
  });

  it('answers 413 to a declared length at once, before a byte of the body came', async () => {
    const { port, server } = await start();
    const { socket, text, ended } = open(port);

    socket.write(head({ 'X-Hub-Signature-256': sign(BODY), 'Content-Length': 8 * KIB * KIB + 1 }));

    await eventually(() => text().startsWith('HTTP/1.1 413'));
    expect(text()).toMatch(/connection: close/i);
    await ended;
    expect(server.unverifiedBytes).toBe(0);
  });

  it('asks for the body only if it wants to read it', async () => {
    const { port } = await start();
    const wanted = open(port);
    wanted.socket.write(head({ 'X-Hub-Signature-256': sign(BODY), 'Content-Length': BODY.length, Expect: '100-continue' }));
    await eventually(() => wanted.text().startsWith('HTTP/1.1 100'));
    wanted.socket.write(BODY);
    await eventually(() => wanted.text().includes('HTTP/1.1 200'));

    const unwanted = open(port);
    unwanted.socket.write(head({ 'Content-Length': BODY.length, Expect: '100-continue' }));
    await eventually(() => unwanted.text().startsWith('HTTP/1.1 401'));
  });

  it('delivers nothing of a body that ends too early', async () => {
    const { port, delivery, observed, server } = await start();
    const { socket } = open(port);
    socket.write(head({ 'X-Hub-Signature-256': sign(BODY), 'Content-Length': BODY.length + 1 }) + BODY);
    await eventually(() => server.unverifiedBytes > 0);

    socket.end();

    await eventually(() => observed.counts['refused:cut_off'] === 1);
    expect(delivery.posts).toHaveLength(0);
    expect(server.inFlight).toBe(0);
    expect(server.unverifiedBytes).toBe(0);
  });

  it('does not take a body that is longer than it says for the signed one', async () => {
    const { port, delivery } = await start();
    const { socket, text } = open(port);

    socket.write(head({ 'X-Hub-Signature-256': sign(BODY), 'Content-Length': BODY.length - 1 }) + BODY);

    await eventually(() => /^HTTP\/1\.1 40[01]/.test(text()));
    expect(delivery.posts).toHaveLength(0);
  });

  it.each([
    ['both a length and chunks', { 'Content-Length': 5, 'Transfer-Encoding': 'chunked' }],
    ['a length that is no number', { 'Content-Length': 'many' }],
  ])('answers 400 to %s', async (_name, headers) => {
    const { port, delivery } = await start();
    const { socket, text, ended } = open(port);

    socket.write(head({ 'X-Hub-Signature-256': sign(BODY), ...headers }) + BODY);

    await ended;
    expect(text()).toMatch(/^HTTP\/1\.1 400/);
    expect(delivery.posts).toHaveLength(0);
  });

  it('answers 431 to headers over 16 KiB', async () => {
    const { port } = await start();
    const { socket, text, ended } = open(port);

    socket.write(head({ 'X-Long': 'x'.repeat(17 * KIB) }));

    await ended;
    expect(text()).toMatch(/^HTTP\/1\.1 431/);
  });
});

describe('slow and greedy senders', () => {
  it('cuts a body that comes a byte at a time', async () => {
    const { port, observed } = await start({ limits: { slowGraceMs: 100, minBytesPerSecond: 1_000 } });
    const { socket, text, ended } = open(port);
    socket.write(head({ 'X-Hub-Signature-256': sign(BODY), 'Content-Length': BODY.length }));
    const trickle = setInterval(() => socket.write('x'), 50);

    await ended;
    clearInterval(trickle);

    expect(text()).toMatch(/^HTTP\/1\.1 408/);
    expect(observed.counts['refused:too_slow']).toBe(1);
  });

  it('closes a connection that never ends its headers', async () => {
    const { port } = await start({ limits: { headersTimeoutMs: 300 } });
    const halfway = open(port);
    halfway.socket.write('POST / HTTP/1.1\r\nHost: x\r\n');

    await halfway.ended;

    expect(halfway.text()).toMatch(/^HTTP\/1\.1 408/);
  });

  it('ends the connection of a sender of garbage that keeps its own side open', async () => {
    const { port } = await start({ limits: { lingerMs: 50 } });
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    sockets.push(socket);
    const answered = once(socket, 'end');
    const closed = new Promise((resolve) => socket.on('error', () => undefined).once('close', resolve));
    socket.resume();
    socket.write('no such method\r\n\r\n');
    await answered;

    const more = setInterval(() => socket.write('x'), 20);
    await closed;
    clearInterval(more);
  });

  it('keeps room for small bodies while big ones fill the budget for unverified bytes', async () => {
    const limits = { maxUnverifiedBytes: 300 * KIB, reservedForSmallBytes: 100 * KIB, smallBodyBytes: 10 * KIB, maxBodyBytes: 190 * KIB };
    const { port, server, observed } = await start({ limits });
    const hold = (bytes: number): Wire => {
      const wire = open(port);
      wire.socket.write(head({ 'X-Hub-Signature-256': sign('x'), 'Content-Length': bytes + 1 }));
      wire.socket.write('x'.repeat(bytes));
      return wire;
    };
    hold(180 * KIB);
    await eventually(() => server.unverifiedBytes === 180 * KIB);

    const second = hold(180 * KIB);

    await eventually(() => second.text().startsWith('HTTP/1.1 503'));
    expect(observed.counts['refused:unverified_budget']).toBe(1);
    expect((await post(port, BODY)).status).toBe(200);
  });

  it('gives the budget back when a body is verified, refused or cut off', async () => {
    const { port, server } = await start();
    await post(port, BODY);
    await post(port, BODY, 'wrong');
    const cut = open(port);
    cut.socket.write(head({ 'X-Hub-Signature-256': sign('x'), 'Content-Length': 100 }) + 'half');
    await eventually(() => server.unverifiedBytes === 4);

    cut.socket.destroy();

    await eventually(() => server.unverifiedBytes === 0 && server.inFlight === 0);
  });

  it('bounds what one connection has pending, however many requests it pipelines', async () => {
    const { port, server } = await start({ limits: { maxUnverifiedPerConnection: 1 * KIB } });
    const { socket, text } = open(port);

    socket.write(head({ 'X-Hub-Signature-256': sign('x'), 'Content-Length': 2 * KIB }) + 'x'.repeat(1_500));

    await eventually(() => text().startsWith('HTTP/1.1 503'));
    expect(server.unverifiedBytes).toBe(0);
  });
});

describe('keep-alive and stopping', () => {
  it('serves request after request on one connection, refusals too', async () => {
    const { port } = await start();
    const { socket, text } = open(port);
    const good = head({ 'X-Hub-Signature-256': sign(BODY), 'Content-Length': BODY.length }) + BODY;
    const bad = head({ 'Content-Length': BODY.length }) + BODY;

    for (const [i, request] of [good, bad, good].entries()) {
      socket.write(request);
      await eventually(() => text().split('HTTP/1.1 ').length === i + 2);
    }

    expect([...text().matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual(['200', '401', '200']);
  });

  it('drains: finishes what is in flight, ends connections, then takes no more', async () => {
    const { port, delivery, server } = await start({ limits: { drainQuietMs: 100 } });
    let release = (): void => undefined;
    delivery.hold = new Promise((resolve) => (release = resolve));
    const held = post(port, BODY);
    await eventually(() => server.inFlight === 1);

    const drained = server.drain(5_000);
    const late = post(port, BODY);
    await eventually(() => server.inFlight === 2);
    release();
    await drained;

    for (const answer of await Promise.all([held, late])) {
      expect(answer.status).toBe(200);
      expect(answer.headers['connection']).toBe('close');
    }
    await expect(post(port, BODY)).rejects.toThrow('ECONNREFUSED');
  });

  it('answers 503 to a newcomer on an open connection once the listener is closed', async () => {
    const { port, delivery, server } = await start({ limits: { drainQuietMs: 50 } });
    let release = (): void => undefined;
    delivery.hold = new Promise((resolve) => (release = resolve));
    const request = head({ 'X-Hub-Signature-256': sign(BODY), 'Content-Length': BODY.length }) + BODY;
    const wire = open(port);
    // Its headers are in, so the connection is not idle when the listener closes.
    wire.socket.write(request.slice(0, 40));
    const held = post(port, BODY);
    await eventually(() => server.inFlight === 1);
    const drained = server.drain(5_000);
    await eventually(() => isRefused(port), 5_000, 'the listener to close');

    wire.socket.write(request.slice(40));

    await eventually(() => wire.text().startsWith('HTTP/1.1 503'));
    release();
    expect((await held).status).toBe(200);
    await drained;
  });

  it('gives up waiting after the time it was given', async () => {
    const { port, delivery, server } = await start({ limits: { drainQuietMs: 10 } });
    delivery.hold = new Promise(() => undefined);
    void post(port, BODY).catch(() => undefined);
    await eventually(() => server.inFlight === 1);

    await server.drain(200);

    expect(server.inFlight).toBe(1);
  });
});
