import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { startSimulator, type RunningSimulator } from '../../../src/simulator/simulator.js';
import { freePorts, ProcessGuard, ServerProcess } from '../../support/control-plane-process.js';
import { eventually } from '../../support/eventually.js';
import { builtOperator } from '../../support/operator-build.js';
import { messengerApp, messengerPage, secret, service, type Manifest } from '../../support/page-manifests.js';
import { Balancer } from './balancer.js';
import { send } from './send.js';
import { judge, type Verdict } from './verdict.js';

export interface FleetOptions {
  readonly replicas: number;
  readonly bots: number;
  readonly pages: number;
}

export interface Traffic {
  readonly events: number;
  readonly connections: number;
  readonly perSecond: number;
}

const NAMESPACE = 'bots';
const APP_ID = '1517776481860111';
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const HOOKS = pathToFileURL(join(ROOT, 'scripts', 'ts-hooks.mjs')).href;
/** Nothing of the controllers but their first round: what is looked at here is the event path. */
const QUIET = ['--interval', '24h', '--min-interval', '1s', '--log-level', 'info'];

/** One process of TypeScript as it stands. */
export function typescript(file: string, options: unknown): readonly string[] {
  const path = join(ROOT, 'test', 'events', 'processes', file);
  return ['--disable-warning=ExperimentalWarning', '--import', HOOKS, path, JSON.stringify(options)];
}

interface Replica {
  readonly process: ServerProcess;
  readonly args: readonly string[];
  readonly adminPort: number;
  readonly webhookPort: number;
}

interface Bot {
  readonly process: ServerProcess;
  readonly args: readonly string[];
  readonly port: number;
  readonly log: string;
  readonly pages: ReadonlySet<string>;
}

interface Parts {
  readonly folder: string;
  readonly guard: ProcessGuard;
  readonly sim: RunningSimulator;
  readonly replicas: readonly Replica[];
  readonly bots: readonly Bot[];
  readonly balancer: Balancer;
  readonly appSecret: string;
}

/**
 * Replicas of the operator that share nothing but their manifests, bots and Meta's sender, each a
 * process of its own, and a plain TCP balancer in between.
 */
export class Fleet {
  readonly #parts: Parts;
  readonly #sender: ServerProcess;

  private constructor(parts: Parts) {
    this.#parts = parts;
    this.#sender = new ServerProcess('sender', process.execPath, parts.folder, parts.guard);
  }

  /** Resolves when every replica leads an event of every page to its bot. */
  static async start(options: FleetOptions): Promise<Fleet> {
    const folder = await mkdtemp(join(tmpdir(), 'fleet-'));
    const guard = new ProcessGuard(folder);
    const sim = await startSimulator();
    try {
      return await Fleet.#start(options, { folder, guard, sim });
    } catch (error) {
      await Promise.all([sim.stop(), guard.release()]);
      throw error;
    }
  }

