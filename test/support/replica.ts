import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts, ProcessGuard, ServerProcess } from './control-plane-process.js';
import type { Operator, Role } from './operator.js';

const READY_DEADLINE_MS = 30_000;

/**
 * One more process of a role, beside the operator's own: same flags, kubeconfig and rights, ports
 * of its own.
 */
export class Replica {
  readonly adminUrl: string;
  /** Port of the webhook or of the Pages API; of no use for a controller. */
  readonly port: number;
  readonly #process: ServerProcess;
  readonly #guard: ProcessGuard;

  private constructor(parts: {
    readonly adminPort: number;
    readonly port: number;
    readonly process: ServerProcess;
    readonly guard: ProcessGuard;
  }) {
    this.adminUrl = `http://127.0.0.1:${parts.adminPort}`;
    this.port = parts.port;
    this.#process = parts.process;
    this.#guard = parts.guard;
  }

  /**
   * Starts it and waits until it is ready. @throws with the end of its log, when it does not become
   * ready
   */
  static async start(operator: Operator, role: Role): Promise<Replica> {
    const folder = await mkdtemp(join(tmpdir(), 'replica-'));
    const [adminPort = 0, port = 0] = await freePorts(2);
    const own = { controller: [], webhook: ['--webhook-port', `${port}`], 'pages-api': ['--api-port', `${port}`] }[role];
    const guard = new ProcessGuard(folder);
    const process = new ServerProcess(`${role}-2`, globalThis.process.execPath, folder, guard);
    const replica = new Replica({ adminPort, port, process, guard });
    process.start([...operator.command(role), '--admin-port', `${adminPort}`, ...own]);
    try {
      await process.waitUntil(async () => (await fetch(`${replica.adminUrl}/readyz`)).ok, READY_DEADLINE_MS);
    } catch (error) {
      await replica.stop();
      throw error;
    }
    return replica;
  }

  get running(): boolean {
    return this.#process.running;
  }

  /** Ends it as a crash does. */
  async kill(): Promise<void> {
    await this.#process.kill();
  }

  /** Everything that it has written to stdout and stderr. */
  async output(): Promise<string> {
    return readFile(this.#process.logFile, 'utf8').catch(() => '');
  }

  /** Ends it as a rolling update does, and removes its log. */
  async stop(): Promise<void> {
    await this.#process.stop(10_000);
    await this.#guard.release();
  }
}
