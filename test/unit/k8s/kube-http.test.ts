import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseCommandLine } from '../../../src/config/config.js';
import { ClusterUnavailableError } from '../../../src/core/domain/errors.js';
import { WATCHED } from '../../../src/k8s/observer.js';
import { KubeStatusError } from '../../../src/k8s/kube-error.js';
import { KubeClient, MAX_WATCHES } from '../../../src/k8s/kube-http.js';
import { eventually } from '../../support/eventually.js';
import { FakeClock } from '../../support/fake-clock.js';
import { clientOf, FakeCredentials, json, ScriptedApi, status, Stream, type Answer } from './scripted-api.js';

const GET = { method: 'GET', path: '/api/v1/x' } as const;
const reset: Answer = (response) => response.socket?.destroy();
const silent: Answer = () => undefined;

describe('KubeClient', () => {
  let api: ScriptedApi;
  let clock: FakeClock;
  let client: KubeClient;

  beforeEach(async () => {
    api = await new ScriptedApi().start();
    clock = new FakeClock();
    client = clientOf(api, clock);
  });

  afterEach(async () => {
    await client.close();
    await api.stop();
  });

  it('sends what it is given and gives back the parsed body', async () => {
    api.next(json(201, { kind: 'X', big: 1 }));
    const body = await client.request({
      method: 'POST',
      path: '/api/v1/x',
      query: { a: 'b c', none: undefined, n: 3 },
      body: { hello: 'wörld' },
      accept: 'x/y',
    });
    expect(body).toEqual({ kind: 'X', big: 1 });
    const [seen] = api.seen;
    expect([seen?.method, seen?.url.pathname, seen?.url.search, seen?.body]).toEqual([
      'POST',
      '/api/v1/x',
      '?a=b+c&n=3',
      { hello: 'wörld' },
    ]);
    expect(seen?.headers).toMatchObject({ authorization: 'Bearer token-0', 'content-type': 'application/json', accept: 'x/y' });
  });

  it('keeps connections for the requests that follow', async () => {
    api.otherwise(json(200, {}));
    for (let i = 0; i < 20; i++) await client.request(GET);
    expect(api.connections).toBeLessThan(4);
  });

  it('does not let what is asked apart wait behind requests that hang', async () => {
    api.otherwise((response, seen) => {
      if (seen.url.pathname === '/lease') json(200, { held: true })(response, seen);
    });
    const hanging = Array.from({ length: 64 }, () => client.request(GET).catch(() => 'ended'));
    await eventually(() => api.seen.length >= 32);
    expect(await client.request({ method: 'GET', path: '/lease', apart: true })).toEqual({ held: true });
    await client.close();
    expect(await Promise.all(hanging)).toEqual(hanging.map(() => 'ended'));
  });

  it('tells a Status by code, reason, causes and how long to wait', async () => {
    api.next(
      status(429, 'TooManyRequests', {}, { 'retry-after': '7' }),
      status(504, 'Timeout', { retryAfterSeconds: 2, causes: [{ reason: 'ResourceVersionTooLarge' }] }),
    );
    const first = await client.request(GET).catch((error: unknown) => error);
    const second = await client.request(GET).catch((error: unknown) => error);
    expect(first).toBeInstanceOf(KubeStatusError);
    expect(first).toMatchObject({ code: 429, reason: 'TooManyRequests', retryAfterMs: 7_000, causes: [] });
    expect(second).toMatchObject({ code: 504, retryAfterMs: 2_000, causes: ['ResourceVersionTooLarge'] });
  });

  it('makes do with an error whose body is no Status', async () => {
    api.next((response) => response.writeHead(502).end('<html>bad gateway</html>'));
    await expect(client.request(GET)).rejects.toMatchObject({ code: 502, reason: '' });
  });

  it('reads its credentials anew after a 401, and tries once more', async () => {
    const credentials = new FakeCredentials(api.origin, ['old', 'new']);
    const own = clientOf(api, clock, credentials);
    api.next(status(401, 'Unauthorized'), json(200, { ok: true }));
    expect(await own.request(GET)).toEqual({ ok: true });
    expect(api.seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer old', 'Bearer new']);

    api.otherwise(status(401, 'Unauthorized'));
    await expect(own.request(GET)).rejects.toMatchObject({ code: 401 });
    expect(api.seen).toHaveLength(4);
    await own.close();
  });

  it('gives up at its deadline, whether the server is silent at once or in the middle of the body', async () => {
    api.next(silent, (response) => response.writeHead(200).write('{"half":'));
    for (const requests of [1, 2]) {
      const asked = client.request(GET).catch((error: unknown) => error);
      await eventually(() => api.seen.length === requests);
      await clock.advance(15_000);
      expect(await asked).toMatchObject({ name: 'ClusterUnavailableError', message: 'GET /api/v1/x: did not end within 15000 ms' });
    }
    expect(clock.pendingTimers).toBe(0);
  });

  it('gives up at its deadline while its credentials do not come', async () => {
    const credentials = new FakeCredentials(api.origin);
    credentials.current = () => new Promise(() => undefined);
    const waiting = clientOf(api, clock, credentials);
    const asked = expect(waiting.request(GET)).rejects.toThrow('did not end within 15000 ms');
    const opened = expect(waiting.stream(GET)).rejects.toThrow('did not end within 15000 ms');
    await clock.advance(15_000);
    await Promise.all([asked, opened]);
    expect(api.seen).toEqual([]);
  });

  it('waits no longer than a minute, whatever it is asked to', async () => {
    api.next(status(429, 'TooManyRequests', {}, { 'retry-after': '86400' }), status(503, 'Unavailable', { retryAfterSeconds: 1e12 }));
    for (let i = 0; i < 2; i++) await expect(client.request(GET)).rejects.toMatchObject({ retryAfterMs: 60_000 });
  });

  it('passes on the reason of its signal', async () => {
    api.next(silent);
    const abort = new AbortController();
    const asked = client.request({ ...GET, signal: abort.signal });
    await eventually(() => api.seen.length === 1);
    abort.abort(new Error('lease lost'));
    await expect(asked).rejects.toThrow('lease lost');
    await expect(client.request({ ...GET, signal: abort.signal })).rejects.toThrow('lease lost');
    expect(api.seen).toHaveLength(1);
  });

  it('repeats a GET whose connection was lost, once; never a write', async () => {
    api.next(reset, json(200, { ok: true }), reset, reset, reset);
    expect(await client.request(GET)).toEqual({ ok: true });
    await expect(client.request(GET)).rejects.toBeInstanceOf(ClusterUnavailableError);
    expect(api.seen).toHaveLength(4);
    await expect(client.request({ method: 'POST', path: '/x', body: {} })).rejects.toBeInstanceOf(ClusterUnavailableError);
    expect(api.seen).toHaveLength(5);
  });

  it('says which request got no answer, without a credential', async () => {
    const origin = api.origin;
    await api.stop();
    const lost = new KubeClient({ credentials: new FakeCredentials(origin, ['s3cret-token']), clock });
    const error = await lost.request(GET).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ClusterUnavailableError);
    expect(String(error)).toMatch(/GET \/api\/v1\/x: .*ECONNREFUSED/);
    expect(JSON.stringify(error) + String(error) + String((error as Error).stack)).not.toContain('s3cret-token');
    await lost.close();
    api = await new ScriptedApi().start();
  });

  it('does not take half an answer, or one that is no JSON, for an answer', async () => {
    api.next((response) => response.writeHead(200).end('{"items":['));
    await expect(client.request(GET)).rejects.toThrow('GET /api/v1/x: the answer is not JSON');
  });

  it('streams a body as it comes, and closes the connection when told', async () => {
    const stream = new Stream().raw('one\n');
    api.next(stream.answer);
    const streaming = await client.stream(GET);
    const chunks: string[] = [];
    const read = (async () => {
      for await (const chunk of streaming.body) chunks.push(Buffer.from(chunk).toString());
    })().catch(() => undefined);
    await eventually(() => chunks.join('') === 'one\n');
    stream.raw('two\n');
    await eventually(() => chunks.join('') === 'one\ntwo\n');
    await clock.advance(600_000);
    expect(api.openConnections).toBe(1);
    streaming.close();
    await read;
    await eventually(() => api.openConnections === 0);
  });

  it('lets a stream go that nobody has begun to read', async () => {
    api.next(new Stream().raw('one\n').answer);
    const streaming = await client.stream(GET);
    streaming.close();
    await eventually(() => api.openConnections === 0);
  });

  it('has room for a watch of every kind in every namespace that may be named', () => {
    const names = Array.from({ length: 1_000 }, (_, i) => `n${i}`);
    expect(names.length * WATCHED.length).toBeLessThanOrEqual(MAX_WATCHES);
    const given = (all: readonly string[]) => () =>
      parseCommandLine(['controller', '--watch-namespaces', all.join(',')], { KUBERNETES_SERVICE_HOST: 'x' });
    expect(given(names)).not.toThrow();
    expect(given([...names, 'one-more'])).toThrow('--watch-namespaces');
  });

  it('gives a stream a deadline up to its headers only', async () => {
    api.next(silent);
    const asked = client.stream(GET).catch((error: unknown) => error);
    await eventually(() => api.seen.length === 1);
    await clock.advance(15_000);
    expect(await asked).toBeInstanceOf(ClusterUnavailableError);
    expect(clock.pendingTimers).toBe(0);
  });

  it('tells its observer of each request, also of those without an answer', async () => {
    const told: string[] = [];
    const own = new KubeClient({
      credentials: new FakeCredentials(api.origin),
      clock,
      observe: (method, code) => told.push(`${method} ${code}`),
    });
    api.next(json(200, {}), status(404, 'NotFound'), reset, reset);
    for (let i = 0; i < 3; i++) await own.request(GET).catch(() => undefined);
    expect(told).toEqual(['GET 200', 'GET 404', 'GET 0']);
    await own.close();
    await expect(own.request(GET)).rejects.toThrow('the client is closed');
  });
});
