import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer, request as httpsRequest, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { selfSigned } from './certificate.js';
import type { KubeconfigTarget } from './control-plane.js';
import { isWatch, matches, seenRequest, type Fault, type FaultRule, type SeenRequest } from './fault-proxy-rules.js';
import { ProxiedWatch } from './fault-proxy-watch.js';

const MAX_RECORDED = 256;
const NOT_PASSED_ON = new Set(['host', 'connection', 'accept-encoding', 'transfer-encoding', 'keep-alive']);

/** A fault that is on, until it is healed. */
export interface RunningFault {
  /** `user path` of each request and watch that met it. */
  readonly met: ReadonlySet<string>;
  /** From now on everything new passes. Watches that were made silent stay so. */
  heal(): void;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: Buffer;
}

interface Rule extends FaultRule {
  readonly met: Set<string>;
}

/**
 * Stands between the operator and the API server with a certificate of its own, passes everything
 * on, and does on demand what networks, load balancers and API servers do on bad days. HTTP/1.1; it
 * knows lists and watches.
 */
export class FaultProxy {
  readonly #upstream: Required<KubeconfigTarget>;
  readonly #server: Server;
  readonly #ca: string;
  readonly #agent: Agent;
  /** port of the client → its connection below TLS */
  readonly #sockets = new Map<number, Socket>();
  readonly #rules: Rule[] = [];
  readonly #watches = new Set<ProxiedWatch>();
  /** The last answer to each list. */
  readonly #lists = new Map<string, Answer>();

