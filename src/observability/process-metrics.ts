import { collectDefaultMetrics, Counter, Gauge, type Registry } from 'prom-client';

/**
 * Metrics of the process itself: Node's own under our prefix, the build, and log lines that tell of
 * trouble.
 */
export class ProcessMetrics {
  readonly #lines: Counter<'level'>;

  constructor(registry: Registry, version: string) {
    collectDefaultMetrics({ register: registry, prefix: 'messenger_' });
    new Gauge({
      name: 'messenger_build_info',
      help: 'Always 1. The label holds the version.',
      labelNames: ['version'],
      registers: [registry],
    }).set({ version }, 1);
    this.#lines = new Counter({
      name: 'messenger_log_lines_total',
      help: 'Log lines of level warn and error.',
      labelNames: ['level'],
      registers: [registry],
    });
    for (const level of ['warn', 'error']) this.#lines.inc({ level }, 0);
  }

  /** Every other level is not counted. */
  readonly logged = (level: string): void => {
    if (level === 'warn' || level === 'error') this.#lines.inc({ level });
  };
}
