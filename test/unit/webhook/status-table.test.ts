import { connect } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { FakeClock } from '../../support/fake-clock.js';
import { eventually } from '../../support/eventually.js';
import { APP_SECRET, PAGE_ID, PATH, aBody, aMessage, anApp, call, post, sign, startEdge, type Edge } from './fakes.js';

const BODY = aBody(aMessage('m1'));
const NOW = Date.parse('2026-11-23T00:00:00Z');

let edge: Edge | undefined;

async function start(...args: Parameters<typeof startEdge>): Promise<Edge> {
  edge = await startEdge(...args);
  return edge;
}

afterEach(async () => {
  await edge?.server.close();
  edge = undefined;
});

describe('while a namespace could not be listed since the start', () => {
  const signed = { headers: { 'X-Hub-Signature-256': sign(BODY) }, body: BODY };
  const forged = { headers: { 'X-Hub-Signature-256': sign(BODY, 'secret-of-an-app-that-is-not-listed') }, body: BODY };

  it.each([
    ['an unknown page', 600_000, { ...signed, path: PATH }, 503],
    ['an unknown page, after ten minutes', 600_001, { ...signed, path: PATH }, 200],
    ['a path of no app', 1, { ...signed, path: '/elsewhere' }, 503],
    ['a path of no app, after ten minutes', 600_001, { ...signed, path: '/elsewhere' }, 404],
    ['a signature of no known app', 1, { ...forged, path: PATH }, 503],
    ['a signature of no known app, after ten minutes', 600_001, { ...forged, path: PATH }, 401],
  ])('answers %s', async (_name, unlistedMs, request, status) => {
    const { port, lookup } = await start({ clock: new FakeClock(1_763_856_000_123) });
    lookup.answers.clear();
    // The age of a watch that was never listed.
    Object.assign(lookup, { unlistedMs, ageMs: Infinity });

    expect((await call(port, request)).status).toBe(status);
  });

  it('delivers to the pages that are known', async () => {
    const { port, lookup } = await start();
    Object.assign(lookup, { unlistedMs: 1, ageMs: Infinity });

    expect((await call(port, signed)).status).toBe(200);
  });
});

describe('what is refused before a body is read', () => {
  it.each([
    ['a path of no app', 'POST', '/elsewhere', 404],
    ['the root', 'GET', '/', 404],
    ['PUT', 'PUT', PATH, 405],
    ['HEAD', 'HEAD', PATH, 405],
    ['DELETE', 'DELETE', PATH, 405],
    ['a path with two slashes at its end', 'POST', `${PATH}//`, 404],
  ])('answers %s', async (_name, method, path, status) => {
    const { port } = await start();

    expect((await call(port, { method, path })).status).toBe(status);
  });

  it('says which methods there are', async () => {
    const { port } = await start();

    expect((await call(port, { method: 'PATCH' })).headers['allow']).toBe('GET, POST');
  });

  it('ignores one slash at the end of the path, and a query', async () => {
    const { port } = await start();
    const headers = { 'X-Hub-Signature-256': sign(BODY) };

    expect((await call(port, { path: `${PATH}/`, headers, body: BODY })).status).toBe(200);
    expect((await call(port, { path: `${PATH}?a=b`, headers, body: BODY })).status).toBe(200);
  });

  it('answers /healthz, also while nothing is synced', async () => {
    const { port, lookup } = await start();
    lookup.isSynced = false;

    expect(await call(port, { method: 'GET', path: '/healthz' })).toMatchObject({ status: 200, text: 'ok\n' });
  });

  it.each([
    ['no signature', undefined],
    ['an empty one', ''],
    ['SHA-1 only', 'sha1=0123456789abcdef0123456789abcdef01234567'],
    ['another name in front', `sha512=${'a'.repeat(64)}`],
    ['63 digits', `sha256=${'a'.repeat(63)}`],
    ['65 digits', `sha256=${'a'.repeat(65)}`],
    ['no hex digits', `sha256=${'g'.repeat(64)}`],
    ['two values', `sha256=${'a'.repeat(64)}, sha256=${'a'.repeat(64)}`],
  ])('answers 401 to %s', async (_name, header) => {
    const { port, delivery, observed } = await start();
    const headers: Record<string, string> = header === undefined ? {} : { 'X-Hub-Signature-256': header };

    expect((await call(port, { headers, body: BODY })).status).toBe(401);
    expect(observed.counts['refused:no_signature']).toBe(1);
    expect(delivery.posts).toHaveLength(0);
  });

  it('answers 503 while the index is not synced, even to a path that it does not know', async () => {
    const { port, lookup } = await start();
    lookup.isSynced = false;

    expect((await post(port, BODY)).status).toBe(503);
    expect((await call(port, { method: 'GET', path: '/elsewhere' })).status).toBe(503);
  });
});

describe('signatures', () => {
  it.each([
    ['of another secret', 'some-other-secret', 401],
    ['of the secret', APP_SECRET, 200],
  ])('answers a signature %s', async (_name, secret, status) => {
    const { port, delivery } = await start();

    expect((await post(port, BODY, secret)).status).toBe(status);
    expect(delivery.posts).toHaveLength(status === 200 ? 1 : 0);
  });

  it('takes the previous secret during a rotation, and says which secret it was', async () => {
    const { port, lookup, delivery } = await start();
    lookup.apps.splice(0, 1, anApp({ secrets: ['new', 'old'] }));

    expect((await post(port, BODY, 'old')).status).toBe(200);
    expect((await post(port, BODY, 'new')).status).toBe(200);
    expect(delivery.posts.map(({ verifiedBy }) => verifiedBy.reveal())).toEqual(['old', 'new']);
  });

  it('refuses a signature over the body as JSON.stringify would write it', async () => {
    const { port, delivery } = await start();
    const escaped = aBody(aMessage('m1', '\\u00e4\\u00f6\\u00e5 \\ud83d\\ude22 https:\\/\\/'));
    const headers = { 'X-Hub-Signature-256': sign(JSON.stringify(JSON.parse(escaped))) };

    expect((await call(port, { headers, body: escaped })).status).toBe(401);
    expect((await post(port, escaped)).status).toBe(200);
    expect(delivery.bodies).toEqual([escaped]);
  });

  it('never gives an app the page of another app on the same path', async () => {
    const { port, lookup, delivery, observed } = await start();
    lookup.apps.push(anApp({ appId: '2', secrets: ['second'] }));

    expect((await post(port, BODY, 'second')).status).toBe(200);
    expect(delivery.posts).toHaveLength(0);
    expect(observed.counts).toMatchObject({ 'verified:2': 1, 'entry:unknown_page': 1 });
  });

  it('finds the page by either app where both have one secret', async () => {
    const { port, lookup, delivery } = await start();
    lookup.apps.unshift(anApp({ appId: '2' }));

    expect((await post(port, BODY)).status).toBe(200);
    expect(delivery.posts).toHaveLength(1);
  });

  it('answers 503 if nothing verifies and an app of the path has no secret loaded', async () => {
    const { port, lookup } = await start();
    lookup.apps.push(anApp({ appId: '2', secrets: [] }));

    expect((await post(port, BODY, 'unknown')).status).toBe(503);
    expect((await post(port, BODY)).status).toBe(200);
  });

  it('finds the right one of sixteen secrets for a small and for a large body', async () => {
    const { port, lookup } = await start();
    const apps = Array.from({ length: 8 }, (_, i) => anApp({ appId: String(i), secrets: [`s${i}`, `p${i}`] }));
    lookup.apps.splice(0, 1, ...apps);
    const large = aBody(aMessage('m1', 'x'.repeat(300_000)));

    for (const body of [BODY, large]) {
      for (const secret of ['p7', 's0', 'p7', 's3']) expect((await post(port, body, secret)).status).toBe(200);
      expect((await post(port, body, 'none')).status).toBe(401);
    }
  });

  it('does not try more than eight apps', async () => {
    const { port, lookup } = await start();
    lookup.apps.splice(0, 1, ...Array.from({ length: 9 }, (_, i) => anApp({ appId: String(i), secrets: [`s${i}`] })));

    expect((await post(port, BODY, 's8')).status).toBe(401);
  });
});

describe('signed POSTs that are for nobody', () => {
  it.each([
    ['not JSON', 'hello', 'not_json'],
    ['nothing', '', 'not_json'],
    ['cut off', BODY.slice(0, -1), 'not_json'],
    ['a list', '[]', 'no_object'],
    ['no object', '{"entry":[]}', 'no_object'],
    ['no entry', '{"object":"page"}', 'no_entry'],
    ['an entry that is no list', '{"object":"page","entry":{}}', 'no_entry'],
    ['instagram', '{"object":"instagram","entry":[]}', 'instagram'],
    ['another object', '{"object":"whatsapp_business_account","entry":[]}', 'other_object'],
  ])('answers 200 to %s and counts it', async (_name, body, why) => {
    const { port, delivery, observed } = await start();

    expect((await post(port, body)).status).toBe(200);
    expect(observed.counts[`ignored:${why}`]).toBe(1);
    expect(delivery.posts).toHaveLength(0);
  });

  it.each(['claim_lost', 'consent_withdrawn', 'no_backend', 'backend_not_allowed'] as const)(
    'answers 200 to a page that is dropped: %s',
    async (why) => {
      const { port, lookup, delivery, observed } = await start();
      lookup.answers.set(`${anApp().appId}/${PAGE_ID}`, { kind: 'dropped', why });

      expect((await post(port, BODY)).status).toBe(200);
      expect(observed.counts[`entry:${why}`]).toBe(1);
      expect(delivery.posts).toHaveLength(0);
    },
  );

  it.each([
    ['a bare number', '5', 'not_an_object'],
    ['no id', '{"time":1}', 'no_page_id'],
    ['an id that is a float', '{"id":1.5}', 'no_page_id'],
    ['an id of letters', '{"id":"page"}', 'no_page_id'],
    ['an empty list', `{"id":"${PAGE_ID}","time":1,"messaging":[]}`, 'empty'],
  ])('answers 200 to an entry with %s', async (_name, entry, result) => {
    const { port, observed } = await start();

    expect((await post(port, `{"object":"page","entry":[${entry}]}`)).status).toBe(200);
    expect(observed.counts[`entry:${result}`]).toBe(1);
  });
});

describe('pages that are not known, or not yet', () => {
  const unknown = aBody(aMessage('m1')).replaceAll(PAGE_ID, '999');
  const seconds = (ms: number): string => String(Math.floor(ms / 1_000));

  it.each([
    ['fresh', 89_999, 200, 'unknown_page'],
    ['stale', 90_000, 503, 'unknown_page_watch_stale'],
    ['stale for ten minutes', 600_000, 503, 'unknown_page_watch_stale'],
    ['stale for longer', 600_001, 200, 'unknown_page_watch_lost'],
  ])('answers an unknown page while the watch is %s', async (_name, ageMs, status, result) => {
    const { port, lookup, observed } = await start({ clock: new FakeClock(1_763_856_000_123) });
    lookup.ageMs = ageMs;

    expect((await post(port, unknown)).status).toBe(status);
    expect(observed.counts[`entry:${result}`]).toBe(1);
  });

  it.each(['claim_undecided', 'backend_unresolved'] as const)('answers 503 while %s, but not past the give-up bound', async (why) => {
    const clock = new FakeClock(NOW);
    const { port, lookup, observed } = await start({ clock });
    lookup.answers.set(
      `${anApp().appId}/${PAGE_ID}`,
      why === 'claim_undecided' ? { kind: 'not_yet', why } : { kind: 'not_yet', why, absent: true },
    );
    const withTime = (time: string): string =>
      `{"object":"page","entry":[{"id":"${PAGE_ID}","time":${time},"messaging":[${aMessage('m1')}]}]}`;

    expect((await post(port, withTime(String(NOW)))).status).toBe(503);
    expect((await post(port, withTime(seconds(NOW - 1_199_000)))).status).toBe(503);
    expect((await post(port, withTime(seconds(NOW - 1_200_000)))).status).toBe(200);
    expect((await post(port, withTime(String(NOW - 1_200_000)))).status).toBe(200);
    expect(observed.counts).toMatchObject({ [`entry:${why}`]: 2, 'entry:dropped': 2 });
  });

  it('counts the bound from the first arrival if the entry has no time', async () => {
    const clock = new FakeClock(NOW);
    const { port, lookup } = await start({ clock });
    lookup.answers.set(`${anApp().appId}/${PAGE_ID}`, { kind: 'not_yet', why: 'claim_undecided' });
    const body = `{"object":"page","entry":[{"id":"${PAGE_ID}","messaging":[${aMessage('m1')}]}]}`;

    expect((await post(port, body)).status).toBe(503);
    await clock.advance(1_199_000);
    expect((await post(port, body)).status).toBe(503);
    await clock.advance(1_000);
    expect((await post(port, body)).status).toBe(200);
  });

  it('delivers the known pages of a POST although Meta has to come again for another one', async () => {
    const { port, lookup, delivery } = await start({ clock: new FakeClock(NOW) });
    lookup.answers.set(`${anApp().appId}/7`, { kind: 'not_yet', why: 'claim_undecided' });
    const body = `{"object":"page","entry":[{"id":"7","time":${NOW},"messaging":[1]},{"id":"${PAGE_ID}","time":${NOW},"messaging":[${aMessage('m1')}]}]}`;

    expect((await post(port, body)).status).toBe(503);
    expect(delivery.bodies).toHaveLength(1);
  });

  it('delivers the known ones among unknown pages', async () => {
    const { port, delivery, observed } = await start();
    const entry = (id: string): string => `{"id":"${id}","time":1,"messaging":[${aMessage(`m${id}`, 'x', '1', id)}]}`;

    expect((await post(port, `{"object":"page","entry":[${entry('1')},${entry(PAGE_ID)},${entry('2')}]}`)).status).toBe(200);
    expect(delivery.bodies).toEqual([`{"object":"page","entry":[${entry(PAGE_ID)}]}`]);
    expect(observed.counts).toMatchObject({ 'entry:unknown_page': 2, 'entry:routed': 1 });
  });
});

