import { sleep } from '../kit/clock.js';
import { References, type ReferenceRole } from '../relations/references.js';
import { aborted } from '../kit/abort.js';
import type { Cluster } from '../runtime/cluster.js';
import { createAdminServer, type MetricsSource } from './admin-server.js';
import type { Part } from './listener.js';
import type { Process } from './context.js';
import { Readiness } from './readiness.js';

export interface OperateConfig {
  readonly className: string;
  readonly bindAddress: string;
  readonly adminPort: number;
  readonly drainTimeoutMs: number;
}

export interface OperateDeps {
  readonly config: OperateConfig;
  readonly process: Process;
  readonly cluster: Cluster;
  readonly roles: readonly ReferenceRole[];
  /** The listeners, made but not listening. */
  readonly parts: readonly Part[];
  /** What the leader does, until its signal is aborted; undefined: this process never leads. */
  readonly work: ((signal: AbortSignal) => Promise<void>) | undefined;
  readonly metrics: MetricsSource | undefined;
  readonly debug: Readonly<Record<string, () => unknown>>;
  /** Told the admin server's port once it listens, and undefined when the process stops. */
  readonly tellAdminPort?: (port: number | undefined) => void;
}

const POLL_MS = 25;
/** Said in the log while the process waits for its first lists. */
const TELL_EVERY_MS = 10_000;

/**
 * Runs a process in the one order: admin server (live, not ready) → watches → sync → listeners → ready → lead; and back: not
 * ready → drain → workers stop → lead given back → watches stop. Resolves after a clean stop.
 * @throws what made it stop before it was asked to: a listener that cannot be had, a lead that was lost
 */
export async function operate(deps: OperateDeps): Promise<void> {
  const running = new Running(deps);
  try {
    await running.start();
    await running.untilStopped();
  } finally {
    await running.stop();
  }
}

class Running {
  readonly #deps: OperateDeps;
  readonly #readiness = new Readiness();
  readonly #admin: ReturnType<typeof createAdminServer>;
  readonly #references: References;
  /** Ends the watches, last of all. */
  readonly #life = new AbortController();
  /** Ends the leader's work. */
  readonly #working = new AbortController();
  #leading: Promise<void> | undefined;

  constructor(deps: OperateDeps) {
    const { cluster, config, process, roles, parts, metrics, debug } = deps;
    this.#deps = deps;
    this.#readiness.require('synced', () => cluster.unsynced().length === 0);
    for (const part of parts) this.#readiness.require(part.name, () => part.ready());
    this.#admin = createAdminServer({ readiness: this.#readiness, degraded: () => cluster.degraded(), metrics, debug });
    this.#references = new References({
      roles,
      className: config.className,
      pages: cluster.pages.informer,
      apps: cluster.apps.informer,
      secrets: cluster.secrets,
      configMaps: cluster.configMaps,
      learn: process.learn,
    });
  }

  async start(): Promise<void> {
    const { cluster, config, process, parts, work } = this.#deps;
    const { log, signal } = process;
    log.info('starting', { version: process.version, roles: this.#deps.roles });
    const adminPort = await this.#admin.listen(config.adminPort, config.bindAddress);
    log.info('listening', { part: 'admin', port: adminPort });
    this.#deps.tellAdminPort?.(adminPort);
    this.#references.start();
    cluster.start(this.#life.signal);
    await this.#synced();
    if (signal.aborted) return;
    for (const part of parts) log.info('listening', { part: part.name, port: await part.listen() });
    this.#readiness.grant();
    log.info('ready');
    if (work !== undefined) this.#leading = cluster.lead(work, this.#working.signal);
    // Looked at in untilStopped(); a rejection before that must not count as unhandled.
    this.#leading?.catch(() => undefined);
  }

  /** @throws when the lead is lost */
  async untilStopped(): Promise<void> {
    const { signal } = this.#deps.process;
    await Promise.race([aborted(signal), ...(this.#leading === undefined ? [] : [this.#leading.then(() => aborted(signal))])]);
  }

  async stop(): Promise<void> {
    const { cluster, config, process, parts } = this.#deps;
    process.log.info('stopping');
    this.#deps.tellAdminPort?.(undefined);
    this.#readiness.withdraw('stopping');
    await Promise.all(parts.map((part) => part.drain(config.drainTimeoutMs)));
    this.#working.abort(new Error('the process stops'));
    await this.#leading?.catch(() => undefined);
    this.#references.close();
    this.#life.abort(new Error('the process stops'));
    await Promise.all(parts.map((part) => part.close()));
    await cluster.close();
    await this.#admin.close();
    process.log.info('stopped');
    await process.log.close();
  }

  async #synced(): Promise<void> {
    const { cluster, process, parts } = this.#deps;
    const { clock, log, signal } = process;
    let toldMs = clock.monotonicMs();
    const waiting = (): readonly string[] => [
      ...cluster.unsynced(),
      ...parts.filter((part) => !part.ready()).map(({ name }) => `${name}: its index`),
    ];
    while (!signal.aborted && waiting().length > 0) {
      if (clock.monotonicMs() - toldMs >= TELL_EVERY_MS) {
        toldMs = clock.monotonicMs();
        log.info('waiting for the first lists', { waiting: waiting() });
      }
      await sleep(clock, POLL_MS, signal).catch(() => undefined);
    }
  }
}
