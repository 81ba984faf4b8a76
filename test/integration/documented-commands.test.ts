import { createHmac } from 'node:crypto';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { MessengerApp, MessengerPage } from '../../src/api/v1alpha1/types.gen.js';
import { startSimulator, type RunningSimulator } from '../../src/simulator/simulator.js';
import { RecordingBot } from '../support/bot-server.js';
import { startControlPlane, type ControlPlane } from '../support/control-plane.js';
import { findPrograms } from '../support/control-plane-tools.js';
import { documentedCommands } from '../support/documented-commands.js';
import { eventually } from '../support/eventually.js';
import { freePorts, ProcessGuard, run, ServerProcess } from '../support/control-plane-process.js';
import { builtOperator } from '../support/operator-build.js';
import { startOperator, type Operator } from '../support/operator.js';
import { FIELDS } from '../support/page-world.js';

/** What deploy/samples/basic and the documents use. */
const SAMPLE = {
  appId: '1517776481860111',
  pageId: '1234567890',
  appSecret: 'replace-with-the-app-secret',
  signingSecret: 'replace-with-another-long-random-text',
  token: 'replace-with-the-page-access-token',
  callbackUrl: 'https://bots.example.com/webhooks/messenger',
};
const KINDS = '/apis/messenger-operator.dev/v1alpha1/namespaces/bots';
const DEPLOYMENTS = '/apis/apps/v1/namespaces/messenger-operator/deployments';

// Each test starts an API server, and most of them all roles.
jest.setTimeout(240_000);

const { helm, kubectl } = await findPrograms();
// Without helm and without Go to build it there is nothing to type.
const suite = helm === null || kubectl === null ? describe.skip : describe;

/**
 * An API server with nothing in it, what stands in for Meta and for the bot, and the operator once
 * it is installed.
 */
class EmptyCluster {
  readonly cluster: ControlPlane;
  readonly #sim: RunningSimulator;
  readonly #bot: RecordingBot;
  readonly #folder: string;
  #operator: Operator | undefined;
  #sent = 0;

  private constructor(parts: { cluster: ControlPlane; sim: RunningSimulator; bot: RecordingBot; folder: string }) {
    this.cluster = parts.cluster;
    this.#sim = parts.sim;
    this.#bot = parts.bot;
    this.#folder = parts.folder;
  }

  static async start(): Promise<EmptyCluster> {
    const folder = await mkdtemp(join(tmpdir(), 'reader-'));
    // What a reader sees in a clone; files that the commands make stay out of it.
    for (const name of ['charts', 'deploy', 'examples']) await symlink(resolve(name), join(folder, name));
    const [cluster, sim, bot] = await Promise.all([
      startControlPlane({ controllerManager: true }),
      startSimulator(),
      RecordingBot.start(SAMPLE.signingSecret),
    ]);
    sim.control.makeApp({ id: SAMPLE.appId, secret: SAMPLE.appSecret, requireProof: true });
    sim.control.setAppSubscription(SAMPLE.appId, 'page', { callbackUrl: SAMPLE.callbackUrl, fields: [...FIELDS, 'messaging_handovers'] });
    sim.control.makePage({ id: SAMPLE.pageId });
    sim.control.makeToken({ appId: SAMPLE.appId, pageId: SAMPLE.pageId, value: SAMPLE.token });
    return new EmptyCluster({ cluster, sim, bot, folder });
  }

  /**
   * Types every command of the files, in order. Once the operator's Deployments are there, its
   * processes run as their Pods would.
   */
  async type(...files: readonly string[]): Promise<void> {
    for (const { file, line, text } of files.flatMap(documentedCommands)) {
      const { code, stdout, stderr } = await this.cluster.shell(text, this.#folder);
      const command = `${file}:${line} ${text}`;
      expect({ command, code, output: code === 0 ? '' : `${stdout}${stderr}` }).toEqual({ command, code: 0, output: '' });
      if (await this.#isInstalled()) this.#operator ??= await this.#startRoles();
    }
  }

  /** Meta sends events of the sample's Page until one comes to its bot. */
  async deliversAMessage(): Promise<void> {
    await eventually(async () => {
      const mid = `m_sample_${++this.#sent}`;
      expect(await this.#send(mid)).toBe(200);
      return this.#bot.mids().includes(mid);
    }, 45_000);
  }

  async ready(): Promise<void> {
    const isReady = ({ status }: MessengerApp | MessengerPage): boolean =>
      status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false;
    await this.cluster.admin.waitFor<MessengerApp>(`${KINDS}/messengerapps/main`, isReady, 30_000);
    await this.cluster.admin.waitFor<MessengerPage>(`${KINDS}/messengerpages/clinic-a`, isReady, 30_000);
  }

  async stop(): Promise<void> {
    await this.#operator?.stop();
    await Promise.all([this.cluster.stop(), this.#sim.stop(), this.#bot.stop()]);
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #send(mid: string): Promise<number> {
    const messaging = [{ sender: { id: '9' }, recipient: { id: SAMPLE.pageId }, timestamp: Date.now(), message: { mid, text: 'hello' } }];
    const body = JSON.stringify({ object: 'page', entry: [{ id: SAMPLE.pageId, time: Date.now(), messaging }] });
    const signature = `sha256=${createHmac('sha256', SAMPLE.appSecret).update(body).digest('hex')}`;
    const headers = { 'content-type': 'application/json', 'x-hub-signature-256': signature };
    return (await fetch(this.#operator?.webhookUrl ?? '', { method: 'POST', headers, body })).status;
  }

  async #isInstalled(): Promise<boolean> {
    return (await this.cluster.admin.find(`${DEPLOYMENTS}/messenger-operator-webhook`)) !== undefined;
  }

  #startRoles(): Promise<Operator> {
    const services = { 'bots/clinic-bot:5000': this.#bot.port };
    return startOperator({ cluster: this.cluster, sim: this.#sim, secretNamespaces: undefined, services });
  }
}

suite('on an empty cluster, every command works as it is written in', () => {
  let reader: EmptyCluster;

  beforeAll(async () => {
    await builtOperator();
  }, 240_000);

  afterEach(async () => {
    await reader.stop();
  });

  it('README.md and the sample that it applies', async () => {
    reader = await EmptyCluster.start();

    await reader.type('README.md', 'deploy/samples/basic/40-bot.yaml');

    await reader.ready();
    await reader.deliversAMessage();
  });

  it('docs/getting-started.md', async () => {
    reader = await EmptyCluster.start();

    await reader.type('docs/getting-started.md');

    await reader.deliversAMessage();
  });

  it('deploy/samples/README.md, all samples beside each other', async () => {
    reader = await EmptyCluster.start();

    await reader.type('deploy/samples/README.md');

    await reader.ready();
  });

  it('the head of deploy/install.yaml, whose samples need nothing else', async () => {
    reader = await EmptyCluster.start();

    await reader.type('deploy/install.yaml', 'deploy/samples/basic/40-bot.yaml');

    await reader.ready();
    await reader.deliversAMessage();
  });
});

describe('without a cluster, every command works as it is written in', () => {
  it('deploy/samples/standalone/README.md', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'reader-'));
    const [main, sim, ports] = await Promise.all([builtOperator(), startSimulator(), freePorts(3)]);
    const [webhook = 0, api = 0, admin = 0] = ports;
    await Promise.all([symlink(resolve('deploy'), join(folder, 'deploy')), symlink(resolve('crds'), join(folder, 'crds'))]);
    await writeFile(join(folder, 'messenger-operator'), `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`, { mode: 0o755 });
    const guard = new ProcessGuard(folder);
    const server = new ServerProcess('standalone', 'sh', folder, guard);
    // What the reader of another machine does not have to set: ports that are free here, and
    // another Graph.
    const env = [
      `PATH=${folder}:$PATH MESSENGER_GRAPH_URL=${sim.url}`,
      `MESSENGER_WEBHOOK_PORT=${webhook} MESSENGER_API_PORT=${api} MESSENGER_ADMIN_PORT=${admin}`,
    ].join(' ');
    try {
      const [serve, ...others] = documentedCommands('deploy/samples/standalone/README.md');
      server.start(['-euc', `cd '${folder}'; export ${env}; exec ${serve?.text ?? ''}`]);
      await server.waitUntil(async () => (await fetch(`http://127.0.0.1:${admin}/readyz`)).ok, 30_000);
      for (const { text } of others) {
        const { code, stdout, stderr } = await run('sh', ['-euc', `export ${env}; ${text}`], { cwd: folder });
        expect({ text, code, stderr }).toEqual({ text, code: 0, stderr: '' });
        expect(stdout).toContain('clinic-a');
      }
      expect(others).toHaveLength(1);
    } finally {
      await server.stop();
      await Promise.all([sim.stop(), guard.release()]);
    }
  });
});
