import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { APP_SECRET, startEdge, type Edge } from '../events/support/edge.js';
import { send } from '../events/support/send.js';
import { eventually } from '../support/eventually.js';

const FOLDER = 'test/clients/botkit';
const PAGES = ['104500000000001', '104500000000002'] as const;

interface Told {
  readonly port?: number;
  readonly refused?: string;
  readonly timestamp?: number;
  readonly type?: string;
  readonly text?: string;
  readonly token?: string;
}

const told: Told[] = [];
let bot: ChildProcess;
let edge: Edge;
let botPort = 0;

beforeAll(async () => {
  // Installed once, exactly as locked, without running anything of theirs.
  if (!existsSync(`${FOLDER}/node_modules`))
    await promisify(execFile)('npm', ['ci', '--ignore-scripts', '--no-fund', '--no-audit'], { cwd: FOLDER, timeout: 240_000 });
  const tokens = Object.fromEntries(PAGES.map((page) => [page, `token-of-${page}`]));
  const child = spawn(process.execPath, ['--no-deprecation', 'bot.cjs', JSON.stringify({ appSecret: APP_SECRET, tokens })], {
    cwd: FOLDER,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  bot = child;
  createInterface({ input: child.stdout }).on('line', (line) => told.push(JSON.parse(line) as Told));
  botPort = await eventually(() => told[0]?.port, 60_000, 'the bot listening');
  edge = await startEdge({ pages: new Map(PAGES.map((page) => [page, botPort])) });
}, 320_000);

afterAll(async () => {
  await edge.stop();
  bot.kill('SIGKILL');
});

function item(page: string, timestamp: number, content: unknown): unknown {
  return { sender: { id: `7${timestamp % 5}` }, recipient: { id: page }, timestamp, ...(content as object) };
}

describe("Botkit's Facebook adapter as published", () => {
  it('accepts the signature of everything that it is sent, and handles each item once with its own Page’s token', async () => {
    const wanted: Told[] = [];
    for (let n = 0; n < 60; n++) {
      const entries = PAGES.slice(0, 1 + (n % 2)).map((page, i) => {
        const at = 1_763_856_000_000 + n * 10 + i * 4;
        const token = `token-of-${page}`;
        wanted.push(
          { type: 'message', text: `Grüße ${at}`, timestamp: at, token },
          { type: 'message', text: 'START', timestamp: at + 1, token },
        );
        wanted.push({ type: 'event', timestamp: at + 2, token });
        const text = item(page, at, { message: { mid: `m_${at}`, text: `Grüße ${at}` } });
        const items = [text, item(page, at + 1, { postback: { payload: 'START' } }), item(page, at + 2, { read: { watermark: at } })];
        return { id: page, time: Date.now(), messaging: items };
      });
      expect(await send({ port: edge.port, secret: APP_SECRET }, JSON.stringify({ object: 'page', entry: entries }))).toBe(200);
    }

    const byTime = (list: readonly Told[]): string[] =>
      [...list]
        .sort((a, b) => (a.timestamp ?? 0) - (b.timestamp ?? 0))
        .map(({ type, text, timestamp, token }) => [type, text, timestamp, token].join());
    expect(byTime(told.filter(({ timestamp }) => timestamp !== undefined))).toEqual(byTime(wanted));
    expect(told.filter(({ refused }) => refused !== undefined)).toEqual([]);
  }, 60_000);

  it('refuses what is signed with another secret: its check is on', async () => {
    expect(await send({ port: botPort, secret: 'another-secret' }, '{"object":"page","entry":[]}')).toBe(401);
    await eventually(() => told.find(({ refused }) => refused === 'Invalid signature on incoming request'));
  });
});
