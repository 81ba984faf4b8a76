import { once } from 'node:events';
import { createServer as createHttp, request } from 'node:http';
import { createServer as createHttps, request as requestTls } from 'node:https';
import { connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../../../src/kit/clock.js';
import { deferUntilFirstByte } from '../../../../src/webhook/connections/defer-until-first-byte.js';
import { selfSigned } from '../../../support/certificate.js';
import { eventually } from '../../../support/eventually.js';
import { startEdge } from '../fakes.js';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

interface World {
  readonly port: number;
  /** Connections in the order in which they opened. */
  readonly opened: Socket[];
  /** How many of them reached HTTP, or TLS. */
  readonly inside: () => number;
  readonly spoken: () => number;
}

async function deferring(server: Server): Promise<World> {
  const opened: Socket[] = [];
  let inside = 0;
  let spoken = 0;
  server.prependListener('connection', () => inside++);
  deferUntilFirstByte(server, { onOpen: (socket) => opened.push(socket), onFirstByte: () => spoken++ });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    for (const socket of opened) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, opened, inside: () => inside, spoken: () => spoken };
}

const echo = (): Server =>
  createHttp((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => res.end(Buffer.concat(chunks)));
  });

function talk(port: number): { readonly socket: Socket; readonly said: () => string } {
  const socket = connect(port, '127.0.0.1');
  let said = '';
  socket.on('data', (chunk) => (said += chunk.toString('latin1')));
  socket.on('error', () => undefined);
  closing.push(() => socket.destroy());
  return { socket, said: () => said };
}

describe('a connection before its first byte', () => {
  it('is reported, and HTTP does not see it', async () => {
    const { port, opened, inside } = await deferring(echo());
    talk(port);

    await eventually(() => opened.length === 1);
    expect(inside()).toBe(0);
    expect(opened[0]?.listenerCount('timeout')).toBe(0);
  });

  it('is handed over with that byte, however small its pieces are, and every byte arrives in order', async () => {
    const { port, inside, spoken } = await deferring(echo());
    const { socket, said } = talk(port);
    socket.setNoDelay(true);

    for (const letter of 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcde') {
      await new Promise((resolve) => socket.write(letter, resolve));
    }
    await eventually(() => said().endsWith('abcde'));
    expect(inside()).toBe(1);

    socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nfg');
    await eventually(() => said().endsWith('fg'));
    expect([inside(), spoken()]).toEqual([1, 1]);
  });

  it('is handed over with a large body in its first piece, and the next request is answered', async () => {
    const { port } = await deferring(echo());
    const { socket, said } = talk(port);
    const large = 'x'.repeat(300_000);

    socket.write(
      `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n${large}POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nend`,
    );

    await eventually(() => said().endsWith('end'));
    expect(said()).toContain(large);
  });

  it('is closed when the client ends or resets it without a byte', async () => {
    const { port, opened } = await deferring(echo());
    talk(port).socket.end();
    const broken = talk(port).socket;
    await eventually(() => opened.length === 2);
    broken.resetAndDestroy();

    await eventually(() => opened.every(({ destroyed }) => destroyed));
  });

  it('keeps a connection alive for one request after the other', async () => {
    const { port, opened } = await deferring(echo());
    const { socket, said } = talk(port);
    for (let i = 0; i < 20; i++) {
      socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nn${String(i).padStart(3, '0')}`);
      await eventually(() => said().endsWith(`n${String(i).padStart(3, '0')}`));
    }
    expect(opened).toHaveLength(1);
  });
});

describe('a connection before its TLS', () => {
  async function overTls(): Promise<World & { readonly ca: string }> {
    const pair = selfSigned();
    const server = createHttps({ cert: pair.cert, key: pair.key }, (req, res) => {
      req.pipe(res);
    });
    return { ...(await deferring(server)), ca: pair.cert };
  }

  it('is reported, and TLS does not see it', async () => {
    const { port, opened, inside } = await overTls();
    talk(port);

    await eventually(() => opened.length === 1);
    expect(inside()).toBe(0);
  });

  it('shakes hands with the bytes that came first', async () => {
    const { port, ca, inside } = await overTls();

    const body = 'y'.repeat(100_000);
    const answer = await new Promise<string>((resolve, reject) => {
      const sent = requestTls({ host: '127.0.0.1', port, method: 'POST', ca, agent: false }, (res) => {
        let text = '';
        res.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        res.on('end', () => {
          resolve(text);
        });
      });
      sent.on('error', reject);
      sent.end(body);
    });

    expect(answer).toBe(body);
    expect(inside()).toBe(1);
  });

  it('shakes hands with a hello that comes in two pieces', async () => {
    const { port, ca } = await overTls();
    const raw = connect(port, '127.0.0.1');
    closing.push(() => raw.destroy());
    const write = raw.write.bind(raw);
    let isFirst = true;
    // The hello leaves with its first byte alone.
    raw.write = (chunk: Buffer, ...rest: []) => {
      if (!isFirst) return write(chunk, ...rest);
      isFirst = false;
      write(chunk.subarray(0, 1));
      return write(chunk.subarray(1), ...rest);
    };
    const socket = connectTls({ socket: raw, ca, host: 'localhost' });
    await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
    socket.destroy();
  });

  it('refuses what is no TLS', async () => {
    const { port } = await overTls();
    await expect(
      new Promise((resolve, reject) => {
        request({ host: '127.0.0.1', port, agent: false }, resolve).on('error', reject).end();
      }),
    ).rejects.toThrow();
  });
});

describe('the listener', () => {
  it('closes silent connections when it drains and when it closes', async () => {
    const edge = await startEdge({ clock: systemClock });
    const silent = talk(edge.port).socket;
    await once(silent, 'connect');
    const gone = once(silent, 'close');

    await edge.server.drain(200);
    await gone;
    await edge.server.close();

    const other = await startEdge({ clock: systemClock });
    const late = talk(other.port).socket;
    await once(late, 'connect');
    await Promise.all([once(late, 'close'), other.server.close()]);
  });
});
