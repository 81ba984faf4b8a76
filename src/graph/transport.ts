import http from 'node:http';
import https from 'node:https';
import axios, { type AxiosInstance, type AxiosProxyConfig, type AxiosResponse } from 'axios';
import { sleep, type Clock } from '../kit/clock.js';
import { WRITE_TIMEOUT_MS } from '../kit/lease-times.js';
import { TransientError } from '../core/domain/errors.js';
import type { Secret } from '../core/secrets/secret.js';
import { bearerOf, plain, proofOf, type GraphAuth } from './credentials.js';
import type { GraphMethod } from './operations.js';

export type GraphParams = Readonly<Record<string, string | Secret>>;

/** One HTTP request to Graph. `path` begins with the version and holds no parameter. */
export interface WireRequest {
  readonly method: GraphMethod;
  readonly path: string;
  readonly params: GraphParams;
  readonly auth: GraphAuth;
  readonly signal: AbortSignal;
  /** The call without ids or secrets, for an error: `GET /{page-id}/subscribed_apps`. */
  readonly shape: string;
  /** Whether it changes anything at Graph. */
  readonly writes: boolean;
}

/**
 * What Graph answered: any status; `body` is undefined where it was no JSON. Header names are in
 * lower case.
 */
export interface WireResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export interface GraphTransportOptions {
  readonly baseUrl: URL;
  readonly clock: Clock;
  /**
   * For the whole call, from the first byte out to the last byte in. Default 15 s; a write has 4.5
   * s at most.
   */
  readonly timeoutMs?: number;
  /**
   * Asked immediately before each write: what it throws is thrown, and nothing is sent. Left out:
   * every write may go.
   */
  readonly fence?: { check(): void };
  /** Default 32 connections. */
  readonly maxSockets?: number;
  /**
   * An HTTP proxy to tunnel through (CONNECT). Without it none is used, whatever the environment
   * says.
   */
  readonly proxy?: URL;
}

export const TIMEOUT_MS = 15_000;
const MAX_SOCKETS = 32;
const MAX_RESPONSE_BYTES = 4 * 1024 * 1024;
const MAX_REQUEST_BYTES = 2 * 1024 * 1024;
const IDLE_MS = 60_000;

/**
 * The only way to Graph, and the only importer of axios. The token travels in a header, so that no
 * URL has it. What fails becomes a TransientError of our own words: an AxiosError carries its
 * request, and with it the token.
 */
export class GraphTransport {
  readonly #http: AxiosInstance;
  readonly #agents: readonly http.Agent[];
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #fence: { check(): void } | undefined;