describe('what the bots decide', () => {
  it.each([
    ['done', 200],
    ['unavailable', 503],
  ] as const)('answers %s', async (verdict, status) => {
    const { port, delivery, observed } = await start();
    delivery.verdict = verdict;

    expect((await post(port, BODY)).status).toBe(status);
    expect(observed.counts[`answered:${status}`]).toBe(1);
  });

  it('answers 503 and lives on when the page index throws', async () => {
    const { port, lookup, server } = await start();
    lookup.route = () => {
      throw new Error('a bug');
    };

    expect((await post(port, BODY)).status).toBe(503);
    expect(server.inFlight).toBe(0);
  });

  it('answers 503 over the in-flight limit, and serves again when there is room', async () => {
    const { port, delivery, server, observed } = await start({ limits: { maxInFlight: 2 } });
    let release = (): void => undefined;
    delivery.hold = new Promise((resolve) => (release = resolve));
    const held = [post(port, BODY), post(port, BODY)];
    await eventually(() => server.inFlight === 2);

    expect((await post(port, BODY)).status).toBe(503);
    release();
    expect((await Promise.all(held)).map(({ status }) => status)).toEqual([200, 200]);
    expect((await post(port, BODY)).status).toBe(200);
    expect(observed.counts['refused:over_in_flight']).toBe(1);
  });

  it('lets bodies that are still arriving, strangers’ for all it knows, take no place of a verified POST', async () => {
    const { port, server } = await start({ limits: { maxInFlight: 2 } });
    const head = `POST ${PATH} HTTP/1.1\r\nHost: a\r\nX-Hub-Signature-256: ${sign('')}\r\nContent-Length: 100\r\n\r\n`;
    const strangers = Array.from({ length: 20 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
    for (const stranger of strangers) stranger.write(head);
    await eventually(() => server.inFlight === 20);

    expect((await post(port, BODY)).status).toBe(200);
    for (const stranger of strangers) stranger.destroy();
    await eventually(() => server.inFlight === 0);
  });

  it('holds the limit where more bodies end at once than there are places', async () => {
    const { port, delivery, server } = await start({ limits: { maxInFlight: 2 } });
    let release = (): void => undefined;
    delivery.hold = new Promise((resolve) => (release = resolve));
    const head = `POST ${PATH} HTTP/1.1\r\nHost: a\r\nX-Hub-Signature-256: ${sign(BODY)}\r\nContent-Length: ${Buffer.byteLength(BODY)}\r\n\r\n`;
    const answers: string[] = [];
    const senders = Array.from({ length: 5 }, () =>
      connect(port, '127.0.0.1').on('data', (chunk) => answers.push(chunk.toString().slice(9, 12))),
    );
    for (const sender of senders) sender.write(head);
    await eventually(() => server.inFlight === 5);
    for (const sender of senders) sender.write(BODY);
    await eventually(() => answers.length === 3);
    release();
    await eventually(() => answers.length === 5);

    expect(answers).toEqual(['503', '503', '503', '200', '200']);
    expect(delivery.posts).toHaveLength(2);
    for (const sender of senders) sender.destroy();
  });
});
