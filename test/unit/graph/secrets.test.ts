import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../../src/kit/clock.js';
import type { GraphCallOptions } from '../../../src/core/ports/graph.js';
import { KnownSecrets } from '../../../src/core/secrets/known-secrets.js';
import { Redactor } from '../../../src/core/secrets/redact.js';
import { Secret } from '../../../src/core/secrets/secret.js';
import { secretForms } from '../../../src/core/secrets/secret-forms.js';
import { GraphClient } from '../../../src/graph/graph-client.js';
import { rejection } from './world.js';

const TOKEN = 'canary.page.token/0123456789+abcdefghijklm';
const SECRET = 'canary.app.secret/0123456789+abcdefghijkl';
const VERIFY = 'canary.verify.token/0123456789+abcdefghij';
const FORMS = [TOKEN, SECRET, VERIFY].flatMap(secretForms);

const app = { appId: '111', appSecret: new Secret('app-secret', SECRET), graphVersion: 'v25.0' };
const page = { app, pageId: '222', token: new Secret('page-token', TOKEN) };

interface Seen {
  readonly url: string;
  readonly text: string;
}

const secrets = [page.token, app.appSecret, new Secret('verify-token', VERIFY)];

let server: http.Server;
let graph: GraphClient;
let baseUrl: URL;
let seen: Seen[];
/** What the server answers: the whole request is at hand, so that it can echo all of it. */
let answer: (request: Seen) => { readonly status: number; readonly body: string };