  constructor(options: GraphTransportOptions) {
    this.#clock = options.clock;
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    this.#fence = options.fence;
    const agentOptions = { keepAlive: true, maxSockets: options.maxSockets ?? MAX_SOCKETS, timeout: IDLE_MS };
    const httpAgent = new http.Agent(agentOptions);
    const httpsAgent = new https.Agent(agentOptions);
    this.#agents = [httpAgent, httpsAgent];
    this.#http = axios.create({
      baseURL: options.baseUrl.href.replace(/\/+$/, ''),
      httpAgent,
      httpsAgent,
      proxy: proxyOf(options.proxy),
      maxRedirects: 0,
      maxContentLength: MAX_RESPONSE_BYTES,
      maxBodyLength: MAX_REQUEST_BYTES,
      responseType: 'text',
      transformRequest: [(data: unknown) => data],
      transformResponse: [(data: unknown) => data],
      validateStatus: () => true,
    });
  }

  /**
   * Sends one request and resolves with whatever Graph answered.
   * @throws TransientError (`GraphUnavailable`) where no whole answer came; the signal's reason
   * where the caller gave up; what the fence throws where a write may not go.
   */
  async send(request: WireRequest): Promise<WireResponse> {
    const timeoutMs = request.writes ? Math.min(this.#timeoutMs, WRITE_TIMEOUT_MS) : this.#timeoutMs;
    // Here and no earlier: however long a call has waited for company or for a place, its time is
    // counted from this check.
    if (request.writes) this.#fence?.check();
    const deadline = new AbortController();
    const stop = new AbortController();
    const expired = sleep(this.#clock, timeoutMs, stop.signal).then(
      () => {
        deadline.abort();
      },
      () => undefined,
    );
    try {
      return await this.#exchange(request, AbortSignal.any([request.signal, deadline.signal]), request.method === 'GET');
    } catch (error) {
      request.signal.throwIfAborted();
      if (deadline.signal.aborted) throw unavailable(request, `no answer within ${timeoutMs / 1_000} s`);
      throw unavailable(request, codeOf(error));
    } finally {
      stop.abort();
      await expired;
    }
  }

  /** Closes what is kept alive. Requests in flight fail. */
  close(): void {
    for (const agent of this.#agents) agent.destroy();
  }

  async #exchange(request: WireRequest, signal: AbortSignal, mayRepeat: boolean): Promise<WireResponse> {
    try {
      return toWireResponse(await this.#http.request<unknown>({ ...encode(request), signal }));
    } catch (error) {
      // A kept connection that Graph had just closed: one more try, only for reads (a write is
      // fenced right before it begins).
      if (mayRepeat && !signal.aborted && wasReset(error)) return this.#exchange(request, signal, false);
      throw error;
    }
  }
}

function encode({ method, path, params, auth }: WireRequest): {
  method: GraphMethod;
  url: string;
  data?: string;
  headers: Record<string, string>;
} {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) form.set(name, plain(value));
  form.set('appsecret_proof', proofOf(auth));
  const headers: Record<string, string> = {
    accept: 'application/json',
    authorization: `Bearer ${bearerOf(auth)}`,
    'user-agent': 'messenger-operator',
  };
  if (method !== 'POST') return { method, url: `${path}?${form.toString()}`, headers };
  return { method, url: path, data: form.toString(), headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' } };
}

function toWireResponse(response: AxiosResponse<unknown>): WireResponse {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(response.headers as Record<string, unknown>)) {
    if (typeof value === 'string') headers[name.toLowerCase()] = value;
  }
  return { status: response.status, headers, body: parseGraphJson(typeof response.data === 'string' ? response.data : '') };
}

/**
 * JSON with numbers that a double cannot hold (ids of 17 digits and more) as strings; undefined for
 * what is no JSON.
 */
export function parseGraphJson(text: string): unknown {
  const exact = (_key: string, value: unknown, context?: { readonly source?: string }): unknown =>
    typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value) ? (context?.source ?? value) : value;
  try {
    return JSON.parse(text, exact) as unknown;
  } catch {
    return undefined;
  }
}

function unavailable(request: WireRequest, why: string): TransientError {
  return new TransientError('GraphUnavailable', `${request.shape}: no usable answer from Graph (${why})`);
}

/**
 * Only a short, constant code ever comes out of an axios error: its message may hold a URL, its
 * config the token.
 */
function codeOf(error: unknown): string {
  const code = axios.isAxiosError(error) ? error.code : undefined;
  return code !== undefined && /^[A-Z][A-Z0-9_]{2,48}$/.test(code) ? code : 'unknown failure';
}

function wasReset(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'ECONNRESET' || code === 'EPIPE';
}

/** `false` also keeps axios from looking into the environment. */
function proxyOf(proxy: URL | undefined): AxiosProxyConfig | false {
  if (proxy === undefined) return false;
  const auth = { username: decodeURIComponent(proxy.username), password: decodeURIComponent(proxy.password) };
  const port = Number(proxy.port === '' ? (proxy.protocol === 'https:' ? 443 : 80) : proxy.port);
  return { protocol: proxy.protocol.replace(':', ''), host: proxy.hostname, port, ...(proxy.username === '' ? {} : { auth }) };
}
