import { Pool, ProxyAgent, type Dispatcher } from 'undici';

/** How the API server is to be trusted and shown who we are. PEM or DER, as node:tls takes it. */
export interface PoolTls {
  readonly ca?: Uint8Array | string;
  readonly cert?: Uint8Array | string;
  readonly key?: Uint8Array | string;
  readonly passphrase?: string;
  readonly servername?: string;
  /** false only where the kubeconfig says `insecure-skip-tls-verify`. */
  readonly rejectUnauthorized?: boolean;
}

export interface KubePoolOptions {
  readonly origin: string;
  readonly tls: PoolTls;
  /** Connections at most; further requests wait for one. */
  readonly connections: number;
  /** Of an HTTP proxy in between, from the kubeconfig's `proxy-url`. */
  readonly proxyUrl?: string | undefined;
}

export interface PoolRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body?: string | undefined;
  /** Ends the request at any moment, the body included. */
  readonly signal: AbortSignal;
}

export interface PoolAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Must be read to its end, or the request's signal be aborted. */
  readonly body: AsyncIterable<Uint8Array>;
}

const KEEP_ALIVE_MS = 15_000;
const HEADERS_TIMEOUT_MS = 15_000;

/**
 * Connections to one API server, kept alive for 15 s. HTTP/1.1 only: a shared HTTP/2 session that
 * was black-holed never comes back, and takes every request with it. What a body may take is up to
 * the caller's signal.
 */
export class KubePool {
  readonly #origin: string;
  readonly #dispatcher: Dispatcher;

  constructor({ origin, tls, connections, proxyUrl }: KubePoolOptions) {
    this.#origin = origin;
    const common = {
      connections,
      allowH2: false,
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
      bodyTimeout: 0,
    };
    const secure = tlsOptions(tls);
    this.#dispatcher =
      proxyUrl === undefined
        ? new Pool(origin, { ...common, connect: { ...secure, timeout: HEADERS_TIMEOUT_MS } })
        : new ProxyAgent({ ...common, uri: proxyUrl, requestTls: secure, proxyTunnel: true });
  }

  /** @throws what undici throws: no connection, reset, timeout, or the signal's reason */
  async request({ method, path, headers, body, signal }: PoolRequest): Promise<PoolAnswer> {
    const answer = await this.#dispatcher.request({
      origin: this.#origin,
      path,
      method: method,
      headers,
      body: body ?? null,
      signal,
    });
    return { status: answer.statusCode, headers: answer.headers, body: answer.body };
  }

  /** Lets the requests under way end and takes no new ones. */
  async close(): Promise<void> {
    await this.#dispatcher.close();
  }

  /** Ends everything at once. */
  async destroy(): Promise<void> {
    await this.#dispatcher.destroy();
  }
}

function tlsOptions({ ca, cert, key, passphrase, servername, rejectUnauthorized }: PoolTls): object {
  const given = { ca, cert, key, passphrase, servername, rejectUnauthorized };
  return Object.fromEntries(
    Object.entries(given)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, value instanceof Uint8Array ? Buffer.from(value) : value]),
  );
}
