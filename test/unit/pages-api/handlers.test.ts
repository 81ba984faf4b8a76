import { afterEach, describe, expect, it } from '@jest/globals';
import { anEntry } from './fakes.js';
import { CANARY, closeServers, refusal, setUp } from './set-up.js';

afterEach(closeServers);

describe('GET /v1/pages/{pageId}', () => {
  it('answers with the page and an ETag, and 304 while nothing changed', async () => {
    const { get, grant, directory } = await setUp();
    grant('get messengerpages bots/clinic-a');

    const first = await get('/v1/pages/1001');
    expect(first.status).toBe(200);
    expect(await first.json()).toEqual({
      id: '1001',
      name: 'Clinic A',
      namespace: 'bots',
      resourceName: 'clinic-a',
      app: { id: '77' },
      botConfig: { clinic: 'A' },
      fields: ['messages'],
      ready: true,
    });
    const etag = first.headers.get('etag') ?? '';
    expect((await get('/v1/pages/1001', { 'if-none-match': `"other", W/${etag}` })).status).toBe(304);

    directory.entries = [anEntry({ botConfig: { clinic: 'B' } })];
    const changed = await get('/v1/pages/1001', { 'if-none-match': etag });
    expect(changed.status).toBe(200);
    expect(changed.headers.get('etag')).not.toBe(etag);
  });

  it('gives one and the same answer for a page that is not there and one that is not for the caller', async () => {
    const { get, directory } = await setUp();
    directory.entries = [anEntry({ owner: { namespace: 'others', name: 'theirs' }, pageId: '2002' })];

    const answers = await Promise.all(
      [
        '/v1/pages/2002',
        '/v1/pages/9999',
        '/v1/pages/2002/token',
        '/v1/pages/9999/token',
        '/v1/pages/me',
        '/v1/other',
        '/v1/pages?namespace=others',
      ].map(async (path) => {
        const response = await get(path);
        return JSON.stringify([response.status, [...response.headers].filter(([name]) => name !== 'date'), await response.text()]);
      }),
    );

    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toContain('\\"error_subcode\\":33');
    expect(answers[0]).toMatch(/^\[404,/);
  });

  it.each(['', '/token'])('asks as much about a page that is not there as about one of others: GET …%s', async (suffix) => {
    const asked = async (pageId: string): Promise<readonly unknown[]> => {
      const { get, directory, reviews } = await setUp();
      directory.entries = [anEntry({ owner: { namespace: 'others', name: 'theirs' }, pageId: '2002' })];
      const statuses = [(await get(`/v1/pages/${pageId}${suffix}`)).status, (await get(`/v1/pages/${pageId}${suffix}`)).status];
      const whileUp = reviews.accessReviews;
      reviews.down = true;
      const unasked = pageId.replace(/.$/, '3');
      directory.entries.push(anEntry({ owner: { namespace: 'others', name: 'more' }, pageId: '2003' }));
      return [...statuses, whileUp, (await get(`/v1/pages/${unasked}${suffix}`)).status];
    };

    const ofOthers = await asked('2002');
    expect(await asked('9999')).toEqual(ofOthers);
    expect(ofOthers).toEqual([404, 404, suffix === '' ? 1 : 2, 503]);
  });

  it('asks which app is meant, naming only apps that the caller may see', async () => {
    const { get, grant, directory } = await setUp();
    directory.entries = ['77', '88', '99'].map((appId) => anEntry({ appId, owner: { namespace: 'bots', name: `in-${appId}` } }));
    grant('get messengerpages bots/in-77');
    expect((await get('/v1/pages/1001')).status).toBe(200);

    grant('get messengerpages bots/in-88');
    const fresh = await setUp();
    fresh.directory.entries = directory.entries;
    fresh.grant('get messengerpages bots/in-77');
    fresh.grant('get messengerpages bots/in-88');
    const response = await fresh.get('/v1/pages/1001');
    expect(response.status).toBe(409);
    expect((await refusal(response)).message).toContain('77, 88');
    expect(await (await fresh.get('/v1/pages/1001?appId=88')).json()).toMatchObject({ app: { id: '88' } });
    expect((await fresh.get('/v1/pages/1001?appId=99')).status).toBe(404);
    expect((await fresh.get('/v1/pages/1001?appId=x')).status).toBe(400);
    expect((await fresh.get('/v1/pages/1001?appId=77&appId=88')).status).toBe(400);
  });
});

describe('GET /v1/pages/{pageId}/token', () => {
  it('answers with the proven token, never to be stored', async () => {
    const { get, grant } = await setUp();
    grant('get messengerpages/token bots/clinic-a');

    const response = await get('/v1/pages/1001/token');

    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('etag')).toBeNull();
    expect(await response.json()).toEqual({ id: '1001', app: { id: '77' }, access_token: CANARY });
  });

  it('is 403 for who may get the page but not the token', async () => {
    const { get, grant } = await setUp();
    grant('get messengerpages bots/clinic-a');

    const response = await get('/v1/pages/1001/token');

    expect(response.status).toBe(403);
    expect(await response.text()).not.toContain(CANARY);
  });

  it('is 503 while no value is proven', async () => {
    const { get, grant, directory } = await setUp();
    grant('get messengerpages/token bots/clinic-a');
    directory.tokens.clear();

    const response = await get('/v1/pages/1001/token');

    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('2');
  });

  it('serves the one token that the caller may read of a page in two apps', async () => {
    const { get, grant, directory } = await setUp();
    directory.entries = [anEntry(), anEntry({ appId: '88', owner: { namespace: 'others', name: 'x' } })];
    grant('get messengerpages/token bots/clinic-a');

    expect(await (await get('/v1/pages/1001/token')).json()).toMatchObject({ app: { id: '77' } });
  });
});

