import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Server as TcpServer } from 'node:net';
import { systemClock, type Clock } from '../../../../src/kit/clock.js';
import type { BackendTarget } from '../../../../src/core/ports/page-lookup.js';
import { BotClient, headerLine, type BotRequest } from '../../../../src/net/http1/bot-client.js';
import { createDial, type Dial } from '../../../../src/net/dial/connector.js';
import type { BotAnswer } from '../../../../src/net/http1/bot-connection.js';
import { CachedResolver, createCaresSource } from '../../../../src/net/dial/resolver.js';
import { parseServiceMap } from '../../../../src/net/dial/service-map.js';
import { ALLOW_NOTHING } from '../../../support/backend-allow.js';

/** Leads to the port that `aClient` was given. */
const TARGET: BackendTarget = { kind: 'service', namespace: 'bots', name: 'bot', port: 5000, path: '/hook?a=1' };
export const HEADERS = headerLine('content-type', 'application/json') + headerLine('x-hub-signature', 'sha1=00');

export interface Received {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

const closing: (() => void | Promise<void>)[] = [];

/** To be called when the test has ended. */
export function atEnd(close: () => void | Promise<void>): void {
  closing.push(close);
}

/** For `afterEach`: closes what the test opened, last first. */
export async function closeAll(): Promise<void> {
  for (const close of closing.splice(0).reverse()) await close();
}

export async function listen(server: Server | TcpServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    if ('closeAllConnections' in server) server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A bot that keeps what it got. */
export async function aBot(
  answer: (res: ServerResponse, req: IncomingMessage) => void,
): Promise<{ port: number; received: Received[]; connections: () => number }> {
  const received: Received[] = [];
  let connections = 0;
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      received.push({ method: req.method, url: req.url, headers: req.headers, body: Buffer.concat(chunks).toString() });
      answer(res, req);
    });
  });
  server.on('connection', () => connections++);
  return { port: await listen(server), received, connections: () => connections };
}

export function aClient(port: number, dial: Dial = createDial(), clock: Clock = systemClock): BotClient {
  const client = new BotClient({
    clock,
    clusterDomain: 'cluster.local',
    serviceMap: parseServiceMap(`{"bots/bot:5000":"127.0.0.1:${port}"}`),
    resolver: new CachedResolver({ source: createCaresSource(), clock }),
    allow: ALLOW_NOTHING,
    dial,
  });
  closing.push(() => {
    client.close();
  });
  return client;
}

export function send(client: BotClient, timeoutMs = 2_000, body = '{"object":"page"}'): Promise<BotAnswer> {
  return answerOf(client, { target: TARGET, headers: HEADERS, body: Buffer.from(body), timeoutMs });
}

export function answerOf(client: BotClient, request: BotRequest): Promise<BotAnswer> {
  return new Promise((resolve) => {
    client.send(request, resolve);
  });
}
