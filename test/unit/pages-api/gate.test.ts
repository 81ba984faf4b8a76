import { afterEach, describe, expect, it } from '@jest/globals';
import { IssuerKeys, type Provenance } from '../../../src/pages-api/issuer-keys.js';
import { silentLogger } from '../../../src/kit/log.js';
import { eventually } from '../../support/eventually.js';
import { FakeClock } from '../../support/fake-clock.js';
import { aJwt } from './fakes.js';
import { closeServers, refusal, setUp } from './set-up.js';

afterEach(closeServers);

/** Judges tokens without keys. */
function withVerdict(verdict: (token: string) => Provenance): IssuerKeys {
  const keys = new IssuerKeys({ fetch: () => Promise.resolve(undefined), clock: new FakeClock(), log: silentLogger });
  keys.check = (token) => Promise.resolve(verdict(token.reveal()));
  return keys;
}

describe('who calls', () => {
  it.each<[string, string | undefined]>([
    ['no credential', undefined],
    ['another scheme', 'Basic YTpi'],
    ['no JWT', 'Bearer abc'],
    ['a JWT that is none', 'Bearer a.b.c'],
    ['an expired token', `Bearer ${aJwt('x', { exp: 1_000 })}`],
    ['a token without expiry', `Bearer ${aJwt('x', { exp: undefined })}`],
    ['a token for another audience', `Bearer ${aJwt('x', { aud: ['https://kubernetes.default.svc'] })}`],
    ['a token that is too long', `Bearer ${'a'.repeat(9_000)}`],
  ])('%s is refused without a review', async (_name, authorization) => {
    const { url, reviews } = await setUp();

    const response = await fetch(`${url}/v1/pages/1001`, { headers: authorization === undefined ? {} : { authorization } });

    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
    expect((await refusal(response)).code).toBe(190);
    expect(reviews.tokenReviews).toBe(0);
  });

  it('asks once about a token that nobody knows, then remembers for a few seconds', async () => {
    const { get, reviews, clock } = await setUp();
    reviews.callers.clear();

    expect((await get('/v1/pages/1001')).status).toBe(401);
    expect((await get('/v1/pages/1001')).status).toBe(401);
    expect(reviews.tokenReviews).toBe(1);
    await clock.advance(6_000);
    expect((await get('/v1/pages/1001')).status).toBe(401);
    expect(reviews.tokenReviews).toBe(2);
  });

  it('asks once a minute about a known caller, and once for equal questions at once', async () => {
    const { get, grant, reviews, clock } = await setUp();
    grant('get messengerpages bots/clinic-a');

    await Promise.all(Array.from({ length: 20 }, () => get('/v1/pages/1001')));
    expect([reviews.tokenReviews, reviews.accessReviews]).toEqual([1, 1]);
    await clock.advance(61_000);
    await get('/v1/pages/1001');
    expect([reviews.tokenReviews, reviews.accessReviews]).toEqual([2, 2]);
  });

  it('takes a withdrawn right into account within a minute', async () => {
    const { get, grant, reviews, clock } = await setUp();
    grant('get messengerpages/token bots/clinic-a');
    expect((await get('/v1/pages/1001/token')).status).toBe(200);

    reviews.grants.clear();
    await clock.advance(61_000);

    expect((await get('/v1/pages/1001/token')).status).toBe(404);
  });

  it('serves known callers for ten minutes while the API server is away, strangers get 503', async () => {
    const { get, grant, reviews, clock, url, lines, results } = await setUp();
    grant('get messengerpages/token bots/clinic-a');
    expect((await get('/v1/pages/1001/token')).status).toBe(200);

    reviews.down = true;
    await clock.advance(120_000);
    expect((await get('/v1/pages/1001/token')).status).toBe(200);
    expect((await get('/v1/pages/1001/token')).status).toBe(200);
    expect(results).toContain('token stale');
    expect((await fetch(`${url}/v1/pages/1001`, { headers: { authorization: `Bearer ${aJwt('stranger')}` } })).status).toBe(503);
    await clock.advance(481_000);
    expect((await get('/v1/pages/1001/token')).status).toBe(503);

    expect(lines.length).toBeGreaterThan(0);
    expect(lines.length).toBeLessThan(5);
    reviews.down = false;
    expect((await get('/v1/pages/1001/token')).status).toBe(200);
  });

  it('does not let an older answer outlive the token itself', async () => {
    const { get, grant, reviews, clock } = await setUp({ authStaleMs: 86_400_000 });
    grant('get messengerpages bots/clinic-a');
    expect((await get('/v1/pages/1001')).status).toBe(200);

    reviews.down = true;
    await clock.advance(3_700_000);

    expect((await get('/v1/pages/1001')).status).toBe(401);
  });

  it('gives up a review that hangs, and does not make the next request wait for it', async () => {
    const { get, grant, reviews, clock } = await setUp();
    grant('get messengerpages bots/clinic-a');
    await get('/v1/pages/1001');
    await clock.advance(61_000);
    reviews.hangs = true;

    const waiting = get('/v1/pages/1001');
    await eventually(() => reviews.tokenReviews === 2);
    await clock.advance(3_100);
    await eventually(() => reviews.accessReviews === 2);
    await clock.advance(3_100);
    expect((await waiting).status).toBe(200);
    expect((await get('/v1/pages/1001')).status).toBe(200);
    expect(reviews.tokenReviews).toBe(2);
  });

  it('answers 503 rather than to ask about more strangers than it may', async () => {
    const { url, reviews } = await setUp({ reviewLimits: { concurrency: 2, perSecond: 1, burst: 3, waiting: 0, timeoutMs: 1_000 } });

    const statuses = await Promise.all(
      Array.from(
        { length: 10 },
        async (_, i) => (await fetch(`${url}/v1/pages/1`, { headers: { authorization: `Bearer ${aJwt(`s${i}`)}` } })).status,
      ),
    );

    expect(reviews.tokenReviews).toBeLessThanOrEqual(3);
    expect(statuses).toContain(503);
  });

  it('refuses a token that the cluster did not sign without a review', async () => {
    const { url, reviews, results } = await setUp({ issuer: withVerdict(() => 'forged') });

    const response = await fetch(`${url}/v1/pages/1001`, { headers: { authorization: `Bearer ${aJwt('forged')}` } });

    expect(response.status).toBe(401);
    expect(reviews.tokenReviews).toBe(0);
    expect(results).toEqual(['token forged']);
  });

  it('serves known and genuine new callers while strangers whose tokens cannot be checked fill their own queue', async () => {
    const stranger = (token: string): boolean => Buffer.from(token.split('.')[1] ?? '', 'base64url').includes('"stranger');
    const { get, grant, reviews, clock, url } = await setUp({
      issuer: withVerdict((token) => (stranger(token) ? 'unchecked' : 'genuine')),
      reviewLimits: { concurrency: 2, perSecond: 10, burst: 4, waiting: 8, timeoutMs: 3_000 },
    });
    grant('get messengerpages bots/clinic-a');
    expect((await get('/v1/pages/1001')).status).toBe(200);
    await clock.advance(61_000);
    reviews.hangsFor = stranger;
    const flood = Array.from({ length: 20 }, (_, n) =>
      fetch(`${url}/v1/pages/1001`, { headers: { authorization: `Bearer ${aJwt(`stranger${n}`)}` } }),
    );
    await eventually(() => reviews.tokenReviews >= 3);

    expect((await get('/v1/pages/1001')).status).toBe(200);
    const newcomer = aJwt('newcomer');
    reviews.callers.set(newcomer, { username: 'newcomer', groups: [] });
    reviews.grants.add('newcomer get messengerpages bots/clinic-a');
    const seen = await fetch(`${url}/v1/pages/1001`, { headers: { authorization: `Bearer ${newcomer}` } });
    expect(seen.status).toBe(200);

    await clock.advance(3_001);
    const answers = await Promise.all(flood);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
  });

  it('lets a known caller wait a moment for a review that hangs, then serves the older answer while it goes on', async () => {
    const { get, grant, reviews, clock } = await setUp();
    grant('get messengerpages bots/clinic-a');
    await get('/v1/pages/1001');
    await clock.advance(61_000);
    reviews.hangs = true;

    const waiting = get('/v1/pages/1001');
    await eventually(() => reviews.tokenReviews === 2);
    await clock.advance(301);
    await eventually(() => reviews.accessReviews === 2);
    await clock.advance(301);
    expect((await waiting).status).toBe(200);
  });
});