describe('GET /v1/pages', () => {
  it('lists in parts, in order, filtered by label, without tokens', async () => {
    const { get, grant, directory } = await setUp();
    directory.entries = Array.from({ length: 5 }, (_, i) =>
      anEntry({ pageId: String(i), owner: { namespace: 'bots', name: `p${i}` }, labels: { even: String(i % 2 === 0) } }),
    );
    grant('list messengerpages bots/*');

    const ids: string[] = [];
    let more: string | undefined = '';
    for (let parts = 0; more !== undefined && parts < 10; parts++) {
      const response: Response = await get(`/v1/pages?namespace=bots&labelSelector=even%3Dtrue&limit=2&continue=${more}`);
      expect(response.status).toBe(200);
      const body = (await response.json()) as { items: { id: string }[]; continue?: string };
      expect(body.items.length).toBeLessThanOrEqual(2);
      ids.push(...body.items.map((item) => item.id));
      more = body.continue;
    }

    expect(ids).toEqual(['0', '2', '4']);
  });

  it('without a namespace is everything for who may list everywhere, else the own namespace', async () => {
    const { get, grant, directory } = await setUp();
    directory.entries = [anEntry(), anEntry({ pageId: '2', owner: { namespace: 'others', name: 'x' } })];
    grant('list messengerpages bots/*');
    const own = (await (await get('/v1/pages')).json()) as { items: unknown[] };
    expect(own.items).toHaveLength(1);

    const admin = await setUp();
    admin.directory.entries = directory.entries;
    admin.grant('list messengerpages */*');
    const all = (await (await admin.get('/v1/pages')).json()) as { items: unknown[] };
    expect(all.items).toHaveLength(2);
  });

  it.each(['labelSelector=a%20b', 'limit=0', 'limit=x', 'namespace=No', 'continue=%00', 'limit=1&limit=2', 'continue=YQ'])(
    'refuses %s',
    async (query) => {
      const { get } = await setUp();
      expect((await get(`/v1/pages?${query}`)).status).toBe(400);
    },
  );

  it('bounds an answer in bytes', async () => {
    const { get, grant, directory } = await setUp();
    const large = { text: 'x'.repeat(60_000) };
    directory.entries = Array.from({ length: 300 }, (_, i) =>
      anEntry({ botConfig: large, owner: { namespace: 'bots', name: `p${String(i).padStart(3, '0')}` } }),
    );
    grant('list messengerpages */*');

    const text = await (await get('/v1/pages?limit=500')).text();

    expect(text.length).toBeLessThan(5_000_000);
    expect((JSON.parse(text) as { continue?: string }).continue).toBeDefined();
  });
});
