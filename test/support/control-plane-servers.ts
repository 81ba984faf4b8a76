import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { get as httpGet } from 'node:http';
import { join } from 'node:path';
import { ControlPlaneClient } from './control-plane-client.js';
import { kubeconfigText } from './control-plane-kubeconfig.js';
import { freePorts, ProcessGuard, ServerProcess } from './control-plane-process.js';
import type { ControlPlanePrograms } from './control-plane-tools.js';

const ETCD_DEADLINE_MS = 30_000;
const API_SERVER_DEADLINE_MS = 120_000;
const PORT_ATTEMPTS = 3;

/**
 * Who the tests' ServiceAccount tokens are from, and the audience that the API server itself takes.
 */
export const ISSUER = 'https://kubernetes.default.svc.cluster.local';

/**
 * No RequestReceived: one line a request, written when it is answered (and one more when a watch
 * begins).
 */
const AUDIT_POLICY = { apiVersion: 'audit.k8s.io/v1', kind: 'Policy', omitStages: ['RequestReceived'], rules: [{ level: 'Metadata' }] };

/** What a test may ask of the servers. */
export interface ServerOptions {
  /** Controllers that kube-controller-manager runs; none: it is not started. */
  readonly controllers: readonly string[];
  /** Further flags of kube-apiserver, after ours. */
  readonly apiServerFlags: readonly string[];
}

/**
 * etcd, kube-apiserver and, if asked for, kube-controller-manager on the loopback interface, with
 * their state in one folder.
 */
export class LocalServers {
  readonly folder: string;
  readonly adminToken = randomBytes(24).toString('hex');
  readonly auditLogPath: string;
  readonly #programs: ControlPlanePrograms;
  readonly #options: ServerOptions;
  readonly #guard: ProcessGuard;
  readonly #etcd: ServerProcess;
  readonly #apiServer: ServerProcess;
  readonly #controllerManager: ServerProcess;
  #ports = { etcd: 0, etcdPeer: 0, apiServer: 0 };

  constructor(folder: string, programs: ControlPlanePrograms, options: ServerOptions) {
    this.folder = folder;
    this.auditLogPath = join(folder, 'audit.log');
    this.#programs = programs;
    this.#options = options;
    this.#guard = new ProcessGuard(folder);
    this.#etcd = new ServerProcess('etcd', programs.etcd ?? '', folder, this.#guard);
    this.#apiServer = new ServerProcess('kube-apiserver', programs.kubeApiserver ?? '', folder, this.#guard);
    this.#controllerManager = new ServerProcess('kube-controller-manager', programs.kubeControllerManager ?? '', folder, this.#guard);
  }

  get server(): URL {
    return new URL(`https://127.0.0.1:${this.#ports.apiServer}`);
  }

  /** The API server makes its certificate, and the CA that signed it, when it first starts. */
  get caFile(): string {
    return join(this.folder, 'certs', 'apiserver.crt');
  }

  /** Starts everything and waits until it serves. */
  async start(): Promise<void> {
    if (this.#options.controllers.length > 0 && this.#programs.kubeControllerManager === null) {
      throw new Error('no kube-controller-manager: put one into KUBEBUILDER_ASSETS, or unset that and run `npm run controlplane`');
    }
    await this.#writeFiles();
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#takePorts();
        await this.startEtcd();
        await this.startApiServer();
        break;
      } catch (error) {
        await Promise.all([this.#apiServer.kill(), this.#etcd.kill()]);
        // Another process took a port between our asking for it and the server's listening on it.
        if (attempt === PORT_ATTEMPTS || !String(error).includes('address already in use')) throw error;
      }
    }
    await this.#startControllerManager();
  }

