import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Backend } from '../../../src/api/v1alpha1/types.gen.js';
import { startSimulator, type RunningSimulator } from '../../../src/simulator/simulator.js';
import { freePorts } from '../../support/control-plane-process.js';
import { eventually } from '../../support/eventually.js';
import { messengerApp, messengerPage, secret, service, type Manifest } from '../../support/page-manifests.js';
import { Standalone } from '../../support/standalone.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const MODULES = join(ROOT, 'examples', 'bottender', 'node_modules');
const FOLDER = join(ROOT, 'test', 'events', 'bottender');
export const APP_ID = '1517776481860111';
const NAMESPACE = 'bots';
const FIELDS = ['messages', 'messaging_postbacks', 'messaging_optins', 'messaging_referrals', 'messaging_policy_enforcement'];

/** One way to set Bottender up. */
export interface BottenderOptions {
  readonly name: string;
  readonly batch: boolean;
  readonly sync: boolean;
}

/** What a bot wrote down of one event. */
export interface Handled {
  readonly handled: number;
  readonly sender?: string;
  readonly recipient?: string;
  readonly standby: boolean;
}

export interface BotRecord {
  readonly handled: readonly Handled[];
  /** Every status that it answered with. */
  readonly statuses: readonly number[];
}

interface RunningBot extends BottenderOptions {
  readonly record: string;
  readonly log: string;
  readonly child: ChildProcess;
}

/** The operator, Graph and real Bottender processes, each with pages of its own. */
export class BottenderWorld {
  readonly sim: RunningSimulator;
  /** Page id → name of its bot. */
  readonly pages: ReadonlyMap<string, string>;
  readonly #operator: Standalone;
  readonly #bots: readonly RunningBot[];
  readonly #folder: string;

  private constructor(parts: {
    sim: RunningSimulator;
    pages: ReadonlyMap<string, string>;
    operator: Standalone;
    bots: readonly RunningBot[];
    folder: string;
  }) {
    this.sim = parts.sim;
    this.pages = parts.pages;
    this.#operator = parts.operator;
    this.#bots = parts.bots;
    this.#folder = parts.folder;
  }

  static async start(options: readonly BottenderOptions[], pagesEach: number): Promise<BottenderWorld> {
    install();
    const folder = await mkdtemp(join(tmpdir(), 'bottender-'));
    const appSecret = randomBytes(16).toString('hex');
    const ports = await freePorts(options.length);
    const sim = await startSimulator();
    sim.control.makeApp({ id: APP_ID, secret: appSecret, requireProof: true });
    const ids = options.flatMap((_, bot) =>
      Array.from({ length: pagesEach }, (__, i) => String(104_500_000_000_001n + BigInt(bot * pagesEach + i))),
    );
    const pages = new Map(ids.map((id, i) => [id, options[Math.floor(i / pagesEach)]?.name ?? '']));
    const keys = new Map(options.map(({ name }) => [name, randomBytes(24).toString('base64url')]));
    const services = Object.fromEntries(options.map(({ name }, i) => [`${NAMESPACE}/${name}:5000`, ports[i] ?? 0]));
    const syncBots = new Set(options.filter(({ sync }) => sync).map(({ name }) => name));
    const manifests = manifestsOf({ sim, appSecret, pages, keys, syncBots });
    const operator = await Standalone.start({ sim, services, manifests, flags: ['--interval', '24h', '--log-level', 'info'] });
    sim.control.setAppSubscription(APP_ID, 'page', { callbackUrl: operator.webhookUrl, fields: [...FIELDS, 'standby', 'feed'] });
    const bots: RunningBot[] = [];
    for (const [i, one] of options.entries()) {
      const keyFile = join(folder, `${one.name}.key`);
      await writeFile(keyFile, keys.get(one.name) ?? '', { mode: 0o600 });
      const env = {
        MESSENGER_APP_ID: APP_ID,
        MESSENGER_APP_SECRET: appSecret,
        GRAPH_ORIGIN: sim.url,
        PAGES_API_URL: operator.pagesApiUrl,
        PAGES_API_KEY_FILE: keyFile,
        BATCH_TOKEN: `${APP_ID}|${appSecret}`,
        PORT: String(ports[i]),
      };
      bots.push(startBot(one, folder, env));
    }
    const world = new BottenderWorld({ sim, pages, operator, bots, folder });
    await Promise.all(ports.map((port) => eventually(async () => (await fetch(`http://127.0.0.1:${port}/`)).status > 0, 30_000)));
    return world;
  }

