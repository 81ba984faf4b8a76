import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { APP, APP_TOKEN, errorOf, PAGE, simClient, type SimClient } from './sim-client.js';

let client: SimClient;

beforeEach(async () => {
  client = await simClient();
});

afterEach(() => client.sim.stop());

const token = (): { access_token: string } => ({ access_token: client.pageToken });

describe('Graph in the simulator', () => {
  it("writes errors in Graph's shape, with a trace id and a challenge header", async () => {
    const answer = await client.get('/v25.0/404404', token());
    expect(answer.status).toBe(400);
    expect(errorOf(answer)).toMatchObject({
      type: 'GraphMethodException',
      code: 100,
      error_subcode: 33,
      fbtrace_id: expect.stringMatching(/^A/) as unknown,
    });
    expect(answer.headers.get('www-authenticate')).toMatch(/^OAuth "Facebook Platform" "invalid_request" "Unsupported get request/);
    expect(answer.headers.get('facebook-api-version')).toBe('v25.0');
    expect(answer.text).toContain('https:\\/\\/developers.facebook.com');
  });

  it('answers nodes with name and id, or the wanted fields', async () => {
    expect((await client.get(`/${PAGE}`, token())).json).toEqual({ name: 'Clinic A', id: PAGE });
    expect((await client.get('/me', { ...token(), fields: 'category' })).json).toEqual({ id: PAGE, category: 'Business' });
    expect((await client.get('/me', { access_token: APP_TOKEN })).json).toEqual({ name: 'Main', id: APP });
    expect(errorOf(await client.get('/me', { ...token(), fields: 'id,nope' }))['message']).toBe(
      '(#100) Tried accessing nonexisting field (nope) on node type (Page)',
    );
    expect(errorOf(await client.get('/me'))).toMatchObject({ code: 2500 });
    expect(errorOf(await client.get('/no/such/path', token()))).toMatchObject({
      code: 2500,
      message: 'Unknown path components: /no/such/path',
    });
  });

  it('escapes what is not ASCII', async () => {
    client.sim.control.makePage({ id: PAGE, name: 'Zoë 😢' });
    expect((await client.get(`/${PAGE}`, token())).text).toContain('"Zo\\u00eb \\ud83d\\ude22"');
  });

  it('serves an expired version as the next one, and not one that never was', async () => {
    expect((await client.get(`/v18.0/${PAGE}`, token())).headers.get('facebook-api-version')).toMatch(/^v2\d\.0$/);
    expect((await client.get(`/v26.0/${PAGE}`, token())).headers.get('facebook-api-version')).toBe('v26.0');
    expect(errorOf(await client.get(`/v99.0/${PAGE}`, token()))).toMatchObject({ code: 2635 });
  });

  it('counts usage, and throttles at the limit', async () => {
    client.sim.control.config({ appCallsPerHour: 4 });
    const percents: unknown[] = [];
    for (let i = 0; i < 3; i++) {
      const answer = await client.get(`/${PAGE}`, token());
      percents.push((JSON.parse(answer.headers.get('x-app-usage') ?? '{}') as { call_count: number }).call_count);
      expect(JSON.parse(answer.headers.get('x-business-use-case-usage') ?? '{}')).toMatchObject({ [PAGE]: [{ type: 'pages' }] });
    }
    expect(percents).toEqual([25, 50, 75]);
    expect(errorOf(await client.get(`/${PAGE}`, token()))).toMatchObject({ code: 4, message: '(#4) Application request limit reached' });
  });

  it('records calls by the names of tokens, without any value', async () => {
    await client.post(`/${PAGE}/subscribed_apps`, { ...token(), subscribed_fields: 'messages' });
    await client.get('/debug_token', { input_token: client.pageToken, access_token: APP_TOKEN });
    await client.get('/me', { access_token: 'EAAstranger' });
    const calls = client.sim.control.calls();
    expect(calls).toMatchObject([
      {
        method: 'POST',
        shape: '/{page-id}/subscribed_apps',
        appId: APP,
        pageId: PAGE,
        token: 'clinic-a',
        params: { subscribed_fields: 'messages' },
        status: 200,
      },
      { shape: '/debug_token', token: `app:${APP}`, params: { input_token: 'clinic-a' } },
      { shape: '/me', token: 'unknown', status: 400, code: 190 },
    ]);
    expect(client.sim.control.calls(calls[1]?.seq)).toHaveLength(1);
    expect(JSON.stringify(calls)).not.toContain(client.pageToken);
  });
});

describe('messages in the simulator', () => {
  const say = (path: string, access_token: string) =>
    client.post(path, JSON.stringify({ access_token, recipient: { id: '987' }, message: { text: 'hello' } }), 'application/json');

  it('records who really spoke', async () => {
    client.sim.control.makePage({ id: '333' });
    const other = client.sim.control.makeToken({ appId: APP, pageId: '333', alias: 'other' });

    expect((await say(`/${PAGE}/messages`, client.pageToken)).json).toEqual({
      recipient_id: '987',
      message_id: expect.stringMatching(/^m_/) as unknown,
    });
    // With another page's token `me` succeeds as the wrong page, an explicit id does not.
    expect((await say('/me/messages', other)).status).toBe(200);
    expect((await say(`/${PAGE}/messages`, other)).status).toBe(400);

    expect(client.sim.control.messages()).toMatchObject([
      { pageId: PAGE, path: PAGE, token: 'clinic-a', recipient: { id: '987' }, text: 'hello' },
      { pageId: '333', path: 'me', token: 'other' },
    ]);
  });

  it('answers a sender action with the recipient only, and wants a recipient', async () => {
    const body = { access_token: client.pageToken, recipient: JSON.stringify({ id: '987' }), sender_action: 'typing_on' };
    expect((await client.post('/me/messages', body)).json).toEqual({ recipient_id: '987' });
    expect(errorOf(await client.post('/me/messages', { access_token: client.pageToken, message: '{}' }))).toMatchObject({ code: 100 });
  });
});

describe('messenger_profile and personas in the simulator', () => {
  const profile = (body: Record<string, unknown>) =>
    client.post('/me/messenger_profile', JSON.stringify({ ...token(), ...body }), 'application/json');
  const read = async (fields: string) => (await client.get('/me/messenger_profile', { ...token(), fields })).json;

  it('overwrites what is sent and removes what is named', async () => {
    expect(await read('get_started')).toEqual({ data: [] });
    expect((await profile({ get_started: { payload: 'GO' } })).json).toEqual({ result: 'success' });
    await profile({ greeting: [{ locale: 'default', text: 'Hi' }] });
    expect(await read('get_started,greeting')).toEqual({
      data: [{ get_started: { payload: 'GO' }, greeting: [{ locale: 'default', text: 'Hi' }] }],
    });
    await client.del('/me/messenger_profile', { ...token(), fields: '["greeting"]' });
    expect(await read('get_started,greeting')).toEqual({ data: [{ get_started: { payload: 'GO' } }] });
  });

  it('wants Get Started with a menu', async () => {
    expect(errorOf(await profile({ persistent_menu: [] }))).toMatchObject({ code: 100, error_subcode: 2018145 });
    await profile({ get_started: { payload: 'GO' }, persistent_menu: [] });
    expect(errorOf(await client.del('/me/messenger_profile', { ...token(), fields: 'get_started' }))).toMatchObject({
      error_subcode: 2018145,
    });
  });

  it('takes ten calls in ten minutes from a page, as Meta does, and none if the limit is off', async () => {
    for (let i = 0; i < 10; i++) await read('greeting');
    expect(errorOf(await client.get('/me/messenger_profile', { ...token(), fields: 'greeting' }))).toMatchObject({ code: 613 });
    client.sim.control.config({ profileCallsPer10Min: 0 });
    expect(await read('greeting')).toEqual({ data: [] });
  });

  it('has neither ETags nor ids= any more, as Graph since 27 Oct 2026', async () => {
    const answer = await client.get('/v25.0/me', token());
    expect(answer.headers.get('etag')).toBeNull();
    expect((await client.get('/v25.0/', { ...token(), ids: PAGE })).status).toBe(400);
  });

  it('makes, lists, reads and deletes personas', async () => {
    const made = (await client.post('/me/personas', { ...token(), name: 'Ann', profile_picture_url: 'https://p.example/a.png' })).json as {
      id: string;
    };
    expect((await client.get('/me/personas', token())).json).toMatchObject({ data: [{ id: made.id, name: 'Ann' }] });
    expect((await client.get(`/${made.id}`, token())).json).toEqual({
      id: made.id,
      name: 'Ann',
      profile_picture_url: 'https://p.example/a.png',
    });
    expect((await client.del(`/${made.id}`, token())).json).toEqual({ success: true });
    expect((await client.get('/me/personas', token())).json).toEqual({ data: [] });
  });
});

describe('batches in the simulator', () => {
  const batch = (items: readonly unknown[], extra: Record<string, string> = {}) =>
    client.post('/v25.0/', { access_token: APP_TOKEN, batch: JSON.stringify(items), ...extra });

  it('answers in order, each with its own token and its body as text', async () => {
    const answer = await batch([
      { method: 'GET', relative_url: `${PAGE}?access_token=${client.pageToken}` },
      { method: 'POST', relative_url: `${PAGE}/subscribed_apps`, body: `access_token=${client.pageToken}&subscribed_fields=nope` },
      { method: 'GET', relative_url: 'me' },
    ]);
    expect(answer.status).toBe(200);
    const items = answer.json as { code: number; headers: { name: string }[]; body: string }[];
    expect(items.map(({ code }) => code)).toEqual([200, 400, 200]);
    expect(JSON.parse(items[0]?.body ?? '')).toEqual({ name: 'Clinic A', id: PAGE });
    expect(JSON.parse(items[1]?.body ?? '')).toMatchObject({ error: { code: 100 } });
    expect(JSON.parse(items[2]?.body ?? '')).toMatchObject({ id: APP });
    expect(items[0]?.headers.map(({ name }) => name)).toContain('x-app-usage');
    expect(client.sim.control.calls().map(({ shape, batch: of }) => [shape, of !== undefined])).toEqual([
      ['/ (batch)', false],
      ['/{page-id}', true],
      ['/{page-id}/subscribed_apps', true],
      ['/me', true],
    ]);
  });

  it('leaves headers away, answers null for a fault, after a failure, and where it is told to omit', async () => {
    client.sim.control.addFault({ operation: 'subscribed_apps', effect: { kind: 'null' } });
    const answer = await batch(
      [
        { method: 'GET', relative_url: 'me', name: 'first', omit_response_on_success: true },
        { method: 'GET', relative_url: `${PAGE}/subscribed_apps`, name: 'second' },
        { method: 'GET', relative_url: 'me', depends_on: 'second' },
        { method: 'GET', relative_url: 'me', depends_on: 'first' },
      ],
      { include_headers: 'false' },
    );
    expect(answer.json).toEqual([null, null, null, { code: 200, body: expect.any(String) as unknown }]);
  });

  it('refuses more than 50 and a batch without a token', async () => {
    const many = Array.from({ length: 51 }, () => ({ method: 'GET', relative_url: 'me' }));
    expect((await batch(many)).json).toMatchObject({
      error: { type: 'GraphBatchException', message: 'Too many requests in batch message. Maximum batch size is 50' },
    });
    expect(errorOf(await client.post('/', { batch: '[]' }))).toMatchObject({ code: 2500 });
    expect((await batch(many.slice(1))).json).toHaveLength(50);
  });
});
