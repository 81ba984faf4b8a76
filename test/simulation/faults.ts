import type { Host } from './host.js';
import type { Process } from './process.js';
import type { World } from './world.js';

type Fault = (world: World, victim: Process) => void;

/** Lets something go wrong. */
export function strike(world: World): void {
  const victim = world.random.chance(0.8) ? (world.leader ?? anyOf(world)) : anyOf(world);
  const fault = world.random.pickAny(FAULTS);
  if (victim !== undefined) fault?.(world, victim);
}

/** What went wrong is over, and nothing more does. */
export function heal(world: World): void {
  world.chaos = false;
  world.graph.down = false;
  world.graph.lagMs = () => 0;
  world.setPublicReady(true);
  for (const { host } of world.processes) {
    host.partitioned = false;
    host.slow = false;
    host.crashAfter = undefined;
  }
}

/**
 * How long Graph takes to show what was written: mostly not at all, sometimes longer than anybody
 * looks again.
 */
export function lagging(world: World): () => number {
  return () => {
    if (world.random.chance(0.5)) return 0;
    return world.random.chance(0.8) ? world.random.between(50, 2_500) : world.random.between(4_000, 8_000);
  };
}

const anyOf = (world: World): Process | undefined => world.random.pickAny([...world.processes]);

/** After one of the next calls, before it has an effect or after. */
const crashAtCall: Fault = (world, { host }) => {
  host.crashAfter = { calls: world.random.between(1, 25), applied: world.random.chance(0.5) };
};
const crashNow: Fault = (world, { host }) => {
  world.trace('fault', `crash of ${host.name}`);
  host.crash();
};
const stop: Fault = (world, process) => {
  world.trace('fault', `stop of ${process.host.name}`);
  process.stop();
};
const pause: Fault = (world, { host }) => {
  const ms = world.random.chance(0.3) ? world.random.between(1_000, 9_000) : world.random.between(12_000, 40_000);
  world.trace('fault', `${host.name} stands still for ${ms}`);
  world.longestPauseMs = Math.max(world.longestPauseMs, ms);
  world.trouble(ms);
  host.pause(ms);
};
const partition: Fault = (world, { host }) => {
  const ms = world.random.between(3_000, 40_000);
  world.trace('fault', `${host.name} is cut off for ${ms}`);
  world.trouble(ms);
  host.partitioned = true;
  rejoin(world, host, ms);
};
const breakWatches: Fault = (world, { host, caches }) => {
  const ms = world.random.between(1_000, 60_000);
  world.trace('fault', `watches of ${host.name} break for ${ms}`);
  world.trouble(ms);
  for (const watch of caches.watches) if (world.random.chance(0.6)) watch.breakFor(world.random.between(1, ms));
};
const relist: Fault = (_, { caches }) => {
  for (const watch of caches.watches) watch.list();
};
const outage: Fault = (world) => {
  const ms = world.random.between(2_000, 60_000);
  world.trace('fault', `Graph is down for ${ms}`);
  world.trouble(ms);
  world.graph.down = true;
  world.clock.setTimer(ms, () => {
    world.graph.down = false;
  });
};

const webhooksDown: Fault = (world) => {
  const ms = world.random.between(2_000, 40_000);
  world.trace('fault', `no webhook can answer for ${ms}`);
  world.setPublicReady(false);
  world.clock.setTimer(ms, () => {
    world.setPublicReady(true);
  });
};
const disturbReaders: Fault = (world) => {
  for (const reader of world.readers) if (world.random.chance(0.7)) reader.disturb(world.random.between(500, 30_000));
};

function rejoin(world: World, host: Host, ms: number): void {
  world.clock.setTimer(ms, () => {
    host.partitioned = false;
  });
}

const FAULTS: readonly Fault[] = [
  ...[crashAtCall, crashAtCall, crashAtCall, crashAtCall, crashNow, stop, pause, pause, partition],
  ...[breakWatches, breakWatches, breakWatches, relist, outage, webhooksDown, disturbReaders, disturbReaders],
];