beforeEach(async () => {
  seen = [];
  server = http.createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const one = { url: request.url ?? '', text: [request.url, JSON.stringify(request.headers), body].join('\n') };
      seen.push(one);
      const reply = answer(one);
      response.writeHead(reply.status).end(reply.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  baseUrl = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  graph = newClient();
});

/**
 * A client that has no memory of throttles and refusals, and knows the secrets of the process or
 * only those of each call.
 */
function newClient(knowsAll = false): GraphClient {
  const known = new KnownSecrets();
  if (knowsAll) for (const secret of secrets) known.add(secret);
  const redactor = new Redactor({ max: 100_000, known });
  return new GraphClient({ baseUrl, clock: systemClock, timeoutMs: 5_000, redactor });
}

afterEach(async () => {
  graph.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const interactive: GraphCallOptions = { signal: new AbortController().signal };
const background: GraphCallOptions = { ...interactive, priority: 'background' };

const CALLS = (graph: GraphClient, options: GraphCallOptions): readonly (() => Promise<unknown>)[] => [
  () => graph.inspectToken(app, page.token, options),
  () => graph.pageInfo(page, options),
  () => graph.observe(page, options),
  () => graph.subscribe(page, ['messages'], options),
  () => graph.unsubscribe(page, options),
  () => graph.subscriptions(app, options),
  () =>
    graph.subscribeApp(
      app,
      { callbackUrl: 'https://x.example/', verifyToken: new Secret('verify-token', VERIFY), fields: ['messages'] },
      options,
    ),
];

/** Everything that a log, a condition or a crash report could show of an error. */
function everything(error: Error): string {
  return [error.message, error.stack, JSON.stringify(error), inspect(error, { depth: 10, showHidden: true })].join('\n');
}

function leaks(text: string): readonly string[] {
  return FORMS.filter((form) => text.includes(form));
}

const errorOf = (message: string, more = {}) => JSON.stringify({ error: { message, code: 31_337, type: 'OAuthException', ...more } });

/**
 * Every call, alone and as a background one, each with a client of its own, so that none is held
 * back for another's failure.
 */
async function errorsOfAllCalls(knowsAll: boolean): Promise<string> {
  const shown = [interactive, background].flatMap((options) =>
    [...CALLS(graph, options).keys()].map(async (index) => {
      const client = newClient(knowsAll);
      const error = await rejection(CALLS(client, options)[index]?.() ?? Promise.resolve());
      client.close();
      return everything(error);
    }),
  );
  return (await Promise.all(shown)).join('\n');
}

describe('the name of a Page', () => {
  it("keeps a word that is also another tenant's Secret, and loses a secret of its own", async () => {
    const known = new KnownSecrets();
    known.add(new Secret('page-token', 'Clinic'));
    const client = new GraphClient({ baseUrl, clock: systemClock, redactor: new Redactor({ known }) });
    answer = () => ({ status: 200, body: JSON.stringify({ id: '222', name: `Clinic\u202e A ${TOKEN}` }) });

    const info = await client.pageInfo(page, interactive);
    client.close();

    expect(info.name).toBe('Clinic A [redacted]');
  });
});

describe('no secret leaves the client in an error', () => {
  it.each([
    ['an error that echoes the request', (request: Seen) => ({ status: 400, body: errorOf(request.text) })],
    [
      'an error that echoes it in base64',
      (request: Seen) => ({ status: 400, body: errorOf(Buffer.from(request.text).toString('base64')) }),
    ],
    [
      'a proof error that does',
      (request: Seen) => ({ status: 400, body: errorOf(request.text, { code: 100, type: 'GraphMethodException' }) }),
    ],
    ['a throttle that does', (request: Seen) => ({ status: 400, body: errorOf(request.text, { code: 32 }) })],
    [
      'a dead token that does',
      (request: Seen) => ({ status: 400, body: errorOf(`Malformed access token ${request.text}`, { code: 190 }) }),
    ],
    ['HTML with everything', (request: Seen) => ({ status: 500, body: `<html>${request.text}` })],
    ['a 200 that is no JSON', (request: Seen) => ({ status: 200, body: request.text })],
  ])('when Graph answers %s, though nobody told the client about the secrets', async (_name, reply) => {
    answer = reply;
    expect(leaks(await errorsOfAllCalls(false))).toEqual([]);
    // The positive control: the secrets really were there to be leaked.
    const sent = seen.map(({ text }) => text).join();
    for (const value of [TOKEN, SECRET]) expect(sent).toContain(value);
    expect(sent).toContain(encodeURIComponent(VERIFY));
  });

  it.each([
    ['in all forms', FORMS.join(' ')],
    ['in base64 within a longer text', Buffer.from(`a${TOKEN} b ${SECRET} c ${VERIFY}`).toString('base64')],
  ])('when Graph answers with the secrets of others, %s', async (_name, text) => {
    answer = () => ({ status: 400, body: errorOf(text) });
    expect(leaks(await errorsOfAllCalls(true))).toEqual([]);
    expect(leaks(await errorsOfAllCalls(false))).not.toEqual([]);
  });

  it('when nobody answers, or the connection breaks', async () => {
    await new Promise((resolve) => server.close(resolve));
    expect(leaks(await errorsOfAllCalls(false))).toEqual([]);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });

  it('and a dead token that debug_token describes in an answer shows no token either', async () => {
    const error = { code: 190, message: `Error validating access token: ${TOKEN} ${SECRET}` };
    answer = () => ({ status: 200, body: JSON.stringify({ data: { is_valid: false, error } }) });
    const info = await graph.inspectToken(app, page.token, interactive);
    expect(info.error?.message).toBe('Error validating access token: [redacted] [redacted]');
  });

  it('nor do the answers that end in a status or an Event: type and scopes of a token, name of a Page', async () => {
    const data = { is_valid: true, app_id: '1', type: TOKEN, scopes: ['pages_messaging', TOKEN, SECRET] };
    const odd = { id: page.pageId, name: `Clinic ${TOKEN}`, data };
    answer = () => ({ status: 200, body: JSON.stringify(odd) });

    const { type, scopes } = await graph.inspectToken(app, page.token, interactive);
    const { name } = await graph.pageInfo(page, interactive);

    expect({ type, scopes, name }).toEqual({ type: '[redacted]', scopes: ['pages_messaging'], name: 'Clinic [redacted]' });
  });
});

describe('no secret stands in a URL', () => {
  it('but the token that debug_token is asked about, which Graph takes there only', async () => {
    answer = () => ({ status: 200, body: '[]' });
    await errorsOfAllCalls(false);
    const inspected = seen.filter(({ url }) => url.includes('debug_token'));
    const others = seen.filter(({ url }) => !url.includes('debug_token'));
    expect(inspected.length).toBeGreaterThan(0);
    expect(others.length).toBeGreaterThan(6);
    expect(others.filter(({ url }) => leaks(url).length > 0)).toEqual([]);
    expect(inspected.filter(({ url }) => url.includes('canary.app') || url.includes(encodeURIComponent(SECRET)))).toEqual([]);
  });
});
