import { createServer, STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../kit/clock.js';
import type { Delivery } from '../core/ports/delivery.js';
import type { Logger } from '../kit/log.js';
import type { PageLookup } from '../core/ports/page-lookup.js';
import type { Tracer } from '../core/ports/trace.js';
import { WebhookHandler } from './handler.js';
import { standBefore } from './connections/defer-until-first-byte.js';
import { webhookLimits, type WebhookLimits } from './limits.js';
import { Newcomers } from './connections/awaiting-headers.js';
import type { WebhookObserver } from './observe.js';
import { Silent } from './connections/silent-sockets.js';

/** PEM text. */
export interface TlsPair {
  readonly cert: string;
  readonly key: string;
}

export interface WebhookServerDeps {
  readonly lookup: PageLookup;
  readonly delivery: Pick<Delivery, 'deliver'>;
  readonly limits?: Partial<WebhookLimits>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly observe: WebhookObserver;
  /** Left out: nobody records traces. */
  readonly tracer?: Tracer;
  readonly tls?: TlsPair;
}

/** The public listener. */
export interface WebhookServer {
  /** Resolves when connections are taken. @throws the system's error, if the address cannot be listened on */
  listen(port: number, host?: string): Promise<void>;
  /** Where it listens. @throws if it does not */
  readonly address: { readonly host: string; readonly port: number };
  /** POSTs that are not answered yet. */
  readonly inFlight: number;
  /** Bytes held that no signature has vouched for yet. */
  readonly unverifiedBytes: number;
  /** A new certificate, for handshakes from now on. @throws if the pair is bad: the old one stays */
  setTls(pair: TlsPair): void;
  /**
   * Stops without losing a request: from now on every answer ends its connection; the listener stays open until no
   * request came for a while (at most half of `timeoutMs`), then closes; what is in flight is finished, newcomers on
   * open connections get 503. Resolves when nothing is in flight, or after `timeoutMs`. To be called once readiness is
   * withdrawn.
   */
  drain(timeoutMs: number): Promise<void>;
  /** Closes everything at once. */
  close(): Promise<void>;
}

export function createWebhookServer(deps: WebhookServerDeps): WebhookServer {
  return new NodeWebhookServer(deps);
}

const POLL_MS = 20;
/** Of all connections: for those who come while others, ended for them, are still closing. */
const PLACES_KEPT = 500;
/** Node ends all that are due at once, so it comes after {@link Newcomers}; it still ends later requests of a connection. */
const AFTER_NEWCOMERS_MS = 15_000;

class NodeWebhookServer implements WebhookServer {
  readonly #clock: Clock;
  readonly #limits: WebhookLimits;
  readonly #handler: WebhookHandler;
  readonly #server: Server;
  readonly #tls: TlsServer | undefined;
  readonly #silent: Silent;
  readonly #newcomers: Newcomers;
  #lastRequestMs = 0;

  constructor(deps: WebhookServerDeps) {
    const limits = webhookLimits(deps.limits);
    this.#clock = deps.clock;
    this.#limits = limits;
    this.#handler = new WebhookHandler({ ...deps, limits });
    const options = {
      maxHeaderSize: limits.maxHeaderBytes,
      headersTimeout: limits.headersTimeoutMs + AFTER_NEWCOMERS_MS,
      requestTimeout: limits.headersTimeoutMs + AFTER_NEWCOMERS_MS + 2 * limits.maxBodyMs,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      connectionsCheckingInterval: 1_000,
    };
    this.#tls =
      deps.tls === undefined
        ? undefined
        : createTlsServer({ ...options, ...deps.tls, minVersion: 'TLSv1.2', handshakeTimeout: limits.headersTimeoutMs });
    this.#server = this.#tls ?? createServer(options);
    this.#server.maxHeadersCount = limits.maxHeaders;
    this.#server.maxConnections = limits.maxConnections;
    this.#server.on('request', this.#onRequest);
    this.#server.on('checkContinue', this.#onRequest);
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      deps.observe.refused('bad_request');
      this.#refuseUnreadable(socket, error.code);
    });
    this.#newcomers = new Newcomers(deps.clock, limits.headersTimeoutMs, (socket) => {
      deps.observe.refused('bad_request');
      this.#refuseUnreadable(socket, socket.bytesRead === 0 ? 'ECONNRESET' : 'ERR_HTTP_REQUEST_TIMEOUT');
    });
    this.#silent = new Silent(limits.maxConnections - PLACES_KEPT);
    const knocked = (socket: Socket): void => {
      this.#silent.add(socket);
    };
    const spoke = (socket: Socket): void => {
      this.#silent.forget(socket);
      // Below TLS nobody makes a request, and the handshake has its own time.
      if (this.#tls === undefined) this.#newcomers.add(socket);
    };
    standBefore(this.#server, knocked, spoke);
    this.#tls?.on('secureConnection', (socket: Socket) => {
      this.#newcomers.add(socket);
    });
  }

  readonly #onRequest = (req: IncomingMessage, res: ServerResponse): void => {
    this.#lastRequestMs = this.#clock.monotonicMs();
    this.#newcomers.forget(req.socket);
    this.#handler.handle(req, res);
  };

  get inFlight(): number {
    return this.#handler.inFlight;
  }

  get unverifiedBytes(): number {
    return this.#handler.unverifiedBytes;
  }

  get address(): { readonly host: string; readonly port: number } {
    const address = this.#server.address() as AddressInfo | null;
    if (address === null) throw new Error('the webhook listener is not open');
    return { host: address.address, port: address.port };
  }

  listen(port: number, host?: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
  }

  setTls(pair: TlsPair): void {
    this.#tls?.setSecureContext({ ...pair, minVersion: 'TLSv1.2' });
  }

  async drain(timeoutMs: number): Promise<void> {
    const start = this.#clock.monotonicMs();
    const elapsed = (): number => this.#clock.monotonicMs() - start;
    this.#handler.closing = true;
    this.#lastRequestMs = Math.max(this.#lastRequestMs, start);
    const isQuiet = (): boolean => this.#clock.monotonicMs() - this.#lastRequestMs >= this.#limits.drainQuietMs;
    while (!isQuiet() && elapsed() < timeoutMs / 2) await this.#pause();
    this.#handler.refusing = true;
    this.#server.close();
    this.#server.closeIdleConnections();
    this.#silent.end();
    this.#newcomers.endSilent();
    while (this.#handler.inFlight > 0 && elapsed() < timeoutMs) await this.#pause();
    this.#server.closeIdleConnections();
  }

  close(): Promise<void> {
    this.#handler.stop();
    this.#silent.end();
    this.#newcomers.endSilent();
    this.#newcomers.stop();
    return new Promise((resolve) => {
      this.#server.close(() => {
        resolve();
      });
      this.#server.closeAllConnections();
    });
  }

  /** Bytes that are no HTTP request, or came too slowly: a bare answer, and the connection ends, whether its other end agrees or not. */
  #refuseUnreadable(socket: Duplex, code: string | undefined): void {
    if (code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const status = STATUS_OF[code ?? ''] ?? 400;
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    const cancel = this.#clock.setTimer(this.#limits.lingerMs, () => socket.destroy());
    socket.once('close', cancel);
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.setTimer(POLL_MS, resolve);
    });
  }
}

const STATUS_OF: Readonly<Record<string, number>> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };
