import { createServer as createTlsServer } from 'node:https';
import { createServer as createTcpServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../../../src/kit/clock.js';
import type { BackendTarget } from '../../../../src/core/ports/page-lookup.js';
import { BotClient } from '../../../../src/net/http1/bot-client.js';
import { createDial, type Dial } from '../../../../src/net/dial/connector.js';
import type { BotAnswer } from '../../../../src/net/http1/bot-connection.js';
import { CachedResolver } from '../../../../src/net/dial/resolver.js';
import { ALLOW_NOTHING } from '../../../support/backend-allow.js';
import { selfSigned } from '../../../support/certificate.js';
import { eventually } from '../../../support/eventually.js';
import { FakeNames } from '../fakes.js';
import { HEADERS, aBot, aClient, answerOf, atEnd, closeAll, listen, send } from './real-bots.js';

afterEach(closeAll);

describe('BotClient', () => {
  it('sends exactly the bytes and headers it was given, to the path of the backend', async () => {
    const bot = await aBot((res) => res.end('thanks'));

    expect(await send(aClient(bot.port))).toEqual({ kind: 'answer', status: 200 });

    const [got] = bot.received;
    expect(got).toMatchObject({ method: 'POST', url: '/hook?a=1', body: '{"object":"page"}' });
    expect(Object.keys(got?.headers ?? {}).sort()).toEqual(['connection', 'content-length', 'content-type', 'host', 'x-hub-signature']);
    expect(got?.headers.host).toBe('bot.bots.svc.cluster.local:5000');
  });

  it('uses a connection again', async () => {
    const bot = await aBot((res) => res.end());
    const client = aClient(bot.port);

    for (let i = 0; i < 5; i++) await send(client);

    expect(bot.received).toHaveLength(5);
    expect(bot.connections()).toBeLessThanOrEqual(2);
  });

  it.each([200, 204, 400, 404, 413, 500])('tells status %d', async (status) => {
    const bot = await aBot((res) => res.writeHead(status).end());

    expect(await send(aClient(bot.port))).toEqual({ kind: 'answer', status });
  });

  it('does not follow a redirect', async () => {
    const elsewhere = await aBot((res) => res.end());
    const bot = await aBot((res) => res.writeHead(307, { Location: `http://127.0.0.1:${elsewhere.port}/` }).end());

    expect(await send(aClient(bot.port))).toEqual({ kind: 'answer', status: 307 });
    expect(elsewhere.received).toEqual([]);
  });

  it('reads 64 KiB of an answer and closes the connection on more', async () => {
    const bot = await aBot((res) => {
      res.writeHead(200);
      const more = (): void => {
        while (!res.destroyed && res.write('x'.repeat(16_384)));
        if (!res.destroyed) res.once('drain', more);
      };
      more();
    });
    const client = aClient(bot.port);

    expect(await send(client)).toEqual({ kind: 'answer', status: 200 });
    expect(await send(client)).toEqual({ kind: 'answer', status: 200 });
    expect(bot.connections()).toBe(2);
  });

  it('times out a bot that says nothing, and takes the status of one that stalls after it', async () => {
    const silent = await aBot(() => undefined);
    const stalling = await aBot((res) => res.writeHead(200, { 'Content-Length': 10 }).write('x'));

    expect(await send(aClient(silent.port), 200)).toEqual({ kind: 'none', why: 'timeout' });
    expect(await send(aClient(stalling.port), 200)).toEqual({ kind: 'answer', status: 200 });
  });

  it('tells that nobody listens', async () => {
    const server = createTcpServer();
    const port = await listen(server);
    await new Promise((resolve) => server.close(resolve));

    expect(await send(aClient(port))).toEqual({ kind: 'none', why: 'connect' });
  });

  it('tells that the bot hung up, and does not send again what may have arrived', async () => {
    let connections = 0;
    const sockets: Socket[] = [];
    const port = await listen(
      createTcpServer((socket) => {
        connections++;
        sockets.push(socket);
        socket.on('error', () => undefined);
        socket.once('data', () => socket.destroy());
      }),
    );

    expect(await send(aClient(port))).toEqual({ kind: 'none', why: 'reset' });
    expect(connections).toBe(1);
  });

  it('tries another connection, once, if none could be had', async () => {
    const bot = await aBot((res) => res.end());
    let dials = 0;
    const real = createDial();
    const failingOnce: Dial = (to) => (dials++ === 0 ? Promise.reject(new Error('gone')) : real(to));

    expect(await send(aClient(bot.port, failingOnce))).toEqual({ kind: 'answer', status: 200 });
    expect(dials).toBe(2);

    const never: Dial = () => {
      dials++;
      return Promise.reject(new Error('gone'));
    };
    dials = 0;
    expect(await send(aClient(bot.port, never))).toEqual({ kind: 'none', why: 'connect' });
    expect(dials).toBe(2);
  });

  it('is not held up by a connection that never comes', async () => {
    const client = aClient(1, () => new Promise(() => undefined));

    expect(await send(client, 100)).toEqual({ kind: 'none', why: 'timeout' });
  });

  it('refuses a loopback URL and a Service that leads nowhere it may', async () => {
    const client = aClient(1);
    const url: BackendTarget = { kind: 'url', url: 'https://127.0.0.1:1/' };

    expect(await answerOf(client, { target: url, headers: HEADERS, body: Buffer.from('{}'), timeoutMs: 500 })).toEqual({
      kind: 'none',
      why: 'address_refused',
    });
    const plain: BackendTarget = { kind: 'url', url: 'http://bot.example/' };
    expect(await answerOf(client, { target: plain, headers: HEADERS, body: Buffer.from('{}'), timeoutMs: 500 })).toEqual({
      kind: 'none',
      why: 'bad_target',
    });
  });

  it('checks the certificate of a URL backend against its name, whatever address it dials', async () => {
    const pair = selfSigned();
    const server = createTlsServer({ cert: pair.cert, key: pair.key }, (req, res) => {
      req.resume();
      res.end();
    });
    const port = await listen(server);
    const names = new FakeNames();
    names.set('localhost', '8.8.8.8');
    names.set('other.example', '8.8.8.8');
    const real = createDial(pair.cert);
    const dialled: string[] = [];
    const client = new BotClient({
      clock: systemClock,
      clusterDomain: 'cluster.local',
      serviceMap: new Map(),
      resolver: new CachedResolver({ source: names, clock: systemClock }),
      allow: ALLOW_NOTHING,
      // What was checked is noted; the connection itself goes to the test's server.
      dial: (to) => {
        dialled.push(to.address);
        return real({ ...to, address: '127.0.0.1' });
      },
    });
    atEnd(() => {
      client.close();
    });
    const to = (host: string): Promise<BotAnswer> =>
      answerOf(client, {
        target: { kind: 'url', url: `https://${host}:${port}/` },
        headers: HEADERS,
        body: Buffer.from('{}'),
        timeoutMs: 2_000,
      });

    expect(await to('localhost')).toEqual({ kind: 'answer', status: 200 });
    expect(await to('other.example')).toEqual({ kind: 'none', why: 'connect' });
    expect(new Set(dialled)).toEqual(new Set(['8.8.8.8']));
  });

  it('serves many at a time on a bounded number of connections', async () => {
    const bot = await aBot((res) => setTimeout(() => res.end(), 20));
    const client = aClient(bot.port);

    const answers = await Promise.all(Array.from({ length: 400 }, () => send(client, 5_000)));

    expect(answers.every((answer) => answer.kind === 'answer')).toBe(true);
    expect(bot.connections()).toBeLessThanOrEqual(128);
  });

  it('ends what is under way when it is closed', async () => {
    const bot = await aBot(() => undefined);
    const client = aClient(bot.port);
    const pending = send(client, 10_000);
    await eventually(() => bot.received.length === 1);

    client.close();

    expect(await pending).toEqual({ kind: 'none', why: 'reset' });
    expect(await send(client)).toEqual({ kind: 'none', why: 'connect' });
  });
});
