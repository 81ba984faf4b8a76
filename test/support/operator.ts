import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunningSimulator } from '../../src/simulator/simulator.js';
import type { ControlPlane, KubeconfigTarget } from './control-plane.js';
import { freePorts, ProcessGuard, ServerProcess } from './control-plane-process.js';
import { builtOperator } from './operator-build.js';
import { installChart, RELEASE } from './operator-chart.js';

export const ROLES = ['controller', 'webhook', 'pages-api'] as const;
export type Role = (typeof ROLES)[number];

/** What a test may ask for. */
export interface OperatorOptions {
  readonly cluster: ControlPlane;
  readonly sim: Pick<RunningSimulator, 'url'>;
  /**
   * Namespaces whose Secrets the webhook may watch; the chart is installed for them. undefined: the
   * operator is installed in the cluster already, and its processes get the flags of its
   * Deployments first.
   */
  readonly secretNamespaces: readonly string[] | undefined;
  /** `namespace/name:port` of a Service → port of the bot on this machine. */
  readonly services: Readonly<Record<string, number>>;
  /** Further flags for a role; the last one given wins. */
  readonly flags?: Partial<Readonly<Record<Role, readonly string[]>>>;
  /** Flags of Node for every role. */
  readonly nodeFlags?: readonly string[];
  /** Where the roles reach the API server, if not at its own address. */
  readonly target?: KubeconfigTarget;
}

const READY_DEADLINE_MS = 90_000;
const COMMON = ['--bind-address', '127.0.0.1', '--log-level', 'debug'];
const SHORT_TIMES = ['--interval', '3s', '--min-interval', '1s', '--token-check-interval', '10s'];

/**
 * The three roles as processes of their own, each with the token of its ServiceAccount and the RBAC
 * that the chart gives it.
 */
export class Operator {
  readonly webhookUrl: string;
  readonly pagesApiUrl: string;
  /** role → `http://127.0.0.1:PORT` of its admin server. */
  readonly adminUrls: Readonly<Record<Role, string>>;
  /** role → path of its kubeconfig. */
  readonly kubeconfigs: Readonly<Record<Role, string>>;
  /**
   * role → path of the file with the token of its ServiceAccount, read anew by the process as that
   * of a Pod is.
   */
  readonly tokenFiles: Readonly<Record<Role, string>>;
  readonly #processes: Readonly<Record<Role, ServerProcess>>;
  readonly #commands: Readonly<Record<Role, readonly string[]>>;
  readonly #guard: ProcessGuard;

  constructor(parts: OperatorParts) {
    this.webhookUrl = `http://127.0.0.1:${parts.webhookPort}/webhooks/messenger`;
    this.pagesApiUrl = `http://127.0.0.1:${parts.apiPort}`;
    this.adminUrls = byRole((role) => `http://127.0.0.1:${parts.adminPorts[role]}`);
    this.kubeconfigs = parts.kubeconfigs;
    this.tokenFiles = parts.tokenFiles;
    this.#guard = new ProcessGuard(parts.folder);
    this.#processes = byRole((role) => new ServerProcess(role, process.execPath, parts.folder, this.#guard));
    this.#commands = parts.commands;
  }

  /** Starts a role, or all; waits until what was started is ready. */
  async start(roles: readonly Role[] = ROLES): Promise<void> {
    for (const role of roles) this.#processes[role].start(this.#commands[role]);
    for (const role of roles) {
      await this.#processes[role].waitUntil(async () => (await fetch(`${this.adminUrls[role]}/readyz`)).ok, READY_DEADLINE_MS);
    }
  }

  /** What the role is started with, for one more process of it. */
  command(role: Role): readonly string[] {
    return this.#commands[role];
  }

  running(role: Role): boolean {
    return this.#processes[role].running;
  }

  /** The process of a role; another number after a restart. */
  pid(role: Role): number | undefined {
    return this.#processes[role].pid;
  }

  /** Ends a role as a rolling update does. */
  async end(role: Role): Promise<void> {
    await this.#processes[role].stop();
  }

  /** Ends a role as a crash does. */
  async kill(role: Role): Promise<void> {
    await this.#processes[role].kill();
  }

  async restart(role: Role): Promise<void> {
    await this.end(role);
    await this.start([role]);
  }

  /** Starts again what has ended by itself, as the kubelet does. @returns which roles had */
  async revive(): Promise<readonly Role[]> {
    const ended = ROLES.filter((role) => !this.running(role));
    await this.start(ended);
    return ended;
  }

