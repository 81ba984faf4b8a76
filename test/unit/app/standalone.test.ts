import { createHmac } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { startSimulator, type RunningSimulator } from '../../../src/simulator/simulator.js';
import { eventually } from '../../support/eventually.js';
import { command, start, type Running } from '../cli/io.js';
import { app, page, secret, temporaryFolder } from '../folder/fixtures.js';

const APP_SECRET = 'canary-app-secret-0123456789abcdef012345';
const VERIFY_TOKEN = 'canary-verify-token-0123456789abcdef0123';
const BOT_KEY = 'canary-bot-key-0123456789abcdef0123456789';

interface Bench {
  readonly sim: RunningSimulator;
  readonly folder: string;
  readonly manifests: string;
  readonly stateDir: string;
  readonly token: string;
}

const running: Running[] = [];
const simulators: RunningSimulator[] = [];
afterEach(async () => {
  for (const one of running) one.stop();
  await Promise.all(running.splice(0).map(({ ended }) => ended));
  await Promise.all(simulators.splice(0).map((sim) => sim.stop()));
});

async function bench(): Promise<Bench> {
  const sim = await startSimulator();
  simulators.push(sim);
  sim.control.makeApp({ id: '42', secret: APP_SECRET });
  sim.control.makePage({ id: '1001', name: 'Clinic' });
  const token = sim.control.makeToken({ appId: '42', pageId: '1001', alias: 'clinic' });
  const folder = temporaryFolder();
  const [manifests, stateDir] = [join(folder, 'manifests'), join(folder, 'state')];
  mkdirSync(manifests);
  const made: Bench = { sim, folder, manifests, stateDir, token };
  put(
    made,
    'app',
    app('main', { webhook: { subscription: 'Ignore' } }),
    secret('main', { appSecret: APP_SECRET, verifyToken: VERIFY_TOKEN }),
  );
  put(made, 'key', { ...secret('key', { key: BOT_KEY, pages: 'bot=a' }), type: 'messenger-operator.dev/bot-key' });
  put(made, 'page', clinic(), secret('clinic', { token }));
  return made;
}

function clinic(): Record<string, unknown> {
  const made = page('clinic', { backend: { url: 'https://bots.example.net/webhooks' } });
  return { ...made, metadata: { ...(made['metadata'] as object), labels: { bot: 'a' } } };
}

function put({ manifests }: Bench, name: string, ...objects: readonly object[]): void {
  writeFileSync(join(manifests, `${name}.yaml`), objects.map((object) => JSON.stringify(object)).join('\n---\n'));
}

function standalone({ sim, manifests, stateDir }: Bench, ...flags: readonly string[]): Running {
  const ports = ['--admin-port', '0', '--webhook-port', '0', '--api-port', '0', '--api-allow-plaintext'];
  const times = ['--rescan', '100ms', '--deletion-confirm', '100ms', '--drain-timeout', '0s', '--interval', '1s', '--min-interval', '1s'];
  const one = start([
    'standalone',
    '--manifests',
    manifests,
    '--state-dir',
    stateDir,
    '--graph-url',
    sim.url,
    ...ports,
    ...times,
    ...flags,
  ]);
  running.push(one);
  return one;
}

async function stopped(one: Running): Promise<void> {
  one.stop();
  expect(await one.ended).toMatchObject({ code: 0 });
}

const columnsOf = async ({ stateDir }: Bench): Promise<string> => (await command(['get', 'pages', '--state-dir', stateDir])).stdout;
const isReady = (made: Bench): Promise<string> =>
  eventually(async () => {
    const shown = await columnsOf(made);
    return / True +Ready /.test(shown) ? shown : undefined;
  });
const isSubscribed = ({ sim }: Bench): boolean => sim.control.fields('42', '1001') !== undefined;
const portOf = (one: Running, part: string): Promise<number> =>
  eventually(() => Number(new RegExp(`"part":"${part}","port":(\\d+)`).exec(one.stderr())?.[1]) || undefined);

