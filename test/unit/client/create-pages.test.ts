import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createPages, PagesError, type PagesOptions } from '../../../src/client/index.js';
import { selfSigned } from '../../support/certificate.js';
import { eventually } from '../../support/eventually.js';
import { FakeApi } from './fake-api.js';

const cleanUps: (() => Promise<void>)[] = [];

afterEach(async () => {
  await Promise.all(cleanUps.splice(0).map((cleanUp) => cleanUp()));
});

async function setUp(options: Partial<PagesOptions> = {}) {
  const api = await FakeApi.start();
  cleanUps.push(() => api.stop());
  api.page('1001', 'EAATOKEN1', { clinic: 'A' });
  const credential = options.tokenFile === undefined ? { token: 'bot-credential' } : {};
  const pages = createPages({ baseUrl: `http://127.0.0.1:${api.port}`, graph: 'token', timeoutMs: 700, ...credential, ...options });
  return { api, pages };
}

async function tempFile(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'client-'));
  cleanUps.push(() => rm(folder, { recursive: true }));
  const path = join(folder, 'credential');
  await writeFile(path, text);
  return path;
}

describe('mapPageToAccessToken', () => {
  it('gives the token of the page, asked for with the credential of the bot', async () => {
    const { api, pages } = await setUp({ appId: '77' });
    const { mapPageToAccessToken } = pages;
    expect(await mapPageToAccessToken('1001')).toBe('EAATOKEN1');
    expect(await mapPageToAccessToken(1001)).toBe('EAATOKEN1');
    expect(api.requests).toEqual(['/v1/pages/1001/token?appId=77']);
    expect(api.credentials).toEqual(['Bearer bot-credential']);
  });

  it.each<[unknown, string]>([
    ['2002', 'no-page:2002:messenger-operator'],
    ['', 'no-page::messenger-operator'],
    [undefined, 'no-page:undefined:messenger-operator'],
    [null, 'no-page:null:messenger-operator'],
    ['../secrets?x=', 'no-page:secretsx:messenger-operator'],
    ['1001 ', 'no-page:1001:messenger-operator'],
  ])('is never empty: for %p it is %s', async (id, want) => {
    const { pages } = await setUp();
    expect(await pages.mapPageToAccessToken(id as string)).toBe(want);
  });

  it('finds a page that is made later, and a token that is changed', async () => {
    const { api, pages } = await setUp({ cacheMs: 0 });
    expect(await pages.mapPageToAccessToken('2002')).toMatch(/^no-page:/);
    api.page('2002', 'EAATOKEN2');
    expect(await pages.mapPageToAccessToken('2002')).toBe('EAATOKEN2');
    api.tokens.set('2002', 'EAATOKEN3');
    expect(await pages.mapPageToAccessToken('2002')).toBe('EAATOKEN3');
    api.tokens.delete('2002');
    expect(await pages.mapPageToAccessToken('2002')).toMatch(/^no-page:/);
  });

  it('asks once for many events at once', async () => {
    const { api, pages } = await setUp();
    await Promise.all(Array.from({ length: 50 }, () => pages.mapPageToAccessToken('1001')));
    expect(api.requests).toHaveLength(1);
  });

  it.each(['fails', 'cuts', 'html'] as const)('goes on with what it knows while the Pages API %s', async (mode) => {
    const { api, pages } = await setUp({ cacheMs: 0 });
    await pages.mapPageToAccessToken('1001');
    api.mode = mode;
    expect(await pages.mapPageToAccessToken('1001')).toBe('EAATOKEN1');
    await expect(pages.mapPageToAccessToken('3003')).rejects.toBeInstanceOf(PagesError);
  });

  it('does not keep an event waiting for a Pages API that hangs', async () => {
    const { api, pages } = await setUp({ cacheMs: 0 });
    await pages.mapPageToAccessToken('1001');
    api.mode = 'hangs';
    const start = performance.now();
    expect(await pages.mapPageToAccessToken('1001')).toBe('EAATOKEN1');
    expect(performance.now() - start).toBeLessThan(900);
    expect(await pages.mapPageToAccessToken('1001')).toBe('EAATOKEN1');
    expect(performance.now() - start).toBeLessThan(900);
    await expect(pages.mapPageToAccessToken('3003')).rejects.toMatchObject({ name: 'PagesError', status: undefined });
  });

  it('throws when nothing is known and nothing answers', async () => {
    const { api, pages } = await setUp();
    await api.stop();
    cleanUps.pop();
    await expect(pages.mapPageToAccessToken('1001')).rejects.toThrow('the Pages API gave no answer');
  });

  it('forgets what it knows once that is too old', async () => {
    const { api, pages } = await setUp({ cacheMs: 0, staleMs: 1 });
    await pages.mapPageToAccessToken('1001');
    api.mode = 'fails';
    await eventually(() =>
      pages.mapPageToAccessToken('1001').then(
        () => false,
        () => true,
      ),
    );
  });

  it.each([403, 409])('throws on %i, also for a page that it knew before', async (status) => {
    const { api, pages } = await setUp({ cacheMs: 0 });
    await pages.mapPageToAccessToken('1001');
    api.refusals.set('/v1/pages/1001/token', status);
    await expect(pages.mapPageToAccessToken('1001')).rejects.toMatchObject({
      status,
      message: expect.stringContaining(`refused with ${status}`) as unknown,
    });
    await expect(pages.mapPageToAccessToken('1001')).rejects.toMatchObject({ status });
  });

  it('goes on with what it knows when its own credential is refused for a while', async () => {
    const { api, pages } = await setUp({ cacheMs: 0 });
    await pages.mapPageToAccessToken('1001');
    api.refusals.set('/v1/pages/1001/token', 401);
    expect(await pages.mapPageToAccessToken('1001')).toBe('EAATOKEN1');
  });

  it("reads no more than 8 MiB of an answer through the bot's own fetch", async () => {
    let sent = 0;
    const endless = new ReadableStream({
      pull: (stream) => {
        sent += 1_048_576;
        stream.enqueue(new Uint8Array(1_048_576));
      },
    });
    const pages = createPages({
      ...{ baseUrl: 'http://127.0.0.1:1', token: 't', graph: 'token' },
      fetch: () => Promise.resolve(new Response(sent === 0 ? endless : '{')),
    });
    await expect(pages.mapPageToAccessToken('1001')).rejects.toThrow('gave no answer');
    expect(sent).toBeLessThan(16 * 1_048_576);
  });

  it('gets over one failure and over a kept connection that was closed', async () => {
    const { api, pages } = await setUp({ cacheMs: 0 });
    api.mode = 'fails';
    const first = pages.mapPageToAccessToken('1001');
    await eventually(() => api.requests.length === 1);
    api.mode = 'answers';
    expect(await first).toBe('EAATOKEN1');
    api.dropConnections();
    expect(await pages.mapPageToAccessToken('1001')).toBe('EAATOKEN1');
  });

  it('in proxy mode is page id and credential, with nobody asked', async () => {
    const { api, pages } = await setUp({ graph: 'proxy' });
    expect(await pages.mapPageToAccessToken('1001')).toBe('1001:bot-credential');
    expect(await pages.mapPageToAccessToken('x')).toBe('no-page:x:messenger-operator');
    expect(api.requests).toEqual([]);
  });
});

