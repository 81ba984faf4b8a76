import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startReceiver, type Receiver } from './receiver.js';
import { APP, APP_TOKEN, errorOf, simClient, type SimClient } from './sim-client.js';

let client: SimClient;
let receiver: Receiver;
const EDGE = `/v25.0/${APP}/subscriptions`;

beforeEach(async () => {
  client = await simClient();
  receiver = await startReceiver();
});

afterEach(async () => {
  await client.sim.stop();
  await receiver.close();
});

const subscribe = (change: Record<string, string> = {}) =>
  client.post(EDGE, {
    ...{ access_token: APP_TOKEN, object: 'page', callback_url: receiver.url, verify_token: 'v &"ü', fields: 'messages,feed' },
    ...change,
  });

describe('/{app-id}/subscriptions of the simulator', () => {
  it('verifies the callback before it answers, and shows fields with a version', async () => {
    expect((await subscribe()).json).toEqual({ success: true });

    const [get] = receiver.received;
    const query = new URL(get?.url ?? '', 'http://localhost').searchParams;
    expect(query.get('hub.mode')).toBe('subscribe');
    expect(query.get('hub.challenge')).toMatch(/^\d+$/);
    expect(query.get('hub.verify_token')).toBe('v &"ü');
    expect((await client.get(EDGE, { access_token: APP_TOKEN })).json).toEqual({
      data: [
        {
          object: 'page',
          callback_url: receiver.url,
          active: true,
          fields: [
            { name: 'messages', version: 'v25.0' },
            { name: 'feed', version: 'v25.0' },
          ],
        },
      ],
    });
  });

  it.each([
    ['a 404', { status: 404, body: '' }, 'HTTP Status Code = 404; HTTP Message = Not Found'],
    ['a wrong challenge', { status: 200, body: 'hello' }, 'Response does not match challenge'],
    ['a challenge in quotes', 'quoted', 'Response does not match challenge'],
    ['silence', 'hang', 'curl_errno = 28'],
  ] as const)('refuses a callback that answers with %s', async (_name, answer, text) => {
    client.sim.control.config({ verifyTimeoutMs: 100 });
    receiver.challenge = (query) => (answer === 'quoted' ? { status: 200, body: `"${query.get('hub.challenge')}"` } : answer);
    const refused = await subscribe();
    expect(refused.status).toBe(400);
    expect(errorOf(refused)).toMatchObject({ code: 2200, type: 'OAuthException' });
    expect(errorOf(refused)['message']).toContain(text);
    expect((await client.get(EDGE, { access_token: APP_TOKEN })).json).toEqual({ data: [] });
  });

  it('refuses a callback where nobody listens', async () => {
    expect(errorOf(await subscribe({ callback_url: 'http://127.0.0.1:9/' }))['message']).toContain('HTTP Status Code = 0');
  });

  it.each([
    ['an object that is none', { object: 'pages' }, '(#100) Invalid parameter'],
    ['a callback that is no URL', { callback_url: 'nowhere' }, '(#100) callback_url URL is not properly formatted'],
    ['an unknown field', { fields: 'messages,messaging_seen' }, '(#100) Param fields[1] must be one of'],
  ])('refuses %s', async (_name, change, text) => {
    expect(errorOf(await subscribe(change))['message']).toContain(text);
    expect(receiver.received).toHaveLength(0);
  });

  it('refuses a field that it was told to refuse', async () => {
    client.sim.control.config({ refusedAppFields: ['feed'] });
    expect(errorOf(await subscribe())).toMatchObject({ code: 100 });
  });

  it('is for the app token only', async () => {
    expect(errorOf(await subscribe({ access_token: client.pageToken }))).toMatchObject({ code: 15 });
    expect(errorOf(await client.get(EDGE, { access_token: client.pageToken }))).toMatchObject({ code: 15 });
  });

  it('deletes fields, an object, or everything', async () => {
    await subscribe();
    await subscribe({ object: 'user', fields: 'name' });
    const objects = async () =>
      (await client.get(EDGE, { access_token: APP_TOKEN })).json as { data: { object: string; fields: unknown[] }[] };
    await client.del(EDGE, { access_token: APP_TOKEN, object: 'page', fields: 'feed' });
    expect((await objects()).data.map(({ object, fields }) => [object, fields.length])).toEqual([
      ['page', 1],
      ['user', 1],
    ]);
    await client.del(EDGE, { access_token: APP_TOKEN, object: 'page' });
    expect((await objects()).data.map(({ object }) => object)).toEqual(['user']);
    await client.del(EDGE, { access_token: APP_TOKEN });
    expect((await objects()).data).toEqual([]);
  });
});
