import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readAuditLog, type AuditEntry } from './control-plane-audit.js';
import { ControlPlaneClient, type ApiAccess } from './control-plane-client.js';
import { kubeconfigText, readKubeconfig } from './control-plane-kubeconfig.js';
import type { Finished } from './control-plane-process.js';
import { LocalServers, type ServerOptions } from './control-plane-servers.js';
import { recordUsage, type ExpectedRefusal, type Interval } from './grant-usage.js';
import { ControlPlaneTools, findPrograms, type ControlPlanePrograms, type ToolOptions } from './control-plane-tools.js';

/**
 * What namespaces need to go away, ServiceAccounts to have tokens in Secrets, owners to take their
 * dependents along, and roles to aggregate.
 */
const DEFAULT_CONTROLLERS = [
  'namespace-controller',
  'serviceaccount-controller',
  'serviceaccount-token-controller',
  'garbage-collector-controller',
  'clusterrole-aggregation-controller',
  'root-ca-certificate-publisher-controller',
];

/** What a test may ask for. */
export interface ControlPlaneOptions {
  /** Start kube-controller-manager too; a list names controllers to run besides the usual ones. */
  readonly controllerManager?: boolean | readonly string[];
  /** Further flags for kube-apiserver. Without effect on a cluster of TEST_KUBECONFIG. */
  readonly apiServerFlags?: readonly string[];
}

/** How a ServiceAccount's token is to be. */
export interface TokenOptions {
  /** The API server's own if not given. */
  readonly audiences?: readonly string[];
  /** The API server takes no less than 600. */
  readonly expirationSeconds?: number;
}

/**
 * Whose kubeconfig: a ServiceAccount by a token of its own, or any user by impersonation with the
 * admin's right. With `tokenFile` the token is written there, and the kubeconfig names the file.
 */
export type Subject =
  | ({ readonly serviceAccount: string; readonly namespace: string; readonly tokenFile?: string } & TokenOptions)
  | { readonly user: string; readonly groups?: readonly string[] };

/**
 * Where a kubeconfig points, if not at the API server itself: at a proxy in front of it, with the
 * PEM of its CA.
 */
export interface KubeconfigTarget {
  readonly server?: URL;
  readonly ca?: string;
}

/** A real API server, with what tests need around it. */
export class ControlPlane {
  /** Requests as `system:masters`. */
  readonly admin: ControlPlaneClient;
  readonly server: URL;
  /** PEM of the CA that the server's certificate is checked with. */
  readonly ca: string;
  /** The same, as a file. */
  readonly caFile: string;
  /** Path of a kubeconfig of `system:masters`. */
  readonly adminKubeconfig: string;
  /** The audience that the API server itself accepts. */
  readonly audience: string;
  readonly #folder: string;
  readonly #access: ApiAccess;
  readonly #tools: ControlPlaneTools;
  readonly #servers: LocalServers | null;
  readonly #expectedRefusals: ExpectedRefusal[] = [];
  readonly #starts: Interval[] = [];
  #kubeconfigs = 0;

  constructor(parts: ControlPlaneParts) {
    const { access, folder, tools, servers } = parts;
    this.server = access.server;
    this.ca = access.ca ?? '';
    this.caFile = parts.caFile;
    this.adminKubeconfig = parts.adminKubeconfig;
    this.audience = parts.audience;
    this.admin = parts.admin;
    this.#folder = folder;
    this.#access = access;
    this.#tools = tools;
    this.#servers = servers;
  }

  /** Whether the servers are ours to stop and start; false with TEST_KUBECONFIG. */
  get managed(): boolean {
    return this.#servers !== null;
  }

  /** The audit log: one JSON line a request, level Metadata. @throws with TEST_KUBECONFIG. */
  get auditLogPath(): string {
    return this.#local('an audit log').auditLogPath;
  }

  /**
   * What the audit log holds now. The API server writes an entry before it sends the answer's end.
   */
  async audit(): Promise<readonly AuditEntry[]> {
    return readAuditLog(this.auditLogPath);
  }

  /**
   * Says that a test has the API server refuse such requests on purpose: the check of grants after
   * all suites leaves them out.
   */
  expectRefusals(...expected: readonly ExpectedRefusal[]): void {
    this.#expectedRefusals.push(...expected);
  }

  /** A token of the ServiceAccount by the TokenRequest API; the ServiceAccount must exist. */
  async requestToken(namespace: string, name: string, options: TokenOptions = {}): Promise<string> {
    return requestToken(this.admin, namespace, name, options);
  }

