import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FakeClock } from '../../support/fake-clock.js';
import { APP, APP_TOKEN, errorOf, PAGE, SECRET, simClient, type SimClient } from './sim-client.js';

let client: SimClient;
let clock: FakeClock;

beforeEach(async () => {
  clock = new FakeClock();
  client = await simClient({ clock });
});

afterEach(() => client.sim.stop());

const inspect = async (token: string, access_token = APP_TOKEN) => client.get('/debug_token', { input_token: token, access_token });

describe('debug_token of the simulator', () => {
  it('describes a good page token', async () => {
    expect((await inspect(client.pageToken)).json).toEqual({
      data: expect.objectContaining({
        app_id: APP,
        type: 'PAGE',
        is_valid: true,
        profile_id: PAGE,
        expires_at: 0,
        granular_scopes: expect.arrayContaining([{ scope: 'pages_messaging', target_ids: [PAGE] }]),
      }) as unknown,
    });
  });

  it('leaves target_ids out where it is told to', async () => {
    const token = client.sim.control.makeToken({
      appId: APP,
      pageId: PAGE,
      scopes: ['a', 'b'],
      granularTargets: { a: null, b: ['1', '2'] },
    });
    expect((await inspect(token)).json).toMatchObject({
      data: { granular_scopes: [{ scope: 'a' }, { scope: 'b', target_ids: ['1', '2'] }] },
    });
  });

  it.each([
    ['expired', 463],
    ['password_changed', 460],
    ['uninstalled', 458],
    ['checkpoint', 459],
    ['invalidated', 467],
    ['role_lost', 492],
  ] as const)('answers 200 with the error inside for a dead token: %s', async (state, subcode) => {
    client.sim.control.setTokenState('clinic-a', state);
    const answer = await inspect(client.pageToken);
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({ data: { is_valid: false, app_id: APP, error: { code: 190, subcode } } });
    const call = await client.get(`/${PAGE}`, { access_token: client.pageToken });
    expect(errorOf(call)).toMatchObject({ code: 190, error_subcode: subcode, type: 'OAuthException' });
    expect(call.headers.get('www-authenticate')).toContain('"invalid_token"');
  });

  it('lets a token expire by the clock', async () => {
    client.sim.control.changeToken('clinic-a', { expiresAt: clock.nowMs() / 1_000 + 60 });
    expect((await inspect(client.pageToken)).json).toMatchObject({ data: { is_valid: true } });
    await clock.advance(60_000);
    expect((await inspect(client.pageToken)).json).toMatchObject({ data: { is_valid: false, error: { subcode: 463 } } });
  });

  it('makes nothing of garbage', async () => {
    expect((await inspect('EAAnonsense')).json).toEqual({
      data: { error: { code: 190, message: 'Invalid OAuth access token - Cannot parse access token' }, is_valid: false, scopes: [] },
    });
  });

  it("refuses another app's token and a page token as the caller", async () => {
    client.sim.control.makeApp({ id: '999', secret: 'x' });
    expect(errorOf(await inspect(client.pageToken, '999|x'))['message']).toContain('did not match the Viewing App');
    expect(errorOf(await inspect(client.pageToken, client.pageToken))['message']).toContain('You must provide an app access token');
  });

  it('knows an app token, and a wrong secret and a wrong app', async () => {
    expect((await inspect(APP_TOKEN)).json).toMatchObject({ data: { type: 'APP', is_valid: true } });
    expect(errorOf(await inspect(client.pageToken, `${APP}|wrong`))).toMatchObject({ code: 190 });
    expect(errorOf(await inspect(client.pageToken, `404|${SECRET}`))).toMatchObject({ code: 101 });
  });
});