describe('the credential', () => {
  it('may be in a file', async () => {
    const { pages } = await setUp({ tokenFile: await tempFile('from-file\n'), graph: 'proxy' });
    expect(await pages.mapPageToAccessToken('1')).toBe('1:from-file');
  });

  it('is in no error, however it is printed', async () => {
    const { api, pages } = await setUp({ token: 'CANARYcredential0123456789' });
    for (const mode of ['fails', 'cuts', 'hangs', 'html'] as const) {
      api.mode = mode;
      const error: unknown = await pages.mapPageToAccessToken('1001').catch((one: unknown) => one);
      expect(error).toBeInstanceOf(PagesError);
      expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('CANARY');
    }
  });

  it('that cannot be read is an error that names no value', async () => {
    const { pages } = await setUp({ tokenFile: '/does/not/exist' });
    await expect(pages.mapPageToAccessToken('1001')).rejects.toThrow("the bot's credential cannot be read");
  });
});

describe('getPage, getBotConfig and listPages', () => {
  it('give the page and its settings, and nothing for a page that is not there', async () => {
    const { pages } = await setUp();
    const { getPage, getBotConfig } = pages;
    expect(await getPage('1001')).toMatchObject({
      id: '1001',
      namespace: 'bots',
      app: { id: '77' },
      botConfig: { clinic: 'A' },
      ready: true,
    });
    expect(await getBotConfig('1001')).toEqual({ clinic: 'A' });
    expect(await getPage('2002')).toBeUndefined();
    expect(await getBotConfig('2002')).toEqual({});
    expect(await getPage('x')).toBeUndefined();
  });

  it('ask with the ETag of what is known', async () => {
    const { api, pages } = await setUp({ cacheMs: 0 });
    await pages.getPage('1001');
    expect(await pages.getBotConfig('1001')).toEqual({ clinic: 'A' });
    expect(api.notModified).toBe(1);
    api.configs.set('1001', { clinic: 'B' });
    expect(await pages.getBotConfig('1001')).toEqual({ clinic: 'B' });
  });

  it('list every page, part by part', async () => {
    const { api, pages } = await setUp();
    for (let i = 0; i < 6; i++) api.page(String(i), 't');
    expect((await pages.listPages({ namespace: 'bots', labelSelector: 'bot=a' })).map(({ id }) => id).sort()).toEqual([
      '0',
      '1',
      '1001',
      '2',
      '3',
      '4',
      '5',
    ]);
    expect(api.requests[0]).toBe('/v1/pages?namespace=bots&labelSelector=bot%3Da&limit=500');
  });

  it('refuse an answer that is about another page', async () => {
    const { pages } = await setUp({
      fetch: () => Promise.resolve(new Response(JSON.stringify({ id: '1', botConfig: {}, access_token: 'EAAOTHER' }))),
    });
    await expect(pages.getPage('1001')).rejects.toThrow('not understood');
    await expect(pages.mapPageToAccessToken('1001')).rejects.toThrow('not understood');
  });
});

