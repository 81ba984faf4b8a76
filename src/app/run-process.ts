import { APPS, PAGES } from '../api/kinds.js';
import { sleep } from '../kit/clock.js';
import { References, type ReferenceRole } from '../relations/references.js';
import { aborted } from '../kit/abort.js';
import type { Cluster } from '../runtime/cluster.js';
import { createAdminServer, type MetricsSource } from './admin-server.js';
import type { ProcessContext } from './context.js';
import type { Listener } from './listener.js';
import { Readiness } from './readiness.js';

export interface RunConfig {
  readonly className: string;
  readonly bindAddress: string;
  readonly adminPort: number;
  readonly drainTimeoutMs: number;
}

export interface RunDeps {
  readonly config: RunConfig;
  readonly context: ProcessContext;
  readonly cluster: Cluster;
  readonly roles: readonly ReferenceRole[];
  /** The listeners, made but not listening. */
  readonly listeners: readonly Listener[];
  /** What the leader does, until its signal is aborted; undefined: this process never leads. */
  readonly work: ((signal: AbortSignal) => Promise<void>) | undefined;
  readonly metrics: MetricsSource | undefined;
  readonly debug: Readonly<Record<string, () => unknown>>;
  /** Told the admin server's port once it listens, and undefined when the process stops. */
  readonly reportAdminPort?: (port: number | undefined) => void;
}

const POLL_MS = 25;
/** Said in the log while the process waits for its first lists. */
const TELL_EVERY_MS = 10_000;

/**
 * Runs a process in the one order: admin server (live, not ready) → watches → sync → listeners →
 * ready → lead; and back: not ready → drain → workers stop → lead given back → watches stop.
 * Resolves after a clean stop.
 * @throws what made it stop before it was asked to: a listener that cannot be had, a lead that was
 * lost
 */
export async function runProcess(deps: RunDeps): Promise<void> {
  const running = new RunningProcess(deps);
  try {
    await running.start();
    await running.untilStopped();
  } finally {
    await running.stop();
  }
}

class RunningProcess {
  readonly #deps: RunDeps;
  readonly #readiness = new Readiness();
  readonly #admin: ReturnType<typeof createAdminServer>;
  readonly #references: References;
  /** Ends the watches, last of all. */
  readonly #life = new AbortController();
  /** Ends the leader's work. */
  readonly #working = new AbortController();
  #leading: Promise<void> | undefined;

  constructor(deps: RunDeps) {
    const { cluster, config, context, roles, metrics, debug } = deps;
    this.#deps = deps;
    this.#readiness.require(() => this.#unsynced());
    this.#admin = createAdminServer({ readiness: this.#readiness, degraded: () => cluster.degraded(), metrics, debug });
    this.#references = new References({
      roles,
      className: config.className,
      pages: cluster.kind(PAGES).informer,
      apps: cluster.kind(APPS).informer,
      namespaces: cluster.namespaces,
      secrets: cluster.secrets,
      configMaps: cluster.configMaps,
      learn: context.learn,
      forget: context.forget,
    });
  }

  async start(): Promise<void> {
    const { cluster, config, context, listeners, work } = this.#deps;
    const { log, signal } = context;
    log.info('starting', { version: process.version, roles: this.#deps.roles });
    const adminPort = await this.#admin.listen(config.adminPort, config.bindAddress);
    log.info('listening', { part: 'admin', port: adminPort });
    this.#deps.reportAdminPort?.(adminPort);
    this.#references.start();
    cluster.start(this.#life.signal);
    await this.#synced();
    if (signal.aborted) return;
    for (const listener of listeners) log.info('listening', { part: listener.name, port: await listener.listen() });
    this.#readiness.grant();
    log.info('ready');
    if (work !== undefined) this.#leading = cluster.lead(work, this.#working.signal);
    // Looked at in untilStopped(); a rejection before that must not count as unhandled.
    this.#leading?.catch(() => undefined);
  }

  /** @throws when the lead is lost */
  async untilStopped(): Promise<void> {
    const { signal } = this.#deps.context;
    await Promise.race([aborted(signal), ...(this.#leading === undefined ? [] : [this.#leading.then(() => aborted(signal))])]);
  }

  async stop(): Promise<void> {
    const { cluster, config, context, listeners } = this.#deps;
    context.log.info('stopping');
    this.#deps.reportAdminPort?.(undefined);
    this.#readiness.withdraw('stopping');
    await Promise.all(listeners.map((listener) => listener.drain(config.drainTimeoutMs)));
    this.#working.abort(new Error('the process stops'));
    await this.#leading?.catch(() => undefined);
    this.#references.close();
    this.#life.abort(new Error('the process stops'));
    await Promise.all(listeners.map((listener) => listener.close()));
    await cluster.close();
    await this.#admin.close();
    context.log.info('stopped');
    await context.log.close();
  }

  async #synced(): Promise<void> {
    const { clock, log, signal } = this.#deps.context;
    let toldMs = clock.monotonicMs();
    while (!signal.aborted && this.#unsynced().length > 0) {
      if (clock.monotonicMs() - toldMs >= TELL_EVERY_MS) {
        toldMs = clock.monotonicMs();
        log.info('waiting for the first lists', { waiting: this.#unsynced() });
      }
      await sleep(clock, POLL_MS, signal).catch(() => undefined);
    }
  }

  /** What has not been listed or read yet, as texts for people. */
  #unsynced(): readonly string[] {
    const { cluster, listeners } = this.#deps;
    return [...cluster.unsynced(), ...listeners.filter((listener) => !listener.ready()).map(({ name }) => `${name}: its index`)];
  }
}
