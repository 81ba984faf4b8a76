// The webhook's listener with direct delivery as a process of its own; only the page index is a
// table. Arguments: one JSON object. Answers every message of its parent with what it uses.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { PageRoute } from '../../../src/core/ports/page-lookup.js';
import type { WebhookLimits } from '../../../src/webhook/limits.js';
import { startEdge } from '../support/edge.js';

interface Arguments {
  readonly pages: readonly (readonly [string, number])[];
  /** Page → what is not the default of its route. */
  readonly routes?: Readonly<Record<string, Partial<PageRoute>>>;
  readonly webhook?: Partial<WebhookLimits>;
}

const { pages, routes = {}, webhook = {} } = JSON.parse(process.argv[2] ?? '{}') as Arguments;
const edge = await startEdge({ pages: new Map(pages), route: (page) => routes[page] ?? {}, webhook });
const loop = monitorEventLoopDelay({ resolution: 1 });
loop.enable();
process.on('message', () => {
  const cpu = process.cpuUsage();
  process.send?.({
    rssMb: process.memoryUsage.rss() / 1e6,
    maxRssMb: process.resourceUsage().maxRSS / 1_024,
    cpuMs: (cpu.user + cpu.system) / 1_000,
    unverifiedBytes: edge.server.unverifiedBytes,
    loopMaxMs: loop.max / 1e6,
  });
  loop.reset();
});
process.on('disconnect', () => {
  void edge.stop();
});
process.send?.({ port: edge.port });