  async record(name: string): Promise<BotRecord> {
    const file = this.#bots.find((bot) => bot.name === name)?.record ?? '';
    const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n').filter((line) => line.endsWith('}'));
    const all = lines.map((line) => JSON.parse(line) as Partial<Handled> & { readonly status?: number });
    return {
      handled: all.filter((line): line is Handled => line.handled !== undefined),
      statuses: all.flatMap(({ status }) => (status === undefined ? [] : [status])),
    };
  }

  /** What a bot wrote to its terminal. */
  async output(name: string): Promise<string> {
    return readFile(this.#bots.find((bot) => bot.name === name)?.log ?? '', 'utf8').catch(() => '');
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.#bots.map(async ({ child }) => {
        const gone = once(child, 'exit');
        child.kill('SIGKILL');
        await gone;
      }),
    );
    await this.#operator.stop();
    await this.sim.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/**
 * The example's own install, by its lockfile, and the client library that it takes from this
 * repository.
 */
function install(): void {
  if (existsSync(join(MODULES, '.installed-from')) && existsSync(join(ROOT, 'dist-client'))) return;
  for (const script of ['build-client.mjs', 'install-bottender.mjs']) {
    const { status, stderr } = spawnSync(process.execPath, [join(ROOT, 'scripts', script)], { cwd: ROOT, encoding: 'utf8' });
    if (status !== 0) throw new Error(`scripts/${script} failed: ${stderr}`);
  }
}

function startBot(options: BottenderOptions, folder: string, env: Readonly<Record<string, string>>): RunningBot {
  const record = join(folder, `${options.name}.jsonl`);
  const log = join(folder, `${options.name}.log`);
  const out = openSync(log, 'a');
  const child = spawn(process.execPath, ['server.js'], {
    cwd: FOLDER,
    env: { ...process.env, ...env, NODE_PATH: MODULES, BOT_RECORD: record, BOT_OPTIONS: JSON.stringify(options) },
    stdio: ['ignore', out, out],
  });
  closeSync(out);
  return { ...options, record, log, child };
}

interface ManifestFacts {
  readonly sim: RunningSimulator;
  readonly appSecret: string;
  readonly pages: ReadonlyMap<string, string>;
  readonly keys: ReadonlyMap<string, string>;
  readonly syncBots: ReadonlySet<string>;
}

function manifestsOf({ sim, appSecret, pages, keys, syncBots }: ManifestFacts): Manifest[] {
  const app = { name: 'main', namespace: NAMESPACE };
  const ofPages = [...pages].flatMap(([pageId, bot]) => {
    const place = { name: `page-${pageId}`, namespace: NAMESPACE };
    sim.control.makePage({ id: pageId });
    const token = sim.control.makeToken({ appId: APP_ID, pageId, alias: `token-${pageId}` });
    // Bottender answers 500 to a request without anything of its own kinds if `sync` is on.
    const accepts: Pick<Backend, 'accepts'> = syncBots.has(bot) ? { accepts: ['messaging', 'standby'] } : {};
    const backend = { service: { name: bot, port: 5000, path: '/webhooks/messenger' }, ...accepts };
    const page = messengerPage(place, { pageId, appRef: { name: app.name }, backend });
    return [secret(place, { token }), { ...page, metadata: { ...page.metadata, labels: { bot } } }];
  });
  const ofBots = [...keys].flatMap(([name, key]) => [
    service({ name, namespace: NAMESPACE }),
    { ...secret({ name: `${name}-key`, namespace: NAMESPACE }, { key, pages: `bot=${name}` }), type: 'messenger-operator.dev/bot-key' },
  ]);
  return [secret(app, { appSecret, verifyToken: 'verify-me' }), messengerApp(app, { appId: APP_ID }), ...ofBots, ...ofPages];
}
