import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { StateFolder } from '../../../src/folder/state-folder.js';
import { temporaryFolder } from '../folder/fixtures.js';
import { command, type Ran } from './io.js';

const SECOND = 1_000;
const servers: Server[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

/** A process at whose admin address this is told of its pages. */
async function aProcess(told: unknown, status = 200): Promise<string> {
  const server = createServer((req, res) => {
    res.writeHead(req.url === '/debug/pages' ? status : 404).end(typeof told === 'string' ? told : JSON.stringify(told));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Where nobody listens any more. */
async function nobody(): Promise<string> {
  const url = await aProcess([]);
  await new Promise((resolve) => servers.pop()?.close(resolve));
  return url;
}

function state(owner: string, lastEventAgoS: number, failure?: { agoS: number; why: string }): unknown {
  const now = Date.now();
  return {
    ...{ appId: '42', pageId: '1001', owner, lastEventMs: now - lastEventAgoS * SECOND },
    ...(failure === undefined ? {} : { lastFailure: { atMs: now - failure.agoS * SECOND, why: failure.why } }),
  };
}

function folder(...names: readonly string[]): StateFolder {
  const state = new StateFolder(temporaryFolder());
  for (const name of names) {
    state.save('messengerpages', {
      apiVersion: 'messenger-operator.dev/v1alpha1',
      kind: 'MessengerPage',
      metadata: { name, namespace: 'bots', uid: name, creationTimestamp: '2020-01-01T00:00:00Z' },
      spec: { pageId: '1001', appRef: { name: 'main' }, accessTokenSecretRef: { name } },
    });
  }
  return state;
}

const get = (line: string, { path }: StateFolder): Promise<Ran> => command(['get', ...line.split(' '), '--state-dir', path]);

/** Name → the live cells. */
function cells(stdout: string): Readonly<Record<string, readonly string[]>> {
  const [head = [], ...rows] = stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.trim().split(/ {2,}/));
  expect(head.slice(-2)).toEqual(['LAST-EVENT', 'LAST-FAILURE']);
  return Object.fromEntries(rows.map((row) => [row[1] ?? '', row.slice(-2)] as const));
}

describe('get pages, live', () => {
  it('shows when the last event of each page came and why the last one failed, the latest of all replicas', async () => {
    const first = await aProcess([state('bots/a', 300, { agoS: 7_200, why: 'timeout' }), state('bots/b', 60)]);
    const second = await aProcess([
      state('bots/a', 10, { agoS: 10, why: 'refused' }),
      state('bots/a', 900, { agoS: 9_999, why: 'status' }),
    ]);

    const { code, stdout, stderr } = await get(`pages --admin-url ${first},${second}/`, folder('a', 'b', 'c'));

    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const shown = cells(stdout);
    expect(shown['a']?.[0]).toMatch(/^1\ds ago$/);
    expect(shown['a']?.[1]).toMatch(/^refused 1\ds ago$/);
    expect(shown['b']).toEqual([expect.stringMatching(/^1m\d?s? ?ago$/), '<none>']);
    expect(shown['c']).toEqual(['<none>', '<none>']);
  });

  it.each([
    ['is not there', nobody, 'ECONNREFUSED'],
    ['is another kind of process', () => aProcess('no', 404), 'status 404; is it the admin port'],
    ['talks nonsense', () => aProcess('<html>'), 'JSON'],
    ['tells something else', () => aProcess({ items: [] }), 'no list of pages'],
    ['goes on for ever', () => aProcess('x'.repeat(17 * 1_024 * 1_024)), 'too long'],
  ])('says so when a process %s, and shows what the others know', async (_name, start, words) => {
    const [bad, good] = [await start(), await aProcess([state('bots/a', 5), null, { owner: 7 }, 'x'])];

    const { code, stdout, stderr } = await get(`pages -o wide --admin-url ${bad},${good}`, folder('a'));

    expect(code).toBe(0);
    expect(stderr).toContain(`${bad} does not report its deliveries: `);
    expect(stderr).toContain(words);
    expect(cells(stdout)['a']?.[0]).toMatch(/^[5-9]s ago$/);
  });

  it('prints nothing of a reason that could break the table', async () => {
    const bad = await aProcess([state('bots/a', 5, { agoS: 5, why: 'x\n\u001b[31mred' })]);

    const { stdout } = await get(`pages --admin-url ${bad}`, folder('a'));

    expect(stdout).not.toContain('\u001b');
    expect(stdout.trimEnd().split('\n')).toHaveLength(2);
  });

  it('finds the running process of a state folder by itself for the wide table, and does without one that was killed', async () => {
    const state1 = folder('a');
    state1.saveAdminUrl(await aProcess([state('bots/a', 5)]));
    expect((await get('pages -o wide', state1)).stdout).toContain('LAST-CHANGE   LAST-EVENT   LAST-FAILURE\n');
    expect((await get('pages', state1)).stdout).not.toContain('LAST-EVENT');

    state1.saveAdminUrl(await nobody());
    expect(await get('pages -o wide', state1)).toMatchObject({ stderr: '', stdout: expect.not.stringContaining('LAST-EVENT') });
    state1.saveAdminUrl(undefined);
    expect(state1.loadAdminUrl()).toBeUndefined();
  });

  it('is not for apps, nor for what programs read', async () => {
    const { stdout } = await get('pages -o json --admin-url http://127.0.0.1:1', folder('a'));
    expect(JSON.parse(stdout)).toMatchObject({ kind: 'List' });
    expect(await get('apps --admin-url http://127.0.0.1:1', folder())).toMatchObject({ code: 0, stderr: '' });
  });
});
