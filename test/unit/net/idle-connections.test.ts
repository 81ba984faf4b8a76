import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterEach, describe, expect, it } from '@jest/globals';
import { limitConnections } from '../../../src/net/idle-connections.js';
import { eventually } from '../../support/eventually.js';
import { selfSigned } from '../../support/certificate.js';

const servers: Server[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

async function listening(server: Server): Promise<number> {
  servers.push(server);
  limitConnections(server, 3);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const serving = (answer: RequestListener): Promise<number> => listening(createServer(answer));

function kept(socket: Socket): Socket {
  sockets.push(socket);
  socket.on('error', () => undefined);
  return socket.resume();
}

async function connected(port: number): Promise<Socket> {
  const socket = kept(connect(port, '127.0.0.1'));
  await once(socket, 'connect');
  return socket;
}

/** @returns the first bytes of the answer; undefined: the connection was closed without one */
async function ask(socket: Socket, path = '/'): Promise<string | undefined> {
  socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
  const [data] = (await Promise.race([once(socket, 'data'), once(socket, 'close').then(() => [undefined])])) as [Buffer | undefined];
  return data?.toString().slice(0, 12);
}

const gone = (socket: Socket): Promise<boolean> => eventually(() => socket.destroyed, 5_000);

describe('a server with a bounded number of connections', () => {
  it('closes the one that has been idle longest for a new one', async () => {
    const port = await serving((_request, response) => response.end('ok'));
    const [first, second, third] = [await connected(port), await connected(port), await connected(port)];

    expect(await ask(await connected(port))).toBe('HTTP/1.1 200');

    await gone(first);
    expect([second.destroyed, third.destroyed]).toEqual([false, false]);
  });

  it('closes those that have asked for something last', async () => {
    const port = await serving((request, response) => {
      response.statusCode = request.url === '/good' ? 200 : 404;
      response.end();
    });
    const [good, bad, silent] = [await connected(port), await connected(port), await connected(port)];
    await ask(good, '/good');
    await ask(bad, '/bad');

    await connected(port);
    await gone(silent);
    await connected(port);
    await gone(bad);

    expect(good.destroyed).toBe(false);
  });

  it('refuses a new one while all are busy, and ends no request for it', async () => {
    const answers: (() => void)[] = [];
    const port = await serving((_request, response) => answers.push(() => response.end('late')));
    const busy = [await connected(port), await connected(port), await connected(port)];
    const asked = busy.map((socket) => ask(socket));
    await eventually(() => answers.length === 3);

    expect(await ask(await connected(port))).toBeUndefined();

    for (const answer of answers) answer();
    expect(await Promise.all(asked)).toEqual(Array(3).fill('HTTP/1.1 200'));
  });

  it('knows a request over TLS by its connection', async () => {
    const { cert, key } = selfSigned();
    const port = await listening(createHttpsServer({ cert, key }, (_request, response) => response.end('ok')));
    const secure = async (): Promise<Socket> => {
      const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
      kept(socket);
      await once(socket, 'secureConnect');
      return socket;
    };
    const used = await secure();
    expect(await ask(used)).toBe('HTTP/1.1 200');
    const silent = [await connected(port), await connected(port)];

    expect(await ask(await secure())).toBe('HTTP/1.1 200');

    await eventually(() => silent.some((socket) => socket.destroyed), 5_000);
    expect(used.destroyed).toBe(false);
  });
});