  /** Everything that a role has written to stdout and stderr, over all its starts. */
  async output(role: Role): Promise<string> {
    return readFile(this.#processes[role].logFile, 'utf8').catch(() => '');
  }

  async metrics(role: Role): Promise<string> {
    return (await fetch(`${this.adminUrls[role]}/metrics`)).text();
  }

  /** Ends everything and removes the logs. */
  async stop(): Promise<void> {
    await Promise.all(ROLES.map((role) => this.#processes[role].stop(10_000)));
    await this.#guard.release();
  }
}

interface OperatorParts {
  readonly folder: string;
  readonly webhookPort: number;
  readonly apiPort: number;
  readonly adminPorts: Readonly<Record<Role, number>>;
  readonly kubeconfigs: Readonly<Record<Role, string>>;
  readonly tokenFiles: Readonly<Record<Role, string>>;
  readonly commands: Readonly<Record<Role, readonly string[]>>;
}

/**
 * Installs the chart into the cluster and starts the operator against it and the simulator, with
 * times of seconds.
 * @throws with the end of its log, when a role does not become ready
 */
export async function startOperator(options: OperatorOptions): Promise<Operator> {
  const { cluster, sim, secretNamespaces, services, flags = {}, nodeFlags = [], target } = options;
  const [main, first] = await Promise.all([builtOperator(), installed(cluster, secretNamespaces)]);
  const folder = await mkdtemp(join(tmpdir(), 'operator-'));
  const resolver = join(folder, 'services.json');
  await writeFile(resolver, JSON.stringify(Object.fromEntries(Object.entries(services).map(([key, port]) => [key, `127.0.0.1:${port}`]))));
  const [webhookPort = 0, apiPort = 0, a = 0, b = 0, c = 0] = await freePorts(5);
  const adminPorts = { controller: a, webhook: b, 'pages-api': c };
  const own: Record<Role, readonly string[]> = {
    controller: ['--service-resolver', resolver, '--graph-url', sim.url, '--lease-namespace', RELEASE, ...SHORT_TIMES],
    webhook: ['--service-resolver', resolver, '--webhook-port', `${webhookPort}`],
    'pages-api': ['--graph-url', sim.url, '--api-port', `${apiPort}`, '--api-allow-plaintext'],
  };
  const tokenFiles = byRole((role) => join(folder, `${role}.token`));
  const kubeconfigFor = (role: Role): Promise<string> =>
    cluster.kubeconfigFor({ serviceAccount: `${RELEASE}-${role}`, namespace: RELEASE, tokenFile: tokenFiles[role] }, target);
  const written = await Promise.all(ROLES.map(kubeconfigFor));
  const kubeconfigs = byRole((role) => written[ROLES.indexOf(role)] ?? '');
  const commands = byRole((role) => [
    ...[...nodeFlags, main, role, ...first[role], '--kubeconfig', kubeconfigs[role], '--admin-port', `${adminPorts[role]}`],
    ...[...COMMON, ...own[role], ...(flags[role] ?? [])],
  ]);
  const operator = new Operator({ folder, webhookPort, apiPort, adminPorts, kubeconfigs, tokenFiles, commands });
  try {
    await operator.start();
  } catch (error) {
    await operator.stop();
    throw error;
  }
  return operator;
}

type Flags = Readonly<Record<Role, readonly string[]>>;

/** @returns the flags that the roles begin with */
async function installed(cluster: ControlPlane, secretNamespaces: readonly string[] | undefined): Promise<Flags> {
  if (secretNamespaces === undefined) return deployedFlags(cluster);
  await installChart(cluster, secretNamespaces);
  return { controller: [], webhook: ['--webhook-secret-namespaces', secretNamespaces.join(',')], 'pages-api': [] };
}

interface Deployment {
  readonly spec: { readonly template: { readonly spec: { readonly containers: readonly { readonly args: readonly string[] }[] } } };
}

/** What the Pods of the installed release would run, without the files that only a Pod has. */
async function deployedFlags({ admin }: ControlPlane): Promise<Flags> {
  const path = `/apis/apps/v1/namespaces/${RELEASE}/deployments`;
  const read = async (role: Role): Promise<readonly string[]> => {
    const { spec } = await admin.get<Deployment>(`${path}/${RELEASE}-${role}`);
    const [, ...flags] = spec.template.spec.containers[0]?.args ?? [];
    return flags.filter((flag) => !flag.includes('=/etc/'));
  };
  const flags = await Promise.all(ROLES.map(read));
  return byRole((role) => flags[ROLES.indexOf(role)] ?? []);
}

function byRole<T>(make: (role: Role) => T): Readonly<Record<Role, T>> {
  return { controller: make('controller'), webhook: make('webhook'), 'pages-api': make('pages-api') };
}
