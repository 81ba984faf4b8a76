// The webhook's listener with direct delivery as a process of its own; only the page index is a table. Arguments: one JSON
// object. Answers every message of its parent with what it uses.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { startEdge } from '../support/edge.js';

const { pages } = JSON.parse(process.argv[2] ?? '{}') as { readonly pages: readonly (readonly [string, number])[] };
const edge = await startEdge({ pages: new Map(pages) });
const loop = monitorEventLoopDelay({ resolution: 1 });
loop.enable();
process.on('message', () => {
  const cpu = process.cpuUsage();
  process.send?.({
    rssMb: process.memoryUsage.rss() / 1e6,
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