  /** Path of a new kubeconfig for `subject`; its namespace is the ServiceAccount's. */
  async kubeconfigFor(subject: Subject, target: KubeconfigTarget = {}): Promise<string> {
    const { server = this.server, ca = this.#access.ca } = target;
    const path = join(this.#folder, `kubeconfig-${++this.#kubeconfigs}`);
    const text =
      'user' in subject
        ? kubeconfigText({ server, ca, user: { ...this.#adminUser(), as: subject.user, 'as-groups': subject.groups ?? [] } })
        : kubeconfigText({ server, ca, user: await this.#accountUser(subject), namespace: subject.namespace });
    await writeFile(path, text, { mode: 0o600 });
    return path;
  }

  /** Runs kubectl, as the admin by default; a code other than 0 is an answer. */
  async kubectl(args: readonly string[], options: ToolOptions = {}): Promise<Finished> {
    return this.#tools.kubectl(args, options);
  }

  /** Runs helm, as the admin by default; a code other than 0 is an answer. */
  async helm(args: readonly string[], options: ToolOptions = {}): Promise<Finished> {
    return this.#tools.helm(args, options);
  }

  /**
   * Types a command line into a shell in the folder `cwd`, as the admin; a code other than 0 is an
   * answer.
   */
  async shell(command: string, cwd: string, options: ToolOptions = {}): Promise<Finished> {
    return this.#tools.shell(command, cwd, options);
  }

  /** Ends the API server as a rolling update does. */
  async stopApiServer(): Promise<void> {
    await this.#local('stopping the API server').stopApiServer();
  }

  /** Ends the API server as a crash does. */
  async killApiServer(): Promise<void> {
    await this.#local('killing the API server').killApiServer();
  }

  /**
   * Starts the API server again, on the same port with the same data and certificate; waits until
   * it is ready.
   */
  async startApiServer(): Promise<void> {
    await this.#starting(this.#local('starting the API server').startApiServer());
  }

  /**
   * A copy of etcd's data, to be given to {@link restoreEtcd}; etcd and the API server restart for
   * it.
   */
  async snapshotEtcd(): Promise<string> {
    return this.#starting(this.#local('a snapshot of etcd').snapshotEtcd());
  }

  /**
   * Brings etcd back to a snapshot, resource versions included, as restoring a backup does; both
   * servers restart.
   */
  async restoreEtcd(snapshot: string): Promise<void> {
    await this.#starting(this.#local('restoring etcd').restoreEtcd(snapshot));
  }

  /** Ends what was started and removes the folder with all kubeconfigs. */
  async stop(): Promise<void> {
    this.admin.close();
    try {
      // Before the folder goes; an entry is written before its answer.
      if (this.#servers !== null) await recordUsage(this.#servers.auditLogPath, this.#expectedRefusals, this.#starts);
    } finally {
      await this.#servers?.stop();
      await rm(this.#folder, { recursive: true, force: true });
    }
  }

  /** Remembers how long the servers took to come up. */
  async #starting<T>(work: Promise<T>): Promise<T> {
    const fromMs = Date.now();
    const result = await work;
    this.#starts.push({ fromMs, toMs: Date.now() });
    return result;
  }

  async #accountUser(subject: Extract<Subject, { serviceAccount: string }>): Promise<Readonly<Record<string, string>>> {
    const { namespace, serviceAccount, tokenFile } = subject;
    const token = await this.requestToken(namespace, serviceAccount, subject);
    if (tokenFile === undefined) return { token };
    await writeFile(tokenFile, token, { mode: 0o600 });
    return { tokenFile };
  }

  #local(what: string): LocalServers {
    if (this.#servers === null) throw new Error(`${what} is not available with the cluster of TEST_KUBECONFIG: unset it for this test`);
    return this.#servers;
  }

  #adminUser(): Record<string, unknown> {
    const { token, cert, key } = this.#access;
    if (token !== undefined) return { token };
    const base64 = (pem = ''): string => Buffer.from(pem).toString('base64');
    return { 'client-certificate-data': base64(cert), 'client-key-data': base64(key) };
  }
}

interface ControlPlaneParts {
  readonly access: ApiAccess;
  readonly admin: ControlPlaneClient;
  readonly folder: string;
  readonly caFile: string;
  readonly adminKubeconfig: string;
  readonly audience: string;
  readonly tools: ControlPlaneTools;
  readonly servers: LocalServers | null;
}

/**
 * A real API server for a test: the cluster of TEST_KUBECONFIG, or kube-apiserver and
 * etcd of KUBEBUILDER_ASSETS, or those that `npm run controlplane` built. Takes about
 * five seconds. Call `stop()` at the end; should the test die before, a guard ends the servers.
 * @throws when none of them is there, saying what to do.
 */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const programs = await findPrograms();
  const folder = await mkdtemp(join(tmpdir(), 'control-plane-'));
  await mkdir(join(folder, 'home'));
  const external = process.env['TEST_KUBECONFIG'];
  try {
    return external ? await useCluster(external, programs, folder) : await startServers(programs, folder, options);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function startServers(programs: ControlPlanePrograms, folder: string, options: ControlPlaneOptions): Promise<ControlPlane> {
  if (programs.kubeApiserver === null || programs.etcd === null) {
    throw new Error(
      'there is no kube-apiserver to test with: run `npm run controlplane` (once, it takes some minutes), ' +
        'or set KUBEBUILDER_ASSETS to a folder with etcd and kube-apiserver, or TEST_KUBECONFIG to a cluster',
    );
  }
  const servers = new LocalServers(folder, programs, serverOptions(options));
  try {
    await servers.start();
  } catch (error) {
    await servers.stop();
    throw error;
  }
  const access = { server: servers.server, ca: await readFile(servers.caFile, 'utf8'), token: servers.adminToken };
  const adminKubeconfig = join(folder, 'admin.kubeconfig');
  await writeFile(adminKubeconfig, kubeconfigText({ ...access, user: { token: access.token } }), { mode: 0o600 });
  return assemble({ access, folder, adminKubeconfig, caFile: servers.caFile, servers }, programs);
}

async function useCluster(kubeconfig: string, programs: ControlPlanePrograms, folder: string): Promise<ControlPlane> {
  const caFile = join(folder, 'ca.crt');
  const view = ['config', 'view', '--raw', '--minify', '--flatten', '-o', 'json'];
  const { stdout, stderr, code } = await new ControlPlaneTools(programs, join(folder, 'home'), kubeconfig).kubectl(view);
  if (code !== 0) throw new Error(`kubectl cannot read TEST_KUBECONFIG=${kubeconfig}: ${stderr}`);
  const access = readKubeconfig(stdout);
  await writeFile(caFile, access.ca ?? '');
  return assemble({ access, folder, adminKubeconfig: kubeconfig, caFile, servers: null }, programs);
}

async function assemble(
  parts: Omit<ControlPlaneParts, 'admin' | 'audience' | 'tools'>,
  programs: ControlPlanePrograms,
): Promise<ControlPlane> {
  const admin = new ControlPlaneClient(parts.access);
  const tools = new ControlPlaneTools(programs, join(parts.folder, 'home'), parts.adminKubeconfig);
  return new ControlPlane({ ...parts, admin, tools, audience: await ownAudience(admin) });
}

function serverOptions({ controllerManager = false, apiServerFlags = [] }: ControlPlaneOptions): ServerOptions {
  if (controllerManager === false) return { controllers: [], apiServerFlags };
  return { controllers: [...DEFAULT_CONTROLLERS, ...(controllerManager === true ? [] : controllerManager)], apiServerFlags };
}

async function requestToken(admin: ControlPlaneClient, namespace: string, name: string, options: TokenOptions): Promise<string> {
  const { audiences, expirationSeconds } = options;
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences, expirationSeconds } };
  return (await admin.create<{ status: { token: string } }>(path, request)).status.token;
}

/** The API server's first own audience, read off a token that was asked for without naming one. */
async function ownAudience(admin: ControlPlaneClient): Promise<string> {
  const account = '/api/v1/namespaces/default/serviceaccounts';
  const metadata = { name: 'default' };
  // Where no controller makes it, or has not yet.
  if ((await admin.find(`${account}/default`)) === undefined) {
    const { status } = await admin.request('POST', account, { apiVersion: 'v1', kind: 'ServiceAccount', metadata });
    if (status !== 201 && status !== 409) throw new Error(`cannot make the ServiceAccount default/default: ${status}`);
  }
  const [, claims = ''] = (await requestToken(admin, 'default', 'default', {})).split('.');
  const { aud } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { aud: readonly string[] };
  return aud[0] ?? '';
}
