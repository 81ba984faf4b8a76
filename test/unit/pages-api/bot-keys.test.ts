import { afterEach, describe, expect, it } from '@jest/globals';
import { Secret } from '../../../src/core/secrets/secret.js';
import { createBotKeyAccess, type BotKey } from '../../../src/pages-api/bot-keys.js';
import { anEntry } from './fakes.js';
import { closeServers, setUp } from './set-up.js';

afterEach(closeServers);

const KEY = 'bot-key-0123456789abcdef';

function aKey(overrides: Partial<BotKey> = {}): BotKey {
  return { owner: { namespace: 'bots', name: 'bot-a' }, key: new Secret('bot-key', KEY), pages: 'bot=a', ...overrides };
}

/**
 * A Pages API as standalone makes it, with two pages of the bot, one of another bot and one of
 * another namespace.
 */
async function withKeys(initial: readonly BotKey[]) {
  const keys = [...initial];
  const entries = [
    anEntry({ pageId: '1', owner: { namespace: 'bots', name: 'one' }, labels: { bot: 'a' } }),
    anEntry({ pageId: '2', owner: { namespace: 'bots', name: 'two' }, labels: { bot: 'a' } }),
    anEntry({ pageId: '3', owner: { namespace: 'bots', name: 'three' }, labels: { bot: 'b' } }),
    anEntry({ pageId: '4', owner: { namespace: 'others', name: 'four' }, labels: { bot: 'a' } }),
  ];
  const access = createBotKeyAccess({
    keys: () => keys,
    labelsOf: ({ namespace, name }) => entries.find(({ owner }) => owner.namespace === namespace && owner.name === name)?.labels,
  });
  const api = await setUp({ ...access, audience: undefined, authFreshMs: 0 });
  api.directory.entries = entries;
  for (const { owner } of entries) api.directory.tokens.set(`${owner.namespace}/${owner.name}`, `token-of-${owner.name}`);
  const get = (path: string, key = KEY) => fetch(api.url + path, { headers: { authorization: `Bearer ${key}` } });
  return { keys, get };
}

describe('a bot key', () => {
  it('reads the pages and tokens that its selector names in its own namespace, and nothing else', async () => {
    const { get } = await withKeys([aKey()]);

    const statuses = await Promise.all(['1', '2', '3', '4'].map(async (id) => (await get(`/v1/pages/${id}/token`)).status));
    expect(statuses).toEqual([200, 200, 404, 404]);
    const { items } = (await (await get('/v1/pages')).json()) as { items: { id: string }[] };
    expect(items.map(({ id }) => id)).toEqual(['1', '2']);
    expect((await get('/v1/pages?namespace=others')).status).toBe(404);
  });

  it('counts from the moment it is there, and no longer than that', async () => {
    const { get, keys } = await withKeys([]);
    expect((await get('/v1/pages/1')).status).toBe(401);

    keys.push(aKey());
    expect((await get('/v1/pages/1')).status).toBe(200);
    keys.pop();
    expect((await get('/v1/pages/1')).status).toBe(401);
  });

  it.each<[string, number, Partial<BotKey>]>([
    ['an empty selector reads every page of the namespace', 200, { pages: '' }],
    ['no selector reads nothing', 404, { pages: undefined }],
    ['a selector that is not understood reads nothing', 404, { pages: 'a b' }],
    ['another key is nobody', 401, { key: new Secret('bot-key', 'another-key-0123456789') }],
  ])('%s: %p', async (_name, status, overrides) => {
    const { get } = await withKeys([aKey(overrides)]);
    expect((await get('/v1/pages/3')).status).toBe(status);
  });

  it('authenticates nobody when it is short', async () => {
    const { get } = await withKeys([aKey({ key: new Secret('bot-key', 'short') })]);
    expect((await get('/v1/pages/1', 'short')).status).toBe(401);
  });
});