describe('standalone', () => {
  it('subscribes a page of the folder, and unsubscribes it when its file is removed', async () => {
    const made = await bench();
    const one = standalone(made);
    await isReady(made);
    expect(isSubscribed(made)).toBe(true);

    rmSync(join(made.manifests, 'page.yaml'));

    await eventually(() => !isSubscribed(made));
    await eventually(async () => (await columnsOf(made)) === 'No objects found.\n');
    await stopped(one);
  });

  it('unsubscribes a page whose file went while it was down, if its Secret is still there', async () => {
    const made = await bench();
    put(made, 'token', secret('clinic', { token: made.token }));
    put(made, 'page', clinic());
    const first = standalone(made);
    await isReady(made);
    await stopped(first);
    rmSync(join(made.manifests, 'page.yaml'));
    expect(isSubscribed(made)).toBe(true);

    standalone(made);

    await eventually(() => !isSubscribed(made));
  });

  it('lets go of a page whose file and Secret both went while it was down, and says how to finish by hand', async () => {
    const made = await bench();
    const first = standalone(made);
    await isReady(made);
    await stopped(first);
    rmSync(join(made.manifests, 'page.yaml'));

    standalone(made);

    await eventually(async () => (await columnsOf(made)) === 'No objects found.\n');
    expect(isSubscribed(made)).toBe(true);
    expect(readFileSync(join(made.stateDir, 'events.jsonl'), 'utf8')).toMatch(/"reason":"LeftSubscribed".*1001/);
  });

  it('takes over a page when its state was lost, and never unsubscribes it', async () => {
    const made = await bench();
    const first = standalone(made);
    await isReady(made);
    await stopped(first);
    rmSync(made.stateDir, { recursive: true });
    const calls = made.sim.control.calls().length;

    standalone(made);

    await isReady(made);
    const since = made.sim.control.calls().slice(calls);
    expect(since.filter(({ method }) => method === 'DELETE')).toEqual([]);
  });

  it('heals by a new token without a restart, and gives it to the bot that may have it', async () => {
    const made = await bench();
    const one = standalone(made);
    await isReady(made);
    made.sim.control.setTokenState('clinic', 'password_changed');
    await eventually(async () => (await columnsOf(made)).includes('TokenInvalidated'));

    const token = made.sim.control.makeToken({ appId: '42', pageId: '1001', alias: 'second' });
    put(made, 'page', clinic(), secret('clinic', { token }));

    await isReady(made);
    const url = `http://127.0.0.1:${await portOf(one, 'pages-api')}/v1/pages/1001/token`;
    const ask = (key: string) => fetch(url, { headers: { authorization: `Bearer ${key}` } });
    await eventually(async () => ((await (await ask(BOT_KEY)).json()) as { access_token?: string }).access_token === token);
    expect((await ask('another-key-0123456789')).status).toBe(401);
  });

  it('keeps no secret on disk and prints none', async () => {
    const made = await bench();
    const one = standalone(made, '--log-level', 'debug');
    await isReady(made);
    made.sim.control.setTokenState('clinic', 'garbage');
    await eventually(async () => (await columnsOf(made)).includes('Token'));
    rmSync(join(made.manifests, 'page.yaml'));
    await eventually(async () => (await columnsOf(made)) === 'No objects found.\n');
    await stopped(one);

    const files = readdirSync(made.stateDir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const kept = files.map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'utf8')).join('\n');
    for (const value of [APP_SECRET, VERIFY_TOKEN, BOT_KEY, made.token]) {
      expect(kept).not.toContain(value);
      expect(one.stderr()).not.toContain(value);
    }
    expect(kept).toContain('1001');
  });

  it('refuses a state folder that another process uses', async () => {
    const made = await bench();
    await isReady((standalone(made), made));
    writeFileSync(
      join(made.stateDir, 'lock'),
      JSON.stringify({ token: 'other', pid: process.ppid, host: (await import('node:os')).hostname() }),
    );
    const second = standalone(made);
    expect(await second.ended).toMatchObject({ code: 1, stderr: expect.stringContaining('the state folder is in use by process') });
  });

  it('tells `get pages -o wide` how delivery to each page goes, as long as it runs', async () => {
    const made = await bench();
    const one = standalone(made);
    await isReady(made);
    const wide = async (): Promise<string> => (await command(['get', 'pages', '-o', 'wide', '--state-dir', made.stateDir])).stdout;
    expect(await wide()).toMatch(/ LAST-EVENT +LAST-FAILURE\n.* <none> +<none>\n$/);
    const body = `{"object":"page","entry":[{"id":"1001","time":${Date.now()},"messaging":[{"sender":{"id":"7"},"recipient":{"id":"1001"}}]}]}`;
    const signature = `sha256=${createHmac('sha256', APP_SECRET).update(body).digest('hex')}`;

    // Its backend is a name that leads nowhere from here.
    const answer = await fetch(`http://127.0.0.1:${await portOf(one, 'webhook')}/webhooks/messenger`, {
      method: 'POST',
      headers: { 'X-Hub-Signature-256': signature },
      body,
    });

    expect(answer.status).toBe(503);
    expect(await wide()).toMatch(/ LAST-EVENT +LAST-FAILURE\n.* \ds ago +(dns|connect) \ds ago\n$/);
    await stopped(one);
    expect(await wide()).not.toContain('LAST-EVENT');
  });

  it('ends with 1 when it loses the lock of its state folder', async () => {
    const made = await bench();
    const one = standalone(made);
    await isReady(made);
    rmSync(join(made.stateDir, 'lock'));
    expect(await one.ended).toMatchObject({ code: 1, stderr: expect.stringContaining('the lock of the state folder was lost') });
  });

  it('ends with 1 and says what to do when its state folder is deleted, and does not make it anew', async () => {
    const made = await bench();
    const one = standalone(made);
    await isReady(made);
    rmSync(made.stateDir, { recursive: true });
    put(made, 'more', page('more', { pageId: '1002' }));
    const { code, stderr } = await one.ended;
    expect(code).toBe(1);
    expect(stderr.trim().split('\n').at(-1)).toBe(
      `messenger-operator: the lock of the state folder was lost: ${made.stateDir} was deleted while the process ran. ` +
        'Start this process again. It keeps the pages that have a manifest and unsubscribes nothing',
    );
    expect(existsSync(made.stateDir)).toBe(false);

    standalone(made);
    await isReady(made);
  });

  it('ends with 1 when its state folder is deleted before the manifests could be read', async () => {
    const made = await bench();
    const one = standalone(made);
    // The flags have been checked, and nothing has been read.
    rmSync(made.manifests, { recursive: true });
    await eventually(() => one.stderr().includes('the folder cannot be read'));
    rmSync(made.stateDir, { recursive: true });
    expect(await one.ended).toMatchObject({ code: 1, stderr: expect.stringContaining('was deleted while the process ran. Start this') });
  });

  it('ends with 1, in words, when a port is taken', async () => {
    const made = await bench();
    const port = String(await portOf(standalone(made), 'webhook'));
    const other = { ...made, stateDir: join(made.folder, 'other') };
    expect(await standalone(other, '--webhook-port', port).ended).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`cannot listen on 127.0.0.1 port ${port} (--webhook-port): another process listens there`),
    });
  });

  it('tells of a manifest that makes no sense, by log and by get, and goes on with the others', async () => {
    const made = await bench();
    put(made, 'bad', page('bad', { pageId: 12 }));
    const one = standalone(made);
    await isReady(made);
    const words = 'bad.yaml, document 1 (line 1), MessengerPage bots/bad, spec.pageId: must be text, not a number; put it in quotes';
    expect(one.stderr()).toContain(words);
    expect((await command(['get', 'pages', '--state-dir', made.stateDir])).stderr).toBe(`not used as it stands: ${words}\n`);
  });
});
