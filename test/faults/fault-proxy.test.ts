import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request as httpsRequest, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { selfSigned } from '../support/certificate.js';
import { eventually } from '../support/eventually.js';
import { FaultProxy, type RunningFault } from '../support/fault-proxy.js';
import { statusBody, type Fault, type FaultRule } from '../support/fault-proxy-rules.js';

const ANN = tokenOf('system:serviceaccount:operator:ann');
const BOB = tokenOf('system:serviceaccount:operator:bob');
const QUIET_MS = 250;

let upstream: Server;
let proxy: FaultProxy;
let listed = 0;
const open = new Set<ServerResponse>();
const faults: RunningFault[] = [];

beforeAll(async () => {
  const { cert, key } = selfSigned();
  upstream = createServer({ cert, key }, (request, response) => {
    if (request.url?.includes('watch=true') === true) {
      open.add(response);
      response.on('close', () => open.delete(response)).writeHead(200, { 'content-type': 'application/json' });
      response.flushHeaders();
    } else
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ kind: request.url?.startsWith('/things') === true ? 'ThingList' : 'Thing', number: ++listed }));
  });
  await once(upstream.listen(0, '127.0.0.1'), 'listening');
  const { port } = upstream.address() as AddressInfo;
  proxy = await FaultProxy.start({ server: new URL(`https://127.0.0.1:${port}`), ca: cert });
});

afterEach(() => {
  for (const fault of faults.splice(0)) fault.heal();
  for (const response of open) response.end();
});

afterAll(async () => {
  await proxy.stop();
  upstream.closeAllConnections();
  upstream.close();
});

describe('the fault proxy', () => {
  it('passes everything on where nothing is wrong', async () => {
    const watch = await ask('/things?watch=true');
    say('one', 'two');
    await eventually(() => watch.lines() === 2);
    expect(watch.text()).toBe('one\ntwo\n');
    expect(proxy.watches).toEqual(['system:serviceaccount:operator:ann /things']);
    expect(JSON.parse((await ask('/things').then(whole)).text())).toHaveProperty('number');
    for (const response of open) response.end();
    await eventually(() => watch.end === 'end');
  });

  it('chooses by method, path, user and token', async () => {
    const rules: readonly FaultRule[] = [
      { fault: answer(500), methods: ['POST'] },
      { fault: answer(501), path: /^\/other$/ },
      { fault: answer(502), user: 'system:serviceaccount:operator:bob' },
      { fault: answer(401), token: 'revoked' },
      { fault: answer(410), watches: true, path: /^\/watched$/ },
    ];
    const running = rules.map((rule) => inject(rule));
    const codes = await Promise.all([
      code('/things'),
      code('/things', { method: 'POST' }),
      code('/other'),
      code('/things', { token: BOB }),
      code('/things', { token: 'revoked' }),
      code('/watched'),
      code('/watched?watch=true'),
    ]);
    expect(codes).toEqual([200, 500, 501, 502, 401, 200, 410]);
    expect(running.map(({ met }) => met.size)).toEqual([1, 1, 1, 1, 1]);
    for (const fault of running) fault.heal();
    expect(await code('/other')).toBe(200);
  });

  it.each([
    ['cut', 'ECONNRESET'],
    ['reset', 'ECONNRESET'],
  ] as const)('%s: requests and watches end without an answer', async (kind, error) => {
    const watch = await ask('/things?watch=true');
    inject({ fault: { kind } });
    await eventually(() => watch.end === 'error');
    await expect(ask('/things')).rejects.toMatchObject({ code: error });
  });

  it('half-open: neither an answer nor an end, and an open watch stays dead after healing', async () => {
    const watch = await ask('/things?watch=true');
    const fault = inject({ fault: { kind: 'half-open' } });
    const asked = ask('/things');
    say('lost');
    await quiet();
    expect(watch).toMatchObject({ end: undefined, size: 0 });
    expect(await Promise.race([asked.catch(() => 'ended'), quiet()])).toBe('quiet');
    fault.heal();
    say('lost too');
    expect(await code('/things')).toBe(200);
    expect(watch).toMatchObject({ end: undefined, size: 0 });
  });

  it('stall: half a line, half a list, then silence', async () => {
    const watch = await ask('/things?watch=true');
    say('first line');
    await eventually(() => watch.lines() === 1);
    inject({ fault: { kind: 'stall' } });
    say('lost');
    const list = await ask('/things');
    await eventually(() => list.size > 0);
    await quiet();
    expect(watch).toMatchObject({ end: undefined, size: 'first line\nfirst '.length });
    expect(list.end).toBeUndefined();
    expect(() => JSON.parse(list.text()) as unknown).toThrow(SyntaxError);
  });

  it('swallow: the lines of a watch are lost, lists are not', async () => {
    const watch = await ask('/things?watch=true');
    const fault = inject({ fault: { kind: 'swallow' } });
    say('lost');
    expect(await code('/things')).toBe(200);
    fault.heal();
    say('lost too');
    await quiet();
    expect(watch).toMatchObject({ end: undefined, size: 0 });
  });

  it('duplicate and reorder: lines come twice, or change places', async () => {
    const watch = await ask('/things?watch=true');
    const twice = inject({ fault: { kind: 'duplicate' } });
    say('one');
    await eventually(() => watch.lines() === 2);
    twice.heal();
    inject({ fault: { kind: 'reorder' } });
    say('two', 'three', 'alone');
    await eventually(() => watch.lines() === 5);
    expect(watch.text()).toBe('one\none\nthree\ntwo\nalone\n');
  });

  it('delay: lines and answers are late, and none overtakes another', async () => {
    const watch = await ask('/things?watch=true');
    const began = performance.now();
    const fault = inject({ fault: { kind: 'delay', ms: 200 } });
    say('one');
    expect(await code('/things')).toBe(200);
    expect(performance.now() - began).toBeGreaterThanOrEqual(199);
    say('two');
    await quiet();
    fault.heal();
    say('three');
    await eventually(() => watch.lines() === 3);
    expect(watch.text()).toBe('one\ntwo\nthree\n');
  });

  it('status: with Retry-After, and as an ERROR line to a watch that is open', async () => {
    const watch = await ask('/things?watch=true');
    inject({ fault: { kind: 'status', code: 429, body: statusBody(429, 'TooManyRequests'), retryAfterSeconds: 3 } });
    const refused = await ask('/things').then(whole);
    expect(refused).toMatchObject({ status: 429, retryAfter: '3' });
    await eventually(() => watch.end === 'end');
    expect(JSON.parse(watch.text())).toMatchObject({ type: 'ERROR', object: { code: 429, reason: 'TooManyRequests' } });
  });

  it('replay: the last list again, to the same user, after a watch was told to list; never an object', async () => {
    const [before, watch] = [(await ask('/things').then(whole)).text(), await ask('/things?watch=true')];
    const object = (await ask('/other').then(whole)).text();
    inject({ fault: { kind: 'replay' } });
    await eventually(() => watch.end === 'end');
    expect(JSON.parse(watch.text())).toMatchObject({ type: 'ERROR', object: { code: 410 } });
    expect((await ask('/things').then(whole)).text()).toBe(before);
    expect((await ask('/things', { token: BOB }).then(whole)).text()).not.toBe(before);
    expect((await ask('/other').then(whole)).text()).not.toBe(object);
  });
});