  static async #start({ replicas, bots, pages }: FleetOptions, base: Pick<Parts, 'folder' | 'guard' | 'sim'>): Promise<Fleet> {
    const { folder } = base;
    const appSecret = randomBytes(16).toString('hex');
    const ids = Array.from({ length: pages }, (_, i) => String(104_500_000_000_001n + BigInt(i)));
    const manifests = join(folder, 'manifests');
    await mkdir(manifests);
    await writeFile(
      join(manifests, 'all.yaml'),
      manifestsOf(base.sim, { appSecret, ids, bots })
        .map((one) => JSON.stringify(one))
        .join('\n---\n'),
    );
    const botPorts = await freePorts(bots);
    const resolver = join(folder, 'services.json');
    await writeFile(
      resolver,
      JSON.stringify(Object.fromEntries(botPorts.map((port, i) => [`${NAMESPACE}/bot-${i}:5000`, `127.0.0.1:${port}`]))),
    );
    const ofBot = (i: number): ReadonlySet<string> => new Set(ids.filter((_, page) => page % bots === i));
    const main = await builtOperator();
    const common = [
      '--manifests',
      manifests,
      '--graph-url',
      base.sim.url,
      '--service-resolver',
      resolver,
      '--api-allow-plaintext',
      ...QUIET,
    ];
    const made: Replica[] = [];
    for (let i = 0; i < replicas; i++) {
      const [webhookPort = 0, api = 0, adminPort = 0] = await freePorts(3);
      const ports = ['--webhook-port', `${webhookPort}`, '--api-port', `${api}`, '--admin-port', `${adminPort}`];
      const args = [main, 'standalone', ...common, '--state-dir', join(folder, `state-${i}`), ...ports];
      made.push({ process: new ServerProcess(`replica-${i}`, process.execPath, folder, base.guard), args, adminPort, webhookPort });
    }
    const balancer = await Balancer.start(
      made.map(({ adminPort, webhookPort }) => ({ port: webhookPort, ready: () => isReady(adminPort) })),
    );
    const botParts = botPorts.map((port, i) => {
      const log = join(folder, `bot-${i}.jsonl`);
      return {
        process: new ServerProcess(`bot-${i}`, process.execPath, folder, base.guard),
        args: typescript('bot.ts', { port, secret: appSecret, log }),
        port,
        log,
        pages: ofBot(i),
      };
    });
    const fleet = new Fleet({ ...base, replicas: made, bots: botParts, balancer, appSecret });
    await fleet.#begin(ids);
    return fleet;
  }

  get webhookUrl(): string {
    return `http://127.0.0.1:${this.#parts.balancer.port}/webhooks/messenger`;
  }

  get counts(): { readonly replicas: number; readonly bots: number } {
    return { replicas: this.#parts.replicas.length, bots: this.#parts.bots.length };
  }

  /** kill -9, and started again at once. Resolves when it is ready. */
  async crashReplica(at: number): Promise<void> {
    const replica = this.#replica(at);
    await replica.process.kill();
    await this.#startReplica(replica);
  }

  /**
   * As a rolling update does it: SIGTERM, and started again once it has ended. Resolves when it is
   * ready.
   */
  async restartReplica(at: number): Promise<void> {
    const replica = this.#replica(at);
    await replica.process.stop(40_000);
    await this.#startReplica(replica);
  }

  /** kill -9; started again after `downMs`. */
  async crashBot(at: number, downMs: number): Promise<void> {
    const bot = this.#parts.bots[at];
    if (bot === undefined) throw new RangeError(`there is no bot ${at}`);
    await bot.process.kill();
    await new Promise((resolve) => setTimeout(resolve, downMs));
    await this.#startBot(bot);
  }

  /** Begins to send. Goes on until {@link endTraffic}, at least as many events as asked for. */
  beginTraffic(traffic: Traffic): void {
    const { folder, appSecret, bots } = this.#parts;
    const pages = bots.flatMap((bot) => [...bot.pages]);
    const log = join(folder, 'sender.jsonl');
    this.#sender.start(typescript('sender.ts', { ...traffic, url: this.webhookUrl, secret: appSecret, pages, usersPerPage: 40, log }));
  }

  get sending(): boolean {
    return this.#sender.running;
  }

  /** Waits until everything was answered 200, and judges by the logs. */
  async endTraffic(deadlineMs: number): Promise<Verdict> {
    this.#sender.signal('SIGTERM');
    await eventually(() => !this.#sender.running, deadlineMs, 'the sender coming to its end');
    const logs = new Map(this.#parts.bots.map(({ log, pages }) => [log, pages]));
    return judge(join(this.#parts.folder, 'sender.jsonl'), logs);
  }

  /** Lines of all replicas' logs that hold a text. */
  async logged(text: string): Promise<readonly string[]> {
    const logs = await Promise.all(this.#parts.replicas.map(({ process: { logFile } }) => readFile(logFile, 'utf8').catch(() => '')));
    return logs.flatMap((log) => log.split('\n').filter((line) => line.includes(text)));
  }

  async stop(): Promise<void> {
    const { replicas, bots, balancer, sim, guard } = this.#parts;
    await Promise.all(
      [this.#sender, ...replicas.map(({ process: one }) => one), ...bots.map(({ process: one }) => one)].map((one) => one.kill()),
    );
    await balancer.stop();
    await sim.stop();
    await guard.release();
  }

  async #begin(ids: readonly string[]): Promise<void> {
    const { replicas, bots, appSecret } = this.#parts;
    try {
      await Promise.all([...bots.map((bot) => this.#startBot(bot)), ...replicas.map((replica) => this.#startReplica(replica))]);
      for (const { webhookPort } of replicas) {
        for (const page of ids)
          await eventually(
            async () => (await send({ port: webhookPort, secret: appSecret }, first(page, webhookPort))) === 200,
            20_000,
            `page ${page} led to its bot`,
          );
      }
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  #replica(at: number): Replica {
    const replica = this.#parts.replicas[at];
    if (replica === undefined) throw new RangeError(`there is no replica ${at}`);
    return replica;
  }

  async #startReplica({ process: one, args, adminPort }: Replica): Promise<void> {
    one.start(args);
    await one.waitUntil(() => isReady(adminPort), 60_000);
  }

  async #startBot({ process: one, args, port }: Bot): Promise<void> {
    one.start(args);
    await one.waitUntil(async () => (await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: '' })).status === 400, 20_000);
  }
}

async function isReady(adminPort: number): Promise<boolean> {
  return (await fetch(`http://127.0.0.1:${adminPort}/readyz`, { signal: AbortSignal.timeout(1_000) })).ok;
}

/** The first event of a conversation of its own, so that it is no part of what is judged. */
function first(page: string, user: number): string {
  const mid = `${page}/${user}/1`;
  return `{"object":"page","entry":[{"id":"${page}","time":${Date.now()},"messaging":[{"sender":{"id":"${user}"},"recipient":{"id":"${page}"},"message":{"mid":"${mid}","text":"first"}}]}]}`;
}

function manifestsOf(
  sim: RunningSimulator,
  { appSecret, ids, bots }: { readonly appSecret: string; readonly ids: readonly string[]; readonly bots: number },
): Manifest[] {
  sim.control.makeApp({ id: APP_ID, secret: appSecret, requireProof: true });
  sim.control.setAppSubscription(APP_ID, 'page', {
    callbackUrl: 'http://127.0.0.1:9/webhooks/messenger',
    fields: ['messages', 'messaging_postbacks', 'messaging_optins', 'messaging_referrals', 'messaging_policy_enforcement'],
  });
  const app = { name: 'main', namespace: NAMESPACE };
  const pages = ids.flatMap((pageId, i) => {
    const place = { name: `page-${i}`, namespace: NAMESPACE };
    sim.control.makePage({ id: pageId });
    const token = sim.control.makeToken({ appId: APP_ID, pageId, alias: place.name });
    const backend = { service: { name: `bot-${i % bots}`, port: 5000, path: '/bot' } };
    return [secret(place, { token }), messengerPage(place, { pageId, appRef: { name: app.name }, backend })];
  });
  const services = Array.from({ length: bots }, (_, i) => service({ name: `bot-${i}`, namespace: NAMESPACE }));
  return [secret(app, { appSecret, verifyToken: 'verify-me' }), messengerApp(app, { appId: APP_ID }), ...services, ...pages];
}
