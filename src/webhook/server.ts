import { createServer, STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../kit/clock.js';
import type { Delivery } from '../core/ports/delivery.js';
import type { Logger } from '../kit/log.js';
import type { TlsPair } from '../kit/tls-pair.js';
import type { PageLookup } from '../core/ports/page-lookup.js';
import type { Tracer } from '../core/ports/trace.js';
import { AwaitingHeaders } from './connections/awaiting-headers.js';
import { deferUntilFirstByte } from './connections/defer-until-first-byte.js';
import { IdleSockets } from './connections/idle-sockets.js';
import { WebhookHandler } from './handler.js';
import { webhookLimits, type WebhookLimits } from './limits.js';
import type { WebhookObserver } from './observer.js';

export interface WebhookServerDeps {
  readonly lookup: PageLookup;
  readonly delivery: Pick<Delivery, 'deliver'>;
  readonly limits?: Partial<WebhookLimits>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly observer: WebhookObserver;
  /** Left out: no traces are recorded. */
  readonly tracer?: Tracer;
  readonly tls?: TlsPair;
}

/** The public listener. */
export interface WebhookServer {
  /**
   * Resolves when connections are taken. @throws the system's error, if the address cannot be
   * listened on
   */
  listen(port: number, host?: string): Promise<void>;
  /** Where it listens. @throws if it does not */
  readonly address: { readonly host: string; readonly port: number };
  /** POSTs that are not answered yet. */
  readonly inFlight: number;
  /** Bytes held whose signature is not verified yet. */
  readonly unverifiedBytes: number;
  /**
   * Uses a new certificate for handshakes from now on. @throws if the pair is bad: the old one
   * stays
   */
  setTls(pair: TlsPair): void;
  /**
   * Stops without losing a request. From now on every answer closes its connection. The listener
   * stays open until no request has come for a while (at most half of `timeoutMs`), then closes.
   * What is in flight is finished; new requests on open connections get 503. Resolves when nothing
   * is in flight, or after `timeoutMs`. Call it once readiness is withdrawn.
   */
  drain(timeoutMs: number): Promise<void>;
  /** Closes everything at once. */
  close(): Promise<void>;
}

export function createWebhookServer(deps: WebhookServerDeps): WebhookServer {
  return new NodeWebhookServer(deps);
}

const POLL_MS = 20;
/**
 * Kept free of the connections (half of them at most), for new ones that open while those closed
 * for them are still closing.
 */
const SPARE_CONNECTIONS = 500;
/**
 * Node closes all overdue connections at once, so its own timeout is later than {@link
 * AwaitingHeaders}. It still applies to later requests of a connection.
 */
const NODE_TIMEOUT_LATER_MS = 15_000;

class NodeWebhookServer implements WebhookServer {
  readonly #clock: Clock;
  readonly #limits: WebhookLimits;
  readonly #handler: WebhookHandler;
  readonly #server: Server;
  readonly #tls: TlsServer | undefined;
  readonly #idle: IdleSockets;
  readonly #awaitingHeaders: AwaitingHeaders;
  readonly #below = new Map<string, Socket>();
  #lastRequestMs = 0;

  constructor(deps: WebhookServerDeps) {
    const limits = webhookLimits(deps.limits);
    this.#clock = deps.clock;
    this.#limits = limits;
    this.#handler = new WebhookHandler({
      ...deps,
      limits,
      onVerified: (socket) => {
        this.#idle.verified(socket);
      },
    });
    const answered = (socket: Socket): void => {
      this.#idle.request(socket, -1);
    };
    // One function for all answers; the emitter passes the answer as `this`.
    this.#onAnswered = function (): void {
      answered(this.req.socket);
    };
    const options = {
      maxHeaderSize: limits.maxHeaderBytes,
      headersTimeout: limits.headersTimeoutMs + NODE_TIMEOUT_LATER_MS,
      requestTimeout: limits.headersTimeoutMs + NODE_TIMEOUT_LATER_MS + 2 * limits.maxBodyMs,
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
      deps.observer.refused('bad_request');
      this.#refuseUnreadable(socket, error.code);
    });
    this.#awaitingHeaders = new AwaitingHeaders(deps.clock, limits.headersTimeoutMs, (socket) => {
      deps.observer.refused('bad_request');
      this.#refuseUnreadable(socket, socket.bytesRead === 0 ? 'ECONNRESET' : 'ERR_HTTP_REQUEST_TIMEOUT');
    });
    const spare = Math.min(SPARE_CONNECTIONS, Math.floor(limits.maxConnections / 2));
    this.#idle = new IdleSockets(limits.maxConnections - spare, deps.clock);
    deferUntilFirstByte(this.#server, {
      onOpen: (socket) => {
        this.#idle.add(socket);
        if (this.#tls !== undefined) this.#rememberBelow(socket);
      },
      onFirstByte: (socket) => {
        this.#idle.spoke(socket);
        // No request arrives below TLS, and the handshake has a timeout of its own.
        if (this.#tls === undefined) this.#awaitingHeaders.add(socket);
      },
    });
    this.#tls?.on('secureConnection', (socket: Socket) => {
      const below = this.#below.get(peerOf(socket));
      if (below !== undefined) this.#idle.secured(socket, below);
      this.#awaitingHeaders.add(socket);
    });
  }

  /** A connection below TLS is found again by its peer. */
  #rememberBelow(socket: Socket): void {
    const peer = peerOf(socket);
    this.#below.set(peer, socket);
    socket.once('close', () => {
      if (this.#below.get(peer) === socket) this.#below.delete(peer);
    });
  }

  readonly #onRequest = (req: IncomingMessage, res: ServerResponse): void => {
    this.#lastRequestMs = this.#clock.monotonicMs();
    this.#awaitingHeaders.delete(req.socket);
    this.#idle.request(req.socket, 1);
    res.once('close', this.#onAnswered);
    this.#handler.handle(req, res);
  };

  readonly #onAnswered: (this: ServerResponse) => void;

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
    this.#idle.destroySilent();
    this.#awaitingHeaders.destroySilent();
    while (this.#handler.inFlight > 0 && elapsed() < timeoutMs) await this.#pause();
    this.#server.closeIdleConnections();
  }

  close(): Promise<void> {
    this.#handler.stop();
    this.#idle.destroySilent();
    this.#awaitingHeaders.destroySilent();
    this.#awaitingHeaders.stop();
    return new Promise((resolve) => {
      this.#server.close(() => {
        resolve();
      });
      this.#server.closeAllConnections();
    });
  }

  /** Not HTTP, or too slow: sends a bare status line and forces the connection closed. */
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

function peerOf({ remoteAddress = '', remotePort = 0 }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

const STATUS_OF: Readonly<Record<string, number>> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };
