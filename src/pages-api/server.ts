import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer as createHttpsServer, Server as HttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import express, { type NextFunction, type Request, type Response } from 'express';
import type { Clock } from '../kit/clock.js';
import type { Logger } from '../kit/log.js';
import type { TlsPair } from '../kit/tls-pair.js';
import { limitConnections } from '../net/idle-connections.js';
import type { PageDirectory } from '../core/ports/page-directory.js';
import { refusals, type Answer } from './answer.js';
import { Gate } from './gate.js';
import type { IssuerKeys } from './issuer-keys.js';
import { Handlers, type PageRequest } from './handlers.js';
import { silentPagesApiObserver, type ApiRoute, type PagesApiObserver } from './observer.js';
import type { Authenticator, Authorizer } from './ports.js';
import { ReviewUnavailableError, type ReviewLimits } from './review-limiter.js';

export interface PagesApiOptions {
  readonly directory: PageDirectory;
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  readonly clock: Clock;
  readonly log: Logger;
  readonly observe?: PagesApiObserver;
  /** undefined: plain HTTP, which shows tokens to everyone on the way. */
  readonly tls?: TlsPair | undefined;
  /**
   * What a caller's JWT must be meant for (`messenger-operator`); undefined where bots have keys
   * instead (standalone).
   */
  readonly audience: string | undefined;
  /** Where it is there, tokens that the cluster did not sign are refused without a review. */
  readonly issuer?: IssuerKeys | undefined;
  /** How long an answer about a known caller serves while no review is possible. */
  readonly authStaleMs: number;
  /**
   * How long a positive answer about a caller serves without asking again (60 s). 0 where asking
   * costs nothing.
   */
  readonly authFreshMs?: number;
  readonly reviewLimits?: ReviewLimits;
}

/** The internal server for bots. */
export interface PagesApiServer {
  /** Resolves once it listens. @throws when the address cannot be had. */
  listen(port: number, host?: string): Promise<void>;
  /** Where it listens. @throws before `listen`. */
  address(): AddressInfo;
  /**
   * New handshakes get this pair. @throws for a bad pair, with the old one going on. No-op on a
   * plain server.
   */
  setTls(pair: TlsPair): void;
  /**
   * Listens no more, ends kept connections with their next answer, resolves when nothing is under
   * way or after `timeoutMs`.
   */
  drain(timeoutMs: number): Promise<void>;
  /** Ends at once what is left. */
  close(): Promise<void>;
}

const AUTH_FRESH_MS = 60_000;
const MAX_IN_FLIGHT = 512;
const MAX_URL = 4_096;
const MAX_CONNECTIONS = 2_048;
const LIMITS = {
  maxHeaderSize: 16_384,
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 60_000,
  connectionsCheckingInterval: 2_000,
};

/**
 * Makes the Pages API: `GET /v1/pages`, `/v1/pages/{pageId}` and `/v1/pages/{pageId}/token`,
 * answered from the cache.
 */
export function createPagesApiServer(options: PagesApiOptions): PagesApiServer {
  const app = new PagesApi(options).express();
  const { tls } = options;
  const server = tls === undefined ? createHttpServer(LIMITS, app) : createHttpsServer({ ...LIMITS, ...tls, minVersion: 'TLSv1.2' }, app);
  limitConnections(server, MAX_CONNECTIONS);
  return lifecycle(server, app, options.clock);
}

class PagesApi {
  readonly #options: PagesApiOptions;
  readonly #observe: PagesApiObserver;
  readonly #gate: Gate;
  readonly #handlers: Handlers;
  #inFlight = 0;

  constructor(options: PagesApiOptions) {
    this.#options = options;
    this.#observe = options.observe ?? silentPagesApiObserver;
    const { authorizer, directory, authFreshMs = AUTH_FRESH_MS } = options;
    this.#gate = new Gate({ ...options, observe: this.#observe, authFreshMs });
    this.#handlers = new Handlers({ directory, gate: this.#gate, sees: authorizer.sees?.bind(authorizer) });
  }

  express(): express.Express {
    const app = express();
    app.disable('x-powered-by').disable('etag').set('query parser', 'simple');
    app.get(
      '/v1/pages',
      this.#at('list', (request) => this.#handlers.list(request)),
    );
    app.get(
      '/v1/pages/:id',
      this.#at('page', (request, id) => this.#handlers.page(id, request)),
    );
    app.get(
      '/v1/pages/:id/token',
      this.#at('token', (request, id) => this.#handlers.token(id, request)),
    );
    app.use(this.#at('other', () => Promise.resolve(refusals.notFound())));
    // Express' own refusals (a path that is no UTF-8): their text is not passed on.
    // eslint-disable-next-line @typescript-eslint/no-unused-vars -- Express knows an error handler by its four parameters
    app.use((_error: unknown, _request: Request, response: Response, _next: NextFunction) => {
      send(response, refusals.notFound());
    });
    return app;
  }

  #at(route: ApiRoute, handle: (request: PageRequest, id: string) => Promise<Answer>) {
    return async (request: Request, response: Response): Promise<void> => {
      const startMs = this.#options.clock.monotonicMs();
      this.#inFlight += 1;
      const answer = await this.#answer(request, handle);
      this.#inFlight -= 1;
      send(response, answer);
      this.#observe.request(route, answer.status, (this.#options.clock.monotonicMs() - startMs) / 1_000);
    };
  }

  /** Never rejects. */
  async #answer(request: Request, handle: (request: PageRequest, id: string) => Promise<Answer>): Promise<Answer> {
    try {
      const refused = this.#cheapRefusal(request);
      if (refused !== undefined) return refused;
      const caller = await this.#gate.caller(request.headers.authorization, request.socket.remoteAddress);
      if (caller === undefined) return refusals.unauthenticated();
      const { id } = request.params;
      const ifNoneMatch = request.headers['if-none-match'];
      return await handle({ caller, query: request.query, ifNoneMatch }, typeof id === 'string' ? id : '');
    } catch (error) {
      if (error instanceof ReviewUnavailableError) return refusals.notNow('The caller cannot be checked right now');
      this.#options.log.error('a request to the pages api failed', { error });
      return refusals.failed();
    }
  }

  #cheapRefusal(request: Request): Answer | undefined {
    const { 'content-length': length = '0', 'transfer-encoding': encoding } = request.headers;
    if (request.method !== 'GET' && request.method !== 'HEAD') return refusals.method();
    if (length !== '0' || encoding !== undefined)
      return { ...refusals.invalid('A body is not read here'), headers: { connection: 'close' } };
    if (request.url.length > MAX_URL) return refusals.invalid('The URL is too long');
    if (this.#inFlight > MAX_IN_FLIGHT) return refusals.notNow('Too many requests at once');
    if (!this.#options.directory.synced()) return refusals.notNow('The pages are not loaded yet');
    return undefined;
  }
}

function send(response: Response, { status, headers = {}, body }: Answer): void {
  response.status(status).set({ 'x-content-type-options': 'nosniff', ...headers });
  if (response.app.get('draining') === true) response.set('connection', 'close');
  if (body === undefined) response.end();
  else response.type('application/json').send(JSON.stringify(body));
}

function lifecycle(server: Server, app: express.Express, clock: Clock): PagesApiServer {
  const stopListening = (): Promise<void> =>
    new Promise((resolve) => {
      if (server.listening)
        server.close(() => {
          resolve();
        });
      else resolve();
    });
  return {
    listen: (port, host = '0.0.0.0') =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, host, () => {
          server.off('error', reject);
          resolve();
        });
      }),
    address: () => {
      const address = server.address();
      if (address === null || typeof address === 'string') throw new Error('the pages api does not listen');
      return address;
    },
    setTls: (pair) => {
      if (server instanceof HttpsServer) server.setSecureContext({ ...pair, minVersion: 'TLSv1.2' });
    },
    drain: async (timeoutMs) => {
      app.set('draining', true);
      const stopped = stopListening();
      server.closeIdleConnections();
      await Promise.race([
        stopped,
        new Promise<void>((resolve) => {
          clock.setTimer(timeoutMs, resolve);
        }),
      ]);
    },
    close: async () => {
      const stopped = stopListening();
      server.closeAllConnections();
      await stopped;
    },
  };
}