  private constructor(upstream: Required<KubeconfigTarget>) {
    const { cert, key } = selfSigned();
    this.#upstream = upstream;
    this.#ca = cert;
    this.#agent = new Agent({ keepAlive: true, ca: upstream.ca });
    this.#server = createServer({ cert, key, ALPNProtocols: ['http/1.1'] }, (request, response) => {
      this.#handle(request, response);
    });
    this.#server.requestTimeout = 0;
    this.#server.on('connection', (socket: Socket) => {
      const port = socket.remotePort ?? 0;
      this.#sockets.set(port, socket);
      socket.on('close', () => this.#sockets.delete(port)).on('error', () => undefined);
    });
    this.#server.on('tlsClientError', () => undefined);
  }

  /** Listens on the loopback interface. */
  static async start(upstream: Required<KubeconfigTarget>): Promise<FaultProxy> {
    const proxy = new FaultProxy(upstream);
    await once(proxy.#server.listen(0, '127.0.0.1'), 'listening');
    return proxy;
  }

  /** What a kubeconfig has to say to come through here. */
  get target(): Required<KubeconfigTarget> {
    const { port } = this.#server.address() as AddressInfo;
    return { server: new URL(`https://127.0.0.1:${port}`), ca: this.#ca };
  }

  /** Open watches, as `user path`. */
  get watches(): readonly string[] {
    return [...this.#watches].map(({ seen }) => named(seen));
  }

  /**
   * Begins a fault: for requests from now on, and for watches that are open. Of several that match,
   * the first begun holds.
   */
  inject(rule: FaultRule): RunningFault {
    const own: Rule = { ...rule, met: new Set() };
    this.#rules.push(own);
    for (const watch of this.#watches) {
      if (this.#ruleFor(watch.seen) !== own) continue;
      own.met.add(named(watch.seen));
      watch.afflict(rule.fault);
    }
    return {
      met: own.met,
      heal: () => {
        const at = this.#rules.indexOf(own);
        if (at >= 0) this.#rules.splice(at, 1);
      },
    };
  }

  async stop(): Promise<void> {
    this.#agent.destroy();
    for (const socket of this.#sockets.values()) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #ruleFor(seen: SeenRequest): Rule | undefined {
    return this.#rules.find((rule) => matches(rule, seen));
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const seen = seenRequest(request.method ?? '', request.url ?? '/', request.headers);
    const rule = this.#ruleFor(seen);
    rule?.met.add(named(seen));
    response.on('error', () => undefined);
    request.on('error', () => undefined);
    const fault = rule?.fault;
    if (fault?.kind === 'delay') {
      setTimeout(() => {
        this.#forward(request, response, seen);
      }, fault.ms);
    } else if (fault === undefined || !this.#refuse(fault, request, response, seen)) this.#forward(request, response, seen);
  }

  /** @returns whether that was all */
  #refuse(fault: Fault, request: IncomingMessage, response: ServerResponse, seen: SeenRequest): boolean {
    if (fault.kind === 'cut') request.socket.destroy();
    else if (fault.kind === 'reset') this.#reset(request);
    else if (fault.kind === 'half-open') request.resume();
    else if (fault.kind === 'status') {
      request.resume();
      const more = fault.retryAfterSeconds === undefined ? {} : { 'retry-after': String(fault.retryAfterSeconds) };
      response.writeHead(fault.code, { 'content-type': 'application/json', ...more }).end(JSON.stringify(fault.body));
    } else if (fault.kind === 'replay') return this.#replay(response, seen);
    else return false;
    return true;
  }

  #replay(response: ServerResponse, seen: SeenRequest): boolean {
    const recorded = isWatch(seen) ? undefined : this.#lists.get(listKey(seen));
    if (recorded !== undefined) send(response, recorded);
    return recorded !== undefined;
  }

  #reset(request: IncomingMessage): void {
    this.#sockets.get(request.socket.remotePort ?? 0)?.resetAndDestroy();
  }

  #forward(request: IncomingMessage, response: ServerResponse, seen: SeenRequest): void {
    const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !NOT_PASSED_ON.has(name)));
    const url = new URL(request.url ?? '/', this.#upstream.server);
    const upstream = httpsRequest(url, { method: seen.method, headers, agent: this.#agent });
    // Half an answer, or none, is what the client must see of a server that went away.
    const broken = (): void => {
      if (!response.writableEnded) request.socket.destroy();
    };
    upstream.on('error', broken);
    upstream.on('response', (answer) => {
      answer.on('error', broken);
      if (isWatch(seen) && answer.statusCode === 200) this.#follow(seen, answer, { request, response });
      else void this.#pass(seen, answer, response);
    });
    response.on('close', () => upstream.destroy());
    request.pipe(upstream);
  }

  #follow(seen: SeenRequest, answer: IncomingMessage, { request, response }: Exchange): void {
    const watch = new ProxiedWatch(seen, response, {
      cut: () => request.socket.destroy(),
      reset: () => {
        this.#reset(request);
      },
      fault: () => {
        const rule = this.#ruleFor(seen);
        rule?.met.add(named(seen));
        return rule?.fault;
      },
    });
    this.#watches.add(watch);
    response.on('close', () => this.#watches.delete(watch));
    response.writeHead(200, { 'content-type': answer.headers['content-type'] ?? 'application/json' });
    response.flushHeaders();
    answer.on('data', (chunk: Buffer) => {
      watch.push(chunk);
    });
    answer.on('end', () => {
      watch.end();
    });
  }

  async #pass(seen: SeenRequest, answer: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of answer) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    const whole = { status: answer.statusCode ?? 502, type: answer.headers['content-type'] ?? '', body: Buffer.concat(chunks) };
    if (seen.method === 'GET' && whole.status === 200 && isList(whole)) this.#record(seen, whole);
    const rule = this.#ruleFor(seen);
    send(response, whole, { half: rule?.fault.kind === 'stall', retryAfter: answer.headers['retry-after'] });
  }

  #record(seen: SeenRequest, answer: Answer): void {
    const key = listKey(seen);
    this.#lists.delete(key);
    this.#lists.set(key, answer);
    const [oldest] = this.#lists.keys();
    if (this.#lists.size > MAX_RECORDED && oldest !== undefined) this.#lists.delete(oldest);
  }
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

function named({ user, path }: SeenRequest): string {
  return `${user} ${path}`;
}

/**
 * As the API server begins lists, of its own kinds and of custom ones. An object is never replayed:
 * reads of one are consistent.
 */
function isList({ body }: Answer): boolean {
  return /^\{"(kind":"\w*List"|apiVersion":"[^"]*","items":)/.test(body.subarray(0, 120).toString());
}

function listKey({ user, path, query, accept }: SeenRequest): string {
  return `${user} ${accept} ${path}?${query.toString()}`;
}

function send(
  response: ServerResponse,
  { status, type, body }: Answer,
  { half = false, retryAfter }: { readonly half?: boolean; readonly retryAfter?: string | undefined } = {},
): void {
  const more = retryAfter === undefined ? {} : { 'retry-after': retryAfter };
  response.writeHead(status, { 'content-type': type, 'content-length': String(body.length), ...more });
  if (half) response.write(body.subarray(0, Math.ceil(body.length / 2)));
  else response.end(body);
}