  async startEtcd(): Promise<void> {
    const { etcd, etcdPeer } = this.#ports;
    const client = `http://127.0.0.1:${etcd}`;
    const peer = `http://127.0.0.1:${etcdPeer}`;
    this.#etcd.start([
      `--data-dir=${this.#etcdFolder}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
      '--unsafe-no-fsync',
      // Of the data and its history: 8 GiB, where 2 are the default.
      '--quota-backend-bytes=8589934592',
      '--log-level=warn',
    ]);
    await this.#etcd.waitUntil(async () => (await statusOf(`${client}/health`)) === 200, ETCD_DEADLINE_MS);
  }

  async startApiServer(): Promise<void> {
    const file = (name: string): string => join(this.folder, name);
    this.#apiServer.start([
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      `--secure-port=${this.#ports.apiServer}`,
      `--cert-dir=${file('certs')}`,
      `--etcd-servers=http://127.0.0.1:${this.#ports.etcd}`,
      // The `kubernetes` Service cannot have a loopback address as its endpoint.
      '--endpoint-reconciler-type=none',
      '--service-cluster-ip-range=10.0.0.0/24',
      '--allow-privileged=true',
      '--authorization-mode=RBAC',
      `--token-auth-file=${file('tokens.csv')}`,
      `--service-account-issuer=${ISSUER}`,
      `--service-account-key-file=${file('service-accounts.pem')}`,
      `--service-account-signing-key-file=${file('service-accounts.pem')}`,
      `--audit-policy-file=${file('audit-policy.json')}`,
      `--audit-log-path=${this.auditLogPath}`,
      // One file, however long the test: MB.
      '--audit-log-maxsize=8192',
      '--profiling=false',
      // Without it, a server that is asked to end stops listening at once but stays for its open
      // watches, a minute and more.
      '--shutdown-watch-termination-grace-period=2s',
      ...this.#options.apiServerFlags,
    ]);
    await this.#apiServer.waitUntil(async () => this.#isReady(), API_SERVER_DEADLINE_MS);
  }

  async stopApiServer(): Promise<void> {
    await this.#apiServer.stop();
  }

  async killApiServer(): Promise<void> {
    await this.#apiServer.kill();
  }

  /**
   * Copies etcd's data as it is now; both servers are restarted for it. Resolves with the copy's
   * folder.
   */
  async snapshotEtcd(): Promise<string> {
    const copy = join(this.folder, `etcd-${randomBytes(4).toString('hex')}`);
    await this.#whileStopped(async () => {
      await cp(this.#etcdFolder, copy, { recursive: true });
    });
    return copy;
  }

  /**
   * Puts a copy made by {@link snapshotEtcd} in the place of etcd's data, as a restored backup
   * would.
   */
  async restoreEtcd(copy: string): Promise<void> {
    await this.#whileStopped(async () => {
      await rm(this.#etcdFolder, { recursive: true });
      await cp(copy, this.#etcdFolder, { recursive: true });
    });
  }

  /** Ends the servers without ceremony and removes the folder. */
  async stop(): Promise<void> {
    await Promise.all([this.#controllerManager.kill(), this.#apiServer.kill(), this.#etcd.kill()]);
    await this.#guard.release();
  }

  get #etcdFolder(): string {
    return join(this.folder, 'etcd');
  }

  async #takePorts(): Promise<void> {
    const [etcd = 0, etcdPeer = 0, apiServer = 0] = await freePorts(3);
    this.#ports = { etcd, etcdPeer, apiServer };
    // A member's data names its ports: after a failed start with others it would not come up.
    await rm(this.#etcdFolder, { recursive: true, force: true });
  }

  async #writeFiles(): Promise<void> {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await mkdir(join(this.folder, 'certs'), { recursive: true });
    const files = {
      'service-accounts.pem': privateKey.export({ type: 'sec1', format: 'pem' }),
      'tokens.csv': `${this.adminToken},admin,admin,system:masters\n`,
      'audit-policy.json': JSON.stringify(AUDIT_POLICY),
    };
    await Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(this.folder, name), text, { mode: 0o600 })));
  }

  async #isReady(): Promise<boolean> {
    if (!existsSync(this.caFile)) return false;
    const ca = await readFile(this.caFile, 'utf8');
    const client = new ControlPlaneClient({ server: this.server, ca, token: this.adminToken });
    try {
      return (await client.request('GET', '/readyz')).status === 200;
    } finally {
      client.close();
    }
  }

  async #startControllerManager(): Promise<void> {
    if (this.#options.controllers.length === 0) return;
    const kubeconfig = join(this.folder, 'controller-manager.kubeconfig');
    const [port = 0] = await freePorts(1);
    const ca = await readFile(this.caFile, 'utf8');
    await writeFile(kubeconfig, kubeconfigText({ server: this.server, ca, user: { token: this.adminToken } }), { mode: 0o600 });
    this.#controllerManager.start([
      `--kubeconfig=${kubeconfig}`,
      `--controllers=${this.#options.controllers.join(',')}`,
      '--leader-elect=false',
      '--bind-address=127.0.0.1',
      `--secure-port=${port}`,
      `--cert-dir=${join(this.folder, 'certs')}`,
      '--authorization-always-allow-paths=/healthz',
      `--service-account-private-key-file=${join(this.folder, 'service-accounts.pem')}`,
      `--root-ca-file=${this.caFile}`,
    ]);
    const certificate = join(this.folder, 'certs', 'kube-controller-manager.crt');
    await this.#controllerManager.waitUntil(async () => {
      if (!existsSync(certificate)) return false;
      const client = new ControlPlaneClient({ server: new URL(`https://127.0.0.1:${port}`), ca: await readFile(certificate, 'utf8') });
      const { status } = await client.request('GET', '/healthz').finally(() => {
        client.close();
      });
      return status === 200;
    }, API_SERVER_DEADLINE_MS);
  }

  /** The controller manager as well: it has seen resource versions that a restored etcd has not. */
  async #whileStopped(work: () => Promise<void>): Promise<void> {
    await this.#controllerManager.kill();
    await this.#apiServer.stop();
    await this.#etcd.stop();
    await work();
    await this.startEtcd();
    await this.startApiServer();
    await this.#startControllerManager();
  }
}

function statusOf(url: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    httpGet(url, { timeout: 2_000 }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .on('timeout', function (this: { destroy(): void }) {
        this.destroy();
      });
  });
}
