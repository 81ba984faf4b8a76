import http, { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock, type Clock } from '../kit/clock.js';
import { silentLogger, type Logger } from '../kit/log.js';
import { isBatch, runBatch } from './batch.js';
import { handleControl } from './control-api.js';
import { SimulatorControl } from './control.js';
import { GraphApi } from './graph-api.js';
import type { GraphReply } from './graph-request.js';
import { bodyParams, readBody } from './http-body.js';
import { Params } from './params.js';
import { applySeed, type Seed } from './seed.js';
import { WebhookSender } from './sender.js';
import { World } from './world.js';

export interface SimulatorOptions {
  /** Default 0: any free port. */
  readonly port?: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  readonly clock?: Clock;
  readonly seed?: Seed;
  readonly log?: Logger;
}

export interface RunningSimulator {
  /** `http://127.0.0.1:PORT`, for the Graph API; the control API is under `/_sim`. */
  readonly url: string;
  readonly control: SimulatorControl;
  /** Ends retries, closes all connections and the listener. */
  stop(): Promise<void>;
}

/** Starts Graph and Meta's webhook sender in this process. Resolves when it listens. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<RunningSimulator> {
  const { port = 0, host = '127.0.0.1', clock = systemClock, seed, log = silentLogger } = options;
  const world = new World(clock);
  const graph = new GraphApi(world);
  const sender = new WebhookSender(world);
  const control = new SimulatorControl({ world, graph, sender });
  if (seed !== undefined) applySeed(seed, control);
  const server = http.createServer({ requestTimeout: 60_000 }, (request, response) => {
    serve(request, response, { graph, control }).catch((error: unknown) => {
      log.error('the simulator failed on a request', { method: request.method, error: error instanceof Error ? error.message : 'unknown' });
      response.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const stop = async (): Promise<void> => {
    await sender.stop();
    server.closeAllConnections();
    await new Promise<void>((resolve) => {
      server.close(() => {
        resolve();
      });
    });
  };
  const { port: bound } = server.address() as AddressInfo;
  return { url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`, control, stop };
}

interface Parts {
  readonly graph: GraphApi;
  readonly control: SimulatorControl;
}

async function serve(request: IncomingMessage, response: ServerResponse, parts: Parts): Promise<void> {
  const origin = `http://${request.headers.host ?? 'localhost'}`;
  const target = request.url ?? '/';
  if (!URL.canParse(target, origin)) {
    response.writeHead(400).end();
    return;
  }
  const url = new URL(target, origin);
  const body = await bodyOrTooLarge(request);
  if (body === undefined) {
    response.writeHead(413, { connection: 'close' }).end();
    return;
  }
  if (/^\/_sim(\/|$)/.test(url.pathname)) await serveControl({ request, response, url, body }, parts.control);
  else await serveGraph({ request, response, url, body }, parts.graph);
}

async function bodyOrTooLarge(request: IncomingMessage): Promise<Buffer | undefined> {
  try {
    return await readBody(request);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

interface HttpCall {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly body: Buffer;
}

async function serveControl({ request, response, url, body }: HttpCall, control: SimulatorControl): Promise<void> {
  const segments = url.pathname
    .split('/')
    .slice(2)
    .filter((segment) => segment !== '')
    .map(decoded);
  const refusal = foreignPage(request.headers);
  if (refusal !== undefined) {
    response.writeHead(403, { 'content-type': 'application/json' }).end(`${JSON.stringify({ error: refusal })}\n`);
    return;
  }
  const json = parseJson(body);
  const call = { method: request.method ?? 'GET', segments, query: url.searchParams, body: json, origin: url.origin };
  const reply = await handleControl(call, control);
  const text = typeof reply.body === 'string';
  response.writeHead(reply.status, { 'content-type': text ? 'text/plain; charset=utf-8' : 'application/json' });
  response.end(text ? reply.body : `${JSON.stringify(reply.body)}\n`);
}

/**
 * Names that no page of the internet can be served from: an address, or a name within a machine or
 * a cluster.
 */
const LOCAL_HOST = /^(?:[^.:]+|\[[^\]]*\]|[0-9.]+|.*\.(?:localhost|local|internal|svc))(?::\d+)?$/i;

/** Why a request comes from a web page in a browser, not from a tool; undefined: it does not. */
function foreignPage({ host = '', origin }: IncomingHttpHeaders): string | undefined {
  if (!LOCAL_HOST.test(host)) return `the control API is not served as ${host}: use an address or a local name`;
  if (origin === undefined || origin === `http://${host}` || origin === `https://${host}`) return undefined;
  return `the control API takes nothing from a web page of ${origin}`;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function parseJson(body: Buffer): unknown {
  try {
    return body.length === 0 ? undefined : JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

async function serveGraph({ request, response, url, body }: HttpCall, graph: GraphApi): Promise<void> {
  const params = Params.fromForm(url.search).with(bodyParams(request.headers['content-type'] ?? '', body));
  const bearer = /^(?:Bearer|OAuth) (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const override = params.text('method')?.toUpperCase();
  const method = request.method === 'POST' && override !== undefined ? override : (request.method ?? 'GET');
  const call = { method, path: url.pathname, params, bearer, origin: url.origin };
  const reply = isBatch(call) ? await runBatch(graph, call) : await graph.handle(call);
  write(response, reply);
}

const COMMON = {
  'content-type': 'application/json; charset=UTF-8',
  'cache-control': 'private, no-cache, no-store, must-revalidate',
  pragma: 'no-cache',
  expires: 'Sat, 01 Jan 2000 00:00:00 GMT',
  'access-control-allow-origin': '*',
};

function write(response: ServerResponse, { status, headers, body, cut }: GraphReply): void {
  if (cut === 'drop') response.destroy();
  if (cut === 'drop' || cut === 'hang') return;
  const bytes = Buffer.from(body);
  response.writeHead(status, { ...COMMON, ...headers, 'content-length': bytes.length });
  if (cut !== 'truncate') {
    response.end(bytes);
    return;
  }
  response.write(bytes.subarray(0, Math.floor(bytes.length / 2)), () => {
    response.destroy();
  });
}
