import type { Clock } from '../kit/clock.js';
import { ClusterUnavailableError } from '../core/domain/errors.js';
import { KubePool, type PoolAnswer, type PoolRequest, type PoolTls } from '../net/kube-pool.js';
import { DeadlineError, unlessAborted, withDeadline, type Deadline } from '../runtime/deadline.js';
import { KubeStatusError, retryAfterMs } from './kube-error.js';

/** Who we are to the API server at the moment. Holds credentials: never logged. */
export interface KubeIdentity {
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly tls: PoolTls;
}

/** Where the API server is and how to speak to it. Implemented over client-node's KubeConfig. */
export interface KubeCredentials {
  /** `https://10.0.0.1:443`, without a path */
  readonly origin: string;
  /** Of an API server behind a path; empty or `/…` without a slash at its end. */
  readonly basePath: string;
  /** The namespace of the Pod or of the kubeconfig's context. */
  readonly namespace: string | undefined;
  readonly proxyUrl: string | undefined;
  /** Read anew every few seconds, so that rotated tokens and CAs are picked up. */
  current(): Promise<KubeIdentity>;
  /** What was handed out was refused: read everything again. */
  refresh(): void;
}

export interface KubeRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  /** Parameters that are undefined are left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  readonly signal?: AbortSignal;
  /** From the call to the answer's last byte (15 s); of a stream: to its headers. */
  readonly timeoutMs?: number;
  /**
   * Never waits behind other requests: for the Lease, which must be renewed however many of them
   * hang.
   */
  readonly apart?: boolean;
}

/** The answer is longer than this process wants to hold; to be asked for in smaller pieces. */
export class AnswerTooLargeError extends ClusterUnavailableError {}

/** A body that goes on: a watch. */
export interface KubeStream {
  readonly body: AsyncIterable<Uint8Array>;
  /** Cuts it. */
  close(): void;
}

export interface KubeClientOptions {
  readonly credentials: KubeCredentials;
  readonly clock: Clock;
  readonly userAgent?: string;
  /** Told once a request; status 0: there was no answer. */
  readonly observe?: (method: string, status: number, seconds: number) => void;
}

const JSON_TYPE = 'application/json';
const TIMEOUT_MS = 15_000;
const MAX_BODY_BYTES = 64 * 1024 * 1024;
const CONNECTIONS = 32;
const CONNECTIONS_APART = 4;
/**
 * `--watch-namespaces` names a thousand at most, and each kind has a watch in each: one that finds
 * no connection would never begin.
 */
export const MAX_WATCHES = 6_144;

interface Pools {
  readonly tls: PoolTls;
  readonly identity: string;
  readonly requests: KubePool;
  readonly apart: KubePool;
  readonly watches: KubePool;
}

/**
 * Requests to the API server: pooled, each with a deadline, JSON in and out. One retry after a 401
 * with credentials read anew, one retry of a GET whose connection was lost. Everything else is the
 * caller's to decide.
 */
export class KubeClient {
  readonly #options: KubeClientOptions;
  #pools: Pools | undefined;
  #closed = false;

  constructor(options: KubeClientOptions) {
    this.#options = options;
  }

  /** The namespace of the Pod or of the kubeconfig's context. */
  get namespace(): string | undefined {
    return this.#options.credentials.namespace;
  }