describe('the connection', () => {
  it('trusts the authority that it is given, as the file has it now', async () => {
    const own = selfSigned();
    const api = await FakeApi.start(own);
    cleanUps.push(() => api.stop());
    api.page('1001', 'EAATOKEN1');
    const baseUrl = `https://localhost:${api.port}/`;
    const caFile = await tempFile(selfSigned().cert);
    const stranger = createPages({ baseUrl, token: 't', graph: 'token' });
    const knows = createPages({ baseUrl, token: 't', graph: 'token', ca: own.cert });
    const learns = createPages({ baseUrl, token: 't', graph: 'token', caFile });

    await expect(stranger.mapPageToAccessToken('1001')).rejects.toThrow('gave no answer');
    await expect(learns.mapPageToAccessToken('1001')).rejects.toThrow('gave no answer');
    expect(await knows.mapPageToAccessToken('1001')).toBe('EAATOKEN1');
    await writeFile(caFile, own.cert);
    await eventually(() => learns.mapPageToAccessToken('1001'));
  });

  it.each<[string, Partial<PagesOptions>]>([
    ['no credential', { token: undefined } as never],
    ['an empty credential', { token: ' ' }],
    ['two credentials', { tokenFile: 'x', token: 'y' }],
    ['no URL', { baseUrl: 'pages-api' }],
    ['a file URL', { baseUrl: 'file:///x' }],
    ['another kind of Graph', { graph: 'both' as never }],
    ['an app that is no id', { appId: 'main' }],
  ])('cannot be set up with %s', (_name, options) => {
    expect(() => createPages({ baseUrl: 'http://127.0.0.1:1', token: 't', graph: 'token', ...options })).toThrow(TypeError);
  });
});
