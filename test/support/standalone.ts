import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunningSimulator } from '../../src/simulator/simulator.js';
import { freePorts, ProcessGuard, ServerProcess } from './control-plane-process.js';
import { builtOperator } from './operator-build.js';
import type { Manifest } from './page-manifests.js';

export interface StandaloneOptions {
  readonly sim: Pick<RunningSimulator, 'url'>;
  /** `namespace/name:port` of a Service → port of the bot on this machine. */
  readonly services: Readonly<Record<string, number>>;
  /** The first file of manifests. */
  readonly manifests: readonly Manifest[];
  readonly flags?: readonly string[];
  /** Arguments of Node itself. */
  readonly nodeArgs?: readonly string[];
}

const READY_DEADLINE_MS = 20_000;
const SHORT_TIMES = [
  '--interval',
  '2s',
  '--min-interval',
  '1s',
  '--token-check-interval',
  '5s',
  '--rescan',
  '500ms',
  '--deletion-confirm',
  '1s',
];

/** `messenger-operator standalone` in a process of its own, with a folder of manifests. */
export class Standalone {
  readonly webhookUrl: string;
  readonly pagesApiUrl: string;
  readonly adminUrl: string;
  readonly process: ServerProcess;
  readonly #folder: string;
  readonly #guard: ProcessGuard;

  private constructor(folder: string, ports: readonly number[]) {
    const [webhook = 0, api = 0, admin = 0] = ports;
    this.webhookUrl = `http://127.0.0.1:${webhook}/webhooks/messenger`;
    this.pagesApiUrl = `http://127.0.0.1:${api}`;
    this.adminUrl = `http://127.0.0.1:${admin}`;
    this.#folder = folder;
    this.#guard = new ProcessGuard(folder);
    this.process = new ServerProcess('standalone', process.execPath, folder, this.#guard);
  }

  /** Resolves when it is ready. @throws with the end of its log */
  static async start({ sim, services, manifests, flags = [], nodeArgs = [] }: StandaloneOptions): Promise<Standalone> {
    const main = await builtOperator();
    const folder = await mkdtemp(join(tmpdir(), 'standalone-'));
    const ports = await freePorts(3);
    const made = new Standalone(folder, ports);
    await mkdir(made.#manifests);
    await made.apply('first', manifests);
    const resolver = join(folder, 'services.json');
    await writeFile(
      resolver,
      JSON.stringify(Object.fromEntries(Object.entries(services).map(([key, port]) => [key, `127.0.0.1:${port}`]))),
    );
    const [webhook = 0, api = 0, admin = 0] = ports;
    made.process.start([
      ...[...nodeArgs, main, 'standalone', '--manifests', made.#manifests, '--state-dir', made.stateFolder],
      ...['--webhook-port', `${webhook}`, '--api-port', `${api}`, '--api-allow-plaintext', '--admin-port', `${admin}`],
      ...['--graph-url', sim.url, '--service-resolver', resolver, '--log-level', 'debug', ...SHORT_TIMES, ...flags],
    ]);
    await made.process.waitUntil(async () => (await fetch(`${made.adminUrl}/readyz`)).ok, READY_DEADLINE_MS);
    return made;
  }

  get stateFolder(): string {
    return join(this.#folder, 'state');
  }

  get #manifests(): string {
    return join(this.#folder, 'manifests');
  }

  /** Writes a file of manifests in one step, so that no reader sees half of it. */
  async apply(file: string, objects: readonly Manifest[]): Promise<void> {
    const aside = join(this.#folder, `${file}.tmp`);
    await writeFile(aside, objects.map((object) => JSON.stringify(object)).join('\n---\n'));
    await rename(aside, join(this.#manifests, `${file}.yaml`));
  }

  async remove(file: string): Promise<void> {
    await rm(join(this.#manifests, `${file}.yaml`));
  }

  /** All files of the state folder, their names in front. */
  async state(): Promise<string> {
    const names = await readdir(this.stateFolder, { recursive: true, withFileTypes: true });
    const files = names.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
    const texts = await Promise.all(files.map(async (path) => `${path}\n${await readFile(path, 'utf8').catch(() => '')}`));
    return texts.join('\n');
  }

  async output(): Promise<string> {
    return readFile(this.process.logFile, 'utf8').catch(() => '');
  }

  async stop(): Promise<void> {
    await this.process.stop(10_000);
    await this.#guard.release();
  }
}