  /**
   * The parsed body of a 2xx answer.
   * @throws KubeStatusError for any other answer, ClusterUnavailableError for none, the signal's
   * reason
   */
  async request(request: KubeRequest): Promise<unknown> {
    const deadline = withDeadline(this.#options.clock, request.signal, request.timeoutMs ?? TIMEOUT_MS);
    try {
      const answer = await this.#send(request, deadline, false);
      return parse(request, await readText(answer.body));
    } catch (error) {
      throw this.#translated(request, error, deadline);
    } finally {
      deadline.clear();
    }
  }

  /**
   * A 2xx answer whose body is read as it comes, until it ends, is closed or the request's signal
   * is aborted. @throws as `request`
   */
  async stream(request: KubeRequest): Promise<KubeStream> {
    const life = new AbortController();
    const onAbort = (): void => {
      life.abort(request.signal?.reason);
    };
    request.signal?.addEventListener('abort', onAbort, { once: true });
    if (request.signal?.aborted === true) onAbort();
    const close = (): void => {
      request.signal?.removeEventListener('abort', onAbort);
      life.abort(new Error('closed'));
    };
    const stop = this.#options.clock.setTimer(request.timeoutMs ?? TIMEOUT_MS, () => {
      life.abort(new DeadlineError(request.timeoutMs ?? TIMEOUT_MS));
    });
    const deadline: Deadline = { signal: life.signal, clear: stop };
    try {
      const answer = await this.#send(request, deadline, true);
      return { body: answer.body, close };
    } catch (error) {
      const translated = this.#translated(request, error, deadline);
      close();
      throw translated;
    } finally {
      stop();
    }
  }

  /** Ends every request and watch. */
  async close(): Promise<void> {
    this.#closed = true;
    const pools = this.#pools;
    this.#pools = undefined;
    await Promise.all(poolsIn(pools).map((pool) => pool.destroy()));
  }

  async #send(request: KubeRequest, { signal }: Deadline, streaming: boolean): Promise<PoolAnswer> {
    let answer = await this.#once(request, signal, streaming);
    if (answer.status === 401) {
      await readText(answer.body);
      this.#options.credentials.refresh();
      answer = await this.#once(request, signal, streaming);
    }
    if (answer.status >= 200 && answer.status < 300) return answer;
    const body = asJson(await readText(answer.body));
    throw new KubeStatusError(named(request), answer.status, body, retryAfterMs(answer.headers['retry-after']));
  }

  async #once(request: KubeRequest, signal: AbortSignal, streaming: boolean): Promise<PoolAnswer> {
    const { clock, observe } = this.#options;
    const startedMs = clock.monotonicMs();
    let status = 0;
    try {
      const answer = await this.#dispatch(request, signal, streaming);
      status = answer.status;
      return answer;
    } finally {
      observe?.(request.method, status, (clock.monotonicMs() - startedMs) / 1_000);
    }
  }

  async #dispatch(request: KubeRequest, signal: AbortSignal, streaming: boolean): Promise<PoolAnswer> {
    // A plugin may hang, or the disk that a token is on.
    const identity = await unlessAborted(this.#options.credentials.current(), signal);
    signal.throwIfAborted();
    const { requests, apart, watches } = this.#poolsFor(identity);
    const pool = streaming ? watches : request.apart === true ? apart : requests;
    const parts = this.#parts(request, identity, signal);
    try {
      return await pool.request(parts);
    } catch (error) {
      // A kept connection that the server closed at this very moment says nothing about the server;
      // a GET may go twice.
      if (request.method !== 'GET' || signal.aborted || !isLostConnection(error)) throw error;
      return await pool.request(parts);
    }
  }

  #parts(request: KubeRequest, identity: KubeIdentity, signal: AbortSignal): PoolRequest {
    const { credentials, userAgent = 'messenger-operator' } = this.#options;
    const { method, body, contentType = JSON_TYPE, accept = JSON_TYPE } = request;
    const path = credentials.basePath + target(request);
    const headers = { ...identity.headers, accept, 'user-agent': userAgent };
    if (body === undefined) return { method, path, headers, signal };
    return { method, path, headers: { ...headers, 'content-type': contentType }, body: JSON.stringify(body), signal };
  }

  #poolsFor({ tls }: KubeIdentity): Pools {
    if (this.#closed) throw new ClusterUnavailableError('the client is closed');
    if (this.#pools?.tls === tls) return this.#pools;
    const identity = JSON.stringify(
      Object.values(tls).map((part: unknown) => (part instanceof Uint8Array ? Buffer.from(part).toString('base64') : part)),
    );
    if (this.#pools?.identity === identity) return (this.#pools = { ...this.#pools, tls });
    const { origin, proxyUrl } = this.#options.credentials;
    // The old pools' watches go on until the server ends them; new requests use the new CA and
    // certificate.
    for (const old of poolsIn(this.#pools)) void old.close().catch(() => undefined);
    this.#pools = {
      tls,
      identity,
      requests: new KubePool({ origin, tls, connections: CONNECTIONS, proxyUrl }),
      apart: new KubePool({ origin, tls, connections: CONNECTIONS_APART, proxyUrl }),
      watches: new KubePool({ origin, tls, connections: MAX_WATCHES, proxyUrl }),
    };
    return this.#pools;
  }

  #translated(request: KubeRequest, error: unknown, { signal }: Deadline): Error {
    if (request.signal?.aborted === true && request.signal.reason instanceof Error) return request.signal.reason;
    if (error instanceof KubeStatusError || error instanceof ClusterUnavailableError) return error;
    const why: unknown = signal.aborted ? signal.reason : error;
    return new ClusterUnavailableError(`${named(request)}: ${messageOf(why)}`, { cause: why });
  }
}

function poolsIn(pools: Pools | undefined): readonly KubePool[] {
  return pools === undefined ? [] : [pools.requests, pools.apart, pools.watches];
}

function target({ path, query = {} }: KubeRequest): string {
  const given = Object.entries(query).flatMap(([name, value]): [string, string][] => (value === undefined ? [] : [[name, String(value)]]));
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given).toString()}`;
}

function named({ method, path }: KubeRequest): string {
  return `${method} ${path}`;
}

/**
 * A refused connection has its reasons in `errors` and an empty message of its own. Never the
 * headers, which hold the token.
 */
function messageOf(error: unknown): string {
  const { message, errors, code } = (typeof error === 'object' && error !== null ? error : {}) as FailedConnection;
  if (typeof message === 'string' && message !== '') return message;
  if (Array.isArray(errors) && errors.length > 0) return errors.map(messageOf).join(', ');
  return typeof code === 'string' ? code : 'no answer';
}

interface FailedConnection {
  readonly message?: unknown;
  readonly errors?: unknown;
  readonly code?: unknown;
}

function isLostConnection(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown };
  return code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE';
}

async function readText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BODY_BYTES) throw new AnswerTooLargeError(`the answer is larger than ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function parse(request: KubeRequest, text: string): unknown {
  if (text === '') return undefined;
  const body = asJson(text);
  if (body === undefined) throw new ClusterUnavailableError(`${named(request)}: the answer is not JSON`);
  return body;
}
