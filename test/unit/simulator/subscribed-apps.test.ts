import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FakeClock } from '../../support/fake-clock.js';
import { APP, APP_TOKEN, errorOf, PAGE, simClient, type SimClient } from './sim-client.js';

let client: SimClient;
let clock: FakeClock;
const EDGE = `/v25.0/${PAGE}/subscribed_apps`;

beforeEach(async () => {
  clock = new FakeClock();
  client = await simClient({ clock });
});

afterEach(() => client.sim.stop());

const subscribe = (subscribed_fields: string, access_token = client.pageToken) => client.post(EDGE, { subscribed_fields, access_token });
const fields = () => client.sim.control.fields(APP, PAGE);

describe('subscribed_apps of the simulator', () => {
  it('replaces, does not merge', async () => {
    expect((await subscribe('messages,feed')).json).toEqual({ success: true });
    await subscribe('name');
    expect(fields()).toEqual(['name']);
  });

  it.each([
    [
      'a JSON body with a list',
      (token: string) => [JSON.stringify({ access_token: token, subscribed_fields: ['messages', 'feed'] }), 'application/json'],
    ],
    [
      'a form with a list',
      (token: string) => [
        `access_token=${token}&subscribed_fields[]=messages&subscribed_fields[]=feed`,
        'application/x-www-form-urlencoded',
      ],
    ],
    [
      'a form with JSON',
      (token: string) => [`access_token=${token}&subscribed_fields=["messages","feed"]`, 'application/x-www-form-urlencoded'],
    ],
    [
      'a multipart form',
      (token: string) => [
        ['access_token', token, 'subscribed_fields', 'messages,feed']
          .map((text, i) => (i % 2 === 0 ? `--b\r\nContent-Disposition: form-data; name="${text}"\r\n\r\n` : `${text}\r\n`))
          .join('') + '--b--\r\n',
        'multipart/form-data; boundary=b',
      ],
    ],
  ] as const)('takes %s', async (_name, body) => {
    const [text = '', type = ''] = body(client.pageToken);
    expect((await client.post(EDGE, text, type)).json).toEqual({ success: true });
    expect(fields()).toEqual(['messages', 'feed']);
  });

  it('takes the token from a header and the parameters from the query', async () => {
    const response = await fetch(`${client.sim.url}/${PAGE}/subscribed_apps?subscribed_fields=messages`, {
      method: 'POST',
      headers: { authorization: `OAuth ${client.pageToken}` },
    });
    expect(response.status).toBe(200);
    expect(fields()).toEqual(['messages']);
  });

  it('changes nothing at all for one bad field, and names the first', async () => {
    await subscribe('feed');
    const answer = await subscribe('messages,mentions,messaging_seen');
    expect(answer.status).toBe(400);
    expect(errorOf(answer)).toMatchObject({ code: 100, type: 'OAuthException' });
    expect(errorOf(answer)['message']).toMatch(
      /^\(#100\) Param subscribed_fields\[1\] must be one of \{affiliation, .*videos, website\} - got "mentions"\.$/,
    );
    expect(fields()).toEqual(['feed']);
  });

  it('wants the parameter, and breaks on an empty list', async () => {
    expect(errorOf(await client.post(EDGE, { access_token: client.pageToken }))['message']).toBe(
      '(#100) The parameter subscribed_fields is required.',
    );
    const empty = await client.post(EDGE, `access_token=${client.pageToken}&subscribed_fields[]=`);
    expect(empty.status).toBe(500);
    expect(errorOf(empty)).toMatchObject({ code: 1, message: 'An unknown error has occurred.' });
    expect(empty.headers.get('www-authenticate')).toBe('OAuth "Facebook Platform" "unknown_error" "An unknown error has occurred."');
    expect(empty.headers.get('x-page-usage')).not.toBeNull();
  });

  it('names the missing permissions, a line for each field', async () => {
    const token = client.sim.control.makeToken({ appId: APP, pageId: PAGE, scopes: [] });
    const answer = await subscribe('messages,feed', token);
    expect(answer.status).toBe(403);
    expect(errorOf(answer)).toMatchObject({
      code: 200,
      message:
        '(#200) To subscribe to the messages field, one of these permissions is needed: pages_messaging\n' +
        'To subscribe to the feed field, one of these permissions is needed: pages_manage_metadata',
    });
    expect(errorOf(await client.get(EDGE, { access_token: token }))).toMatchObject({
      code: 200,
      message: '(#200) Requires pages_manage_metadata',
    });
    expect(fields()).toBeUndefined();
  });

  it('lists a row for every app and only the wanted fields of a row', async () => {
    client.sim.control.makeApp({ id: '999', secret: 'x', name: 'Other' });
    client.sim.control.setFields('999', PAGE, ['feed']);
    expect((await client.get(EDGE, { access_token: client.pageToken })).json).toMatchObject({
      data: [{ id: '999', name: 'Other', category: 'Business', subscribed_fields: ['feed'] }],
    });
    await subscribe('messages');
    const narrow = await client.get(EDGE, { access_token: client.pageToken, fields: 'subscribed_fields' });
    expect(narrow.json).toMatchObject({
      data: [
        { id: APP, subscribed_fields: ['messages'] },
        { id: '999', subscribed_fields: ['feed'] },
      ],
    });
    expect(narrow.text).not.toContain('category');
  });

  it('answers an empty edge with an empty list', async () => {
    expect((await client.get(EDGE, { access_token: client.pageToken })).json).toEqual({ data: [] });
  });

  it('shows a write only after the lag, but delivers by it at once', async () => {
    client.sim.control.config({ lagMs: 2_000 });
    await subscribe('messages');
    const read = async () => (await client.get(EDGE, { access_token: client.pageToken })).json as { data: unknown[] };
    expect((await read()).data).toHaveLength(0);
    expect(fields()).toEqual(['messages']);
    await clock.advance(2_000);
    expect((await read()).data).toHaveLength(1);
  });

  it('is deleted with either token, with strictDelete only with the app token', async () => {
    await subscribe('messages');
    expect((await client.del(EDGE, { access_token: client.pageToken })).json).toEqual({ success: true });
    expect(fields()).toBeUndefined();

    await subscribe('messages');
    client.sim.control.config({ strictDelete: true });
    const refused = await client.del(EDGE, { access_token: client.pageToken });
    expect(refused.status).toBe(400);
    expect(errorOf(refused)).toMatchObject({ code: 15, message: '(#15) This method must be called with an app access_token.' });
    expect((await client.del(EDGE, { access_token: APP_TOKEN })).json).toEqual({ success: true });
    expect(fields()).toBeUndefined();
  });

  it.each([
    ['of a user', { type: 'USER' as const }, 210],
    ['of another page', { pageId: '333' }, 100],
  ])('is not for a token %s', async (_name, spec, code) => {
    client.sim.control.makePage({ id: '333' });
    const token = client.sim.control.makeToken({ appId: APP, pageId: PAGE, ...spec });
    expect(errorOf(await subscribe('messages', token))).toMatchObject({ code });
    expect(errorOf(await client.get(EDGE, { access_token: token }))).toMatchObject({ code });
  });

  it('resolves /me by the token', async () => {
    await subscribe('messages');
    expect((await client.get('/me/subscribed_apps', { access_token: client.pageToken })).json).toMatchObject({ data: [{ id: APP }] });
  });
});
