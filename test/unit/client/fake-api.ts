import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TestCertificate } from '../../support/certificate.js';

type Mode = 'answers' | 'fails' | 'hangs' | 'cuts' | 'html';

/** The Pages API as a state, behind a real socket. */
export class FakeApi {
  readonly tokens = new Map<string, string>();
  readonly configs = new Map<string, Readonly<Record<string, unknown>>>();
  /** Statuses that a path is refused with. */
  readonly refusals = new Map<string, number>();
  readonly requests: string[] = [];
  readonly credentials: (string | undefined)[] = [];
  mode: Mode = 'answers';
  notModified = 0;
  readonly #server: Server;

  private constructor(tls?: TestCertificate) {
    const handler = (request: IncomingMessage, response: ServerResponse): void => {
      this.#answer(request, response);
    };
    this.#server = tls === undefined ? createHttpServer(handler) : createHttpsServer({ ...tls }, handler);
  }

  static async start(tls?: TestCertificate): Promise<FakeApi> {
    const api = new FakeApi(tls);
    api.#server.listen(0, '127.0.0.1');
    await once(api.#server, 'listening');
    return api;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Puts a page there with its token. */
  page(id: string, token: string, botConfig: Readonly<Record<string, unknown>> = {}): void {
    this.tokens.set(id, token);
    this.configs.set(id, botConfig);
  }

  dropConnections(): void {
    this.#server.closeIdleConnections();
  }

  async stop(): Promise<void> {
    const closed = once(this.#server.close(), 'close');
    this.#server.closeAllConnections();
    await closed;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', 'http://x');
    this.requests.push(url.pathname + url.search);
    this.credentials.push(request.headers.authorization);
    const send = (status: number, body?: unknown, headers: Record<string, string> = {}): void => {
      response
        .writeHead(status, { 'content-type': 'application/json', ...headers })
        .end(body === undefined ? undefined : JSON.stringify(body));
    };
    const refused = this.refusals.get(url.pathname);
    if (this.mode === 'hangs') return;
    if (this.mode === 'cuts') request.socket.destroy();
    else if (this.mode === 'html') response.writeHead(502, { 'content-type': 'text/html' }).end('<html>Bad Gateway</html>');
    else if (this.mode === 'fails') send(503, { error: { message: 'not now' } });
    else if (refused !== undefined) send(refused, { error: { message: `refused with ${refused}` } });
    else this.#route(url, request, send);
  }

  #route(url: URL, request: IncomingMessage, send: (status: number, body?: unknown, headers?: Record<string, string>) => void): void {
    const [, , , id, what] = url.pathname.split('/');
    if (id === undefined) {
      this.#list(url, send);
      return;
    }
    const token = this.tokens.get(id);
    if (token === undefined) send(404, { error: { message: 'There is nothing here', code: 100 } });
    else if (what === 'token') send(200, { id, app: { id: '77' }, access_token: token });
    else {
      const page = this.#page(id);
      const etag = `"${JSON.stringify(page.botConfig).length}-${JSON.stringify(page.botConfig)}"`.replace(/[^\w"-]/g, '');
      if (request.headers['if-none-match'] === etag) {
        this.notModified += 1;
        send(304, undefined, { etag });
      } else send(200, page, { etag });
    }
  }

  /** Two pages a part, whatever the limit. */
  #list(url: URL, send: (status: number, body?: unknown) => void): void {
    const from = Number(url.searchParams.get('continue') ?? 0);
    const ids = [...this.tokens.keys()];
    const items = ids.slice(from, from + 2).map((id) => this.#page(id));
    send(200, from + 2 < ids.length ? { items, continue: String(from + 2) } : { items });
  }

  #page(id: string) {
    return {
      id,
      name: null,
      namespace: 'bots',
      resourceName: `p${id}`,
      app: { id: '77' },
      botConfig: this.configs.get(id) ?? {},
      fields: ['messages'],
      ready: true,
    };
  }
}