interface Asking {
  readonly method?: string;
  readonly token?: string;
}

class Heard {
  readonly status: number;
  readonly retryAfter: string | undefined;
  end: 'end' | 'error' | undefined;
  #text = '';

  constructor(response: IncomingMessage) {
    this.status = response.statusCode ?? 0;
    this.retryAfter = response.headers['retry-after'];
    response.setEncoding('utf8').on('data', (chunk: string) => (this.#text += chunk));
    response.on('end', () => (this.end = 'end'));
    response.on('error', () => (this.end = 'error'));
  }

  get size(): number {
    return this.#text.length;
  }

  text(): string {
    return this.#text;
  }

  lines(): number {
    return this.#text.split('\n').length - 1;
  }
}

function ask(path: string, { method = 'GET', token = ANN }: Asking = {}): Promise<Heard> {
  const { server, ca } = proxy.target;
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}` };
    const request = httpsRequest(new URL(path, server), { method, ca, headers, agent: false }, (response) => {
      resolve(new Heard(response));
    });
    request.on('error', reject).end();
  });
}

async function whole(heard: Heard): Promise<Heard> {
  await eventually(() => heard.end === 'end');
  return heard;
}

async function code(path: string, asking: Asking = {}): Promise<number> {
  return (await ask(path, asking)).status;
}

function say(...lines: readonly string[]): void {
  for (const response of open) for (const line of lines) response.write(`${line}\n`);
}

function inject(rule: FaultRule): RunningFault {
  const fault = proxy.inject(rule);
  faults.push(fault);
  return fault;
}

function answer(status: number): Fault {
  return { kind: 'status', code: status, body: statusBody(status, 'Because') };
}

function quiet(): Promise<'quiet'> {
  return new Promise((resolve) => {
    setTimeout(() => {
      resolve('quiet');
    }, QUIET_MS);
  });
}

function tokenOf(subject: string): string {
  return `head.${Buffer.from(JSON.stringify({ sub: subject })).toString('base64url')}.signature`;
}