describe('appsecret_proof in the simulator', () => {
  const proofOf = (token: string) => createHmac('sha256', SECRET).update(token).digest('hex');
  const read = (proof?: string) =>
    client.get(`/${PAGE}`, { access_token: client.pageToken, ...(proof === undefined ? {} : { appsecret_proof: proof }) });

  it('is compulsory only where the app says so', async () => {
    expect((await read()).status).toBe(200);
    client.sim.control.makeApp({ id: APP, secret: SECRET, requireProof: true });
    expect(errorOf(await read())).toMatchObject({
      type: 'GraphMethodException',
      code: 100,
      message: 'API calls from the server require an appsecret_proof argument',
    });
    expect((await read(proofOf(client.pageToken))).status).toBe(200);
  });

  it('is refused when wrong, unless switched off or lax', async () => {
    const other = client.sim.control.makeToken({ appId: APP, pageId: PAGE });
    expect(errorOf(await read(proofOf(other)))['message']).toBe('Invalid appsecret_proof provided in the API argument');
    client.sim.control.config({ proof: 'lax' });
    expect((await read(proofOf(other))).status).toBe(200);
    expect((await read('0'.repeat(64))).status).toBe(400);
    client.sim.control.config({ proof: 'off' });
    expect((await read('0'.repeat(64))).status).toBe(200);
  });
});

describe('getting tokens from the simulator', () => {
  it('gives an app token for id and secret', async () => {
    const query = { grant_type: 'client_credentials', client_id: APP, client_secret: SECRET };
    expect((await client.get('/oauth/access_token', query)).json).toEqual({ access_token: APP_TOKEN, token_type: 'bearer' });
    expect(errorOf(await client.get('/oauth/access_token', { ...query, client_secret: 'x' }))).toMatchObject({ code: 1 });
  });

  it('exchanges a short-lived user token, whose page tokens then never expire', async () => {
    const expiresAt = clock.nowMs() / 1_000 + 3_600;
    const short = client.sim.control.makeToken({ appId: APP, type: 'USER', expiresAt });
    const query = { grant_type: 'fb_exchange_token', client_id: APP, client_secret: SECRET, fb_exchange_token: short };
    const { access_token: long } = (await client.get('/oauth/access_token', query)).json as { access_token: string };

    const expiry = async (user: string) => {
      const accounts = (await client.get('/me/accounts', { access_token: user })).json as { data: { access_token: string }[] };
      const info = (await inspect(accounts.data[0]?.access_token ?? '')).json as { data: { expires_at: number } };
      return info.data.expires_at;
    };
    expect(await expiry(short)).toBe(expiresAt);
    expect(await expiry(long)).toBe(0);
  });

  it('pages through /me/accounts, 25 at a time, with the token in the link', async () => {
    for (let id = 1000; id < 1059; id++) client.sim.control.makePage({ id: String(id) });
    const user = client.sim.control.makeToken({ appId: APP, type: 'SYSTEM_USER' });
    const ids: string[] = [];
    let next: string | undefined = `/me/accounts?access_token=${user}`;
    const sizes: number[] = [];
    while (next !== undefined) {
      const body = (await client.get(next)).json as { data: { id: string }[]; paging?: { next?: string } };
      sizes.push(body.data.length);
      ids.push(...body.data.map(({ id }) => id));
      expect(body.paging?.next ?? `access_token=${user}`).toContain(`access_token=${user}`);
      next = body.paging?.next?.replace(client.sim.url, '');
    }
    expect(sizes).toEqual([25, 25, 10]);
    expect(new Set(ids).size).toBe(60);
  });

  it('gives /me/accounts only to users, and the same page token each time', async () => {
    expect(errorOf(await client.get('/me/accounts', { access_token: client.pageToken }))['message']).toBe(
      '(#100) Tried accessing nonexisting field (accounts) on node type (Page)',
    );
    const user = client.sim.control.makeToken({ appId: APP, type: 'USER' });
    const one = await client.get(`/${PAGE}`, { access_token: user, fields: 'access_token' });
    expect((await client.get(`/${PAGE}`, { access_token: user, fields: 'access_token' })).text).toBe(one.text);
  });
});
