import http from 'node:http';
import net, { type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { NotLeaderError, TransientError } from '../../../src/core/domain/errors.js';
import { Secret } from '../../../src/core/secrets/secret.js';
import type { WriteFence } from '../../../src/runtime/ports.js';
import { parseGraphJson, GraphTransport, type WireRequest } from '../../../src/graph/transport.js';
import { eventually } from '../../support/eventually.js';
import { FakeClock } from '../../support/fake-clock.js';
import { rejection } from './world.js';

const TOKEN = 'EAAcanarycanarycanarycanary0123456789abc';
const APP = { appId: '111', appSecret: new Secret('app-secret', 'canary-app-secret'), graphVersion: 'v25.0' };
const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function listen(server: net.Server): Promise<URL> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  cleanUps.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

function transport(
  baseUrl: URL,
  clock = new FakeClock(),
  more: { readonly proxy?: URL; readonly fence?: WriteFence } = {},
): GraphTransport {
  const made = new GraphTransport({ baseUrl, clock, ...more });
  cleanUps.push(() => {
    made.close();
  });
  return made;
}

function request(change: Partial<WireRequest> = {}): WireRequest {
  return {
    ...{ method: 'GET' as const, path: '/v25.0/1/subscribed_apps', params: {}, auth: { app: APP, token: new Secret('page-token', TOKEN) } },
    ...{ signal: new AbortController().signal, shape: 'GET /{page-id}/subscribed_apps', writes: false },
    ...change,
  };
}

describe('GraphTransport', () => {
  it('puts the token into a header, and in a POST everything else into the body', async () => {
    const seen: { url: string; authorization: string; body: string }[] = [];
    const url = await listen(
      http.createServer((incoming, response) => {
        let body = '';
        incoming.on('data', (chunk: Buffer) => (body += chunk.toString()));
        incoming.on('end', () => {
          seen.push({ url: incoming.url ?? '', authorization: incoming.headers.authorization ?? '', body });
          response.end('{"ok":1}');
        });
      }),
    );
    const graph = transport(url);
    expect(await graph.send(request({ params: { fields: 'id,name' } }))).toMatchObject({ status: 200, body: { ok: 1 } });
    await graph.send(request({ method: 'POST', params: { verify_token: new Secret('verify-token', 'a&b=c') } }));
    await graph.send(request({ method: 'DELETE', auth: { app: APP } }));

    expect(seen.map(({ authorization }) => authorization)).toEqual([`Bearer ${TOKEN}`, `Bearer ${TOKEN}`, 'Bearer 111|canary-app-secret']);
    // Both proofs were computed by another program (Python's hmac).
    expect(seen[0]?.url).toBe(
      '/v25.0/1/subscribed_apps?fields=id%2Cname&appsecret_proof=9579a0072d195cab920a93cc3e00546b25600ff2e0e042afa978becc192679d3',
    );
    expect(seen[1]).toMatchObject({
      url: '/v25.0/1/subscribed_apps',
      body: 'verify_token=a%26b%3Dc&appsecret_proof=9579a0072d195cab920a93cc3e00546b25600ff2e0e042afa978becc192679d3',
    });
    expect(seen[2]?.url).toBe('/v25.0/1/subscribed_apps?appsecret_proof=90cbb2a3fe4858c96e7fc55e23366b0650b0a702900045945cac91a05309b9f0');
    expect(JSON.stringify(seen.map((one) => one.url))).not.toContain('canary');
  });

  it('keeps its connections', async () => {
    let connections = 0;
    const server = http.createServer((_request, response) => response.end('{}'));
    server.on('connection', () => (connections += 1));
    const graph = transport(await listen(server));
    for (let i = 0; i < 5; i++) await graph.send(request());
    expect(connections).toBe(1);
  });

  it('gives up after 15 s in all, also when bytes keep trickling in', async () => {
    const clock = new FakeClock();
    let trickling: Socket | undefined;
    const url = await listen(
      net.createServer((socket) => {
        trickling = socket;
        socket.on('error', () => undefined);
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n');
      }),
    );
    const pending = rejection(transport(url, clock).send(request()));
    await eventually(() => trickling !== undefined);
    for (let second = 0; second < 15; second++) {
      trickling?.write(' ');
      await clock.advance(1_000);
    }
    const error = await pending;
    expect(error).toBeInstanceOf(TransientError);
    expect(error.message).toBe('GET /{page-id}/subscribed_apps: no usable answer from Graph (no answer within 15 s)');
    expect(clock.pendingTimers).toBe(0);
  });

  it.each([
    ['DELETE', { writes: true }, 4_500],
    ['POST', { writes: true }, 4_500],
    ['POST', { writes: false }, 15_000],
    ['GET', { writes: false }, 15_000],
  ] as const)('gives a %s (%j) %i ms: a write must have ended before the lease has', async (method, more, limitMs) => {
    const clock = new FakeClock();
    const received: Socket[] = [];
    const url = await listen(
      net.createServer((socket) => {
        socket.on('error', () => undefined);
        socket.once('data', () => received.push(socket));
      }),
    );
    let ended = false;
    const pending = rejection(transport(url, clock).send(request({ method, ...more }))).finally(() => (ended = true));
    await eventually(() => received.length === 1);
    await clock.advance(limitMs - 1);
    expect(ended).toBe(false);
    await clock.advance(1);
    const error = await pending;
    expect(error).toBeInstanceOf(TransientError);
    expect(error.message).toContain(`(no answer within ${limitMs / 1_000} s)`);
    await eventually(() => received[0]?.closed === true);
  });

  it('asks the fence before each write, and sends nothing that it refuses', async () => {
    const seen: string[] = [];
    const url = await listen(
      http.createServer((incoming, response) => {
        seen.push(incoming.method ?? '');
        response.end('{}');
      }),
    );
    let refuses = false;
    const fence = {
      check: () => {
        if (refuses) throw new NotLeaderError();
      },
    };
    const clock = new FakeClock();
    const graph = transport(url, clock, { fence });
    await graph.send(request({ method: 'POST', writes: true }));
    refuses = true;
    expect(await rejection(graph.send(request({ method: 'POST', writes: true })))).toBeInstanceOf(NotLeaderError);
    expect(await rejection(graph.send(request({ method: 'DELETE', writes: true })))).toBeInstanceOf(NotLeaderError);
    await graph.send(request({ method: 'POST' }));
    await graph.send(request());
    expect(seen).toEqual(['POST', 'POST', 'GET']);
    expect(clock.pendingTimers).toBe(0);
  });

  it("rejects with the signal's own reason when the caller gives up", async () => {
    const url = await listen(net.createServer((socket) => socket.on('error', () => undefined)));
    const controller = new AbortController();
    const pending = rejection(transport(url).send(request({ signal: controller.signal })));
    const reason = new Error('lease lost');
    controller.abort(reason);
    expect(await pending).toBe(reason);
    expect(await rejection(transport(url).send(request({ signal: controller.signal })))).toBe(reason);
  });

  it.each([
    ['closes at once', (socket: Socket) => socket.destroy()],
    ['resets', (socket: Socket) => socket.resetAndDestroy()],
    ['answers no HTTP', (socket: Socket) => socket.end('hello\r\n\r\n')],
    ['breaks off', (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"a"')],
    [
      'answers more than 4 MiB',
      (socket: Socket) => socket.end(`HTTP/1.1 200 OK\r\ncontent-length: 5000000\r\n\r\n${' '.repeat(5_000_000)}`),
    ],
  ])('has only a constant code to tell of a server that %s', async (_name, answer) => {
    const url = await listen(
      net.createServer((socket) => {
        socket.on('error', () => undefined);
        socket.once('data', () => answer(socket));
      }),
    );
    const error = await rejection(transport(url).send(request({ params: { input_token: new Secret('page-token', TOKEN) } })));
    expect(error).toBeInstanceOf(TransientError);
    expect(error.message).toMatch(/^GET \/\{page-id\}\/subscribed_apps: no usable answer from Graph \([A-Z_]+\)$/);
    expect(error.cause).toBeUndefined();
    expect(JSON.stringify(error) + String(error.stack)).not.toContain('canary');
  });

  it('tries a read again, once, on a kept connection that was just closed, and never a write', async () => {
    let answered = 0;
    const url = await listen(
      net.createServer((socket) => {
        let requests = 0;
        socket.on('error', () => undefined);
        socket.on('data', () => {
          requests += 1;
          if (requests === 2) socket.resetAndDestroy();
          else {
            answered += 1;
            socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}');
          }
        });
      }),
    );
    const graph = transport(url);
    await graph.send(request());
    expect(await graph.send(request())).toMatchObject({ status: 200 });
    expect(answered).toBe(2);
    expect(await rejection(graph.send(request({ method: 'POST', writes: true })))).toBeInstanceOf(TransientError);
    expect(answered).toBe(2);
  });

  it('follows no redirect', async () => {
    let elsewhere = 0;
    const other = await listen(http.createServer((_request, response) => response.end(String((elsewhere += 1)))));
    const url = await listen(http.createServer((_request, response) => response.writeHead(302, { location: other.href }).end()));
    expect(await transport(url).send(request())).toMatchObject({ status: 302 });
    expect(elsewhere).toBe(0);
  });

  it('uses the proxy that it is given', async () => {
    const asked: string[] = [];
    const proxy = http.createServer((incoming, response) => {
      asked.push(incoming.url ?? '');
      response.end('{"via":"proxy"}');
    });
    proxy.on('connect', (incoming, socket) => {
      asked.push(`CONNECT ${incoming.url ?? ''}`);
      socket.end('HTTP/1.1 502 no\r\n\r\n');
    });
    const proxyUrl = await listen(proxy);
    const graph = transport(new URL('https://graph.invalid'), new FakeClock(), { proxy: proxyUrl });
    expect(await graph.send(request())).toMatchObject({ status: 502, body: undefined });
    // Through a tunnel only: a proxy that is asked for the URL itself would see the token.
    expect(asked[0]).toBe('CONNECT graph.invalid:443');
    expect(asked.join()).not.toContain('/v25.0');
  });
});

describe('parseGraphJson', () => {
  it('keeps the digits of numbers that a double cannot hold', () => {
    expect(parseGraphJson('{"id":12345678901234567890,"n":17,"f":1.5,"s":"x"}')).toEqual({
      id: '12345678901234567890',
      n: 17,
      f: 1.5,
      s: 'x',
    });
  });

  it.each(['', '<html>', '{"a":'])('is undefined for %j', (text) => {
    expect(parseGraphJson(text)).toBeUndefined();
  });
});
