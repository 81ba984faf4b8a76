import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { KubeClient, type KubeCredentials } from '../../../src/k8s/kube-http.js';
import type { Clock } from '../../../src/kit/clock.js';

export interface Seen {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}

export type Answer = (response: ServerResponse, seen: Seen) => void;

export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };
}

/** The API server's own form of an error. */
export function status(code: number, reason: string, details: object = {}, headers: Readonly<Record<string, string>> = {}): Answer {
  return json(code, { kind: 'Status', code, reason, message: `because of ${reason}`, details }, headers);
}

/** A watch whose lines the test writes. */
export class Stream {
  readonly #lines: string[] = [];
  #response: ServerResponse | undefined;
  #end: 'clean' | 'reset' | undefined;

  readonly answer: Answer = (response) => {
    this.#response = response;
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    for (const line of this.#lines) response.write(line);
    if (this.#end !== undefined) this.#finish(response, this.#end);
  };

  get isOpen(): boolean {
    return this.#response !== undefined && !this.#response.destroyed && !this.#response.writableEnded;
  }

  send(type: string, object: unknown): this {
    return this.raw(`${JSON.stringify({ type, object })}\n`);
  }

  raw(text: string): this {
    if (this.#response === undefined) this.#lines.push(text);
    else this.#response.write(text);
    return this;
  }

  end(how: 'clean' | 'reset' = 'clean'): this {
    this.#end = how;
    if (this.#response !== undefined) this.#finish(this.#response, how);
    return this;
  }

  #finish(response: ServerResponse, how: 'clean' | 'reset'): void {
    if (how === 'clean') response.end();
    // What was written must be on its way before the connection goes.
    else response.write('', () => response.socket?.destroy());
  }
}

/**
 * An API server that answers what it is told, one answer after the other; the last one again and
 * again.
 */
export class ScriptedApi {
  readonly seen: Seen[] = [];
  connections = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #script: Answer[] = [];
  #rest: Answer = status(500, 'NothingScripted');

  constructor() {
    this.#server = createServer((request, response) => void this.#take(request, response));
    this.#server.on('connection', (socket) => {
      this.connections++;
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Further answers, in order. */
  next(...answers: readonly Answer[]): this {
    this.#script.push(...answers);
    return this;
  }

  /** What is answered once the script is over. */
  otherwise(answer: Answer): this {
    this.#rest = answer;
    return this;
  }

  get openConnections(): number {
    return this.#sockets.size;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const seen: Seen = {
      method: request.method ?? '',
      url: new URL(request.url ?? '/', this.origin),
      headers: request.headers,
      body: text === '' ? undefined : JSON.parse(text),
    };
    this.seen.push(seen);
    (this.#script.shift() ?? this.#rest)(response, seen);
  }
}

/** Credentials of one token, which `refresh` replaces by the next one. */
export class FakeCredentials implements KubeCredentials {
  readonly origin: string;
  readonly basePath = '';
  readonly namespace = 'operator';
  readonly proxyUrl = undefined;
  refreshed = 0;
  readonly #tokens: readonly string[];

  constructor(origin: string, tokens: readonly string[] = ['token-0']) {
    this.origin = origin;
    this.#tokens = tokens;
  }

  current(): Promise<{ headers: { authorization: string }; tls: object }> {
    const token = this.#tokens[Math.min(this.refreshed, this.#tokens.length - 1)] ?? '';
    return Promise.resolve({ headers: { authorization: `Bearer ${token}` }, tls: {} });
  }

  refresh(): void {
    this.refreshed++;
  }
}

export function clientOf(api: ScriptedApi, clock: Clock, credentials = new FakeCredentials(api.origin)): KubeClient {
  return new KubeClient({ credentials, clock });
}
