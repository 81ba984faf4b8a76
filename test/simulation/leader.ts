import { APPS, PAGES } from '../../src/api/kinds.js';
import type { MessengerApp, MessengerPage } from '../../src/api/v1alpha1/types.gen.js';
import type { KubeObject } from '../../src/api/meta.js';
import type { LeaderPorts } from '../../src/app/leader.js';
import type { GraphSigns } from '../../src/core/ports/graph.js';
import { silentLogger, type Logger } from '../../src/kit/log.js';
import { KubeFinalizerWriter } from '../../src/k8s/finalizer-writer.js';
import { KubeLiveReader } from '../../src/k8s/live-reader.js';
import type { ResourceType } from '../../src/k8s/resources.js';
import { StatusProblems } from '../../src/k8s/status-problems.js';
import { KubeStatusWriter } from '../../src/k8s/status-writer.js';
import type { EventRecorder, Informer, KindAccess, WriteFence } from '../../src/runtime/ports.js';
import { KindMap } from '../../src/runtime/kinds.js';
import type { Caches } from './caches.js';
import type { Host } from './host.js';
import { OPTIONS } from './options.js';
import { SimGraph } from './sim-graph.js';
import type { SimKube } from './sim-kube.js';
import type { World } from './world.js';

/** What carries a leader of the simulation. */
export interface Site {
  readonly host: Host;
  readonly world: World;
  readonly caches: Caches;
  readonly client: SimKube;
  readonly fence: WriteFence;
}

/**
 * The operator's own leader runs on these: its cluster, its Graph, its clock and its chance are
 * those of the simulation.
 */
export function portsOf(site: Site): LeaderPorts {
  const { host, world, caches } = site;
  const { services, namespaces, secrets } = caches;
  const kinds = new KindMap()
    .set(PAGES, accessTo<MessengerPage>(site, caches.pages, PAGES))
    .set(APPS, accessTo<MessengerApp>(site, caches.apps, APPS));
  return {
    cluster: {
      kind: (kind) => kinds.get(kind),
      ...{ services, namespaces, secrets, events: eventsTo(site), fence: site.fence },
      refresh: (signal) => caches.refresh(signal),
    },
    graph: new SimGraph(host, world),
    signs: signsOf(world),
    observer: {
      queue: () => ({}),
      passes: (name) => (outcome) => {
        world.trace(host.name, `ends a pass of ${name}`, outcome);
      },
      counters: { leftSubscribed: () => undefined },
    },
    clock: host.clock,
    log: tracing(host, world),
    options: { ...OPTIONS, workers: world.workers, readOnly: world.readOnly },
    random: () => host.random.next(),
    publicReady: () => world.publicReady,
  };
}

function accessTo<T extends KubeObject & { readonly status?: unknown }>(
  { client, fence, host: { clock } }: Site,
  informer: Informer<T>,
  resource: ResourceType,
): KindAccess<T> {
  const deps = { client, fence };
  const problems = new StatusProblems({ clock, log: silentLogger, events: { record: () => undefined } }, resource);
  return {
    informer,
    live: new KubeLiveReader<T>(client, resource),
    status: new KubeStatusWriter<T>({ ...deps, clock, problems }, resource),
    finalizers: new KubeFinalizerWriter<T>(deps, resource),
  };
}

function eventsTo({ host, world }: Site): EventRecorder {
  return {
    record: (object, { reason }) => {
      if (host.alive) world.oracle.eventTold(object, reason);
    },
  };
}

function signsOf(world: World): GraphSigns {
  return { pressure: () => world.pressure, answeredVersion: () => undefined };
}

function tracing(host: Host, world: World): Logger {
  const tell = (message: string, fields?: unknown): void => {
    world.trace(host.name, message, fields);
  };
  return { ...silentLogger, error: tell, warn: tell, info: tell, debug: tell };
}
