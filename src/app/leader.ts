import { APPS, PAGES } from '../api/kinds.js';
import type { Clock } from '../kit/clock.js';
import { controllers, type ControllersDeps } from '../controller/controllers.js';
import type { PageOptions } from '../controller/messengerpage/ports.js';
import type { Graph, GraphSigns } from '../core/ports/graph.js';
import type { SecretAccess } from '../core/ports/secret-access.js';
import type { Logger } from '../kit/log.js';
import { callingThrough } from '../graph/operations.js';
import type { ControllerName } from '../observability/controller-metrics.js';
import { Controller } from '../runtime/controller.js';
import type { ControllerSpec } from '../runtime/controller-spec.js';
import type { Watch } from '../runtime/watches.js';
import { withDeadline } from '../runtime/deadline.js';
import { Limiter } from '../runtime/limiter.js';
import type { Enqueue, Reconciler } from '../runtime/ports.js';
import { WorkQueue } from '../runtime/queue/work-queue.js';
import type { Cluster } from '../runtime/cluster.js';
import type { LeaderObserver } from './observer.js';

export interface LeaderOptions extends PageOptions {
  /** Passes of each kind that are at work at once; those that wait for Graph are not. */
  readonly workers: number;
}

/** Everything through which a leader sees and acts; what is not in here it does not have. */
export interface LeaderPorts {
  readonly cluster: Pick<Cluster, 'kind' | 'services' | 'namespaces' | 'secrets' | 'events' | 'fence' | 'refresh'>;
  /** What the other roles may read; left out: everything. */
  readonly secretAccess?: SecretAccess;
  readonly graph: Graph;
  readonly signs: GraphSigns;
  readonly observer: LeaderObserver;
  readonly clock: Clock;
  readonly log: Logger;
  readonly options: LeaderOptions;
  /** 0 to 1, for the spread of retries and checks; left out: chance. */
  readonly random?: () => number;
  /** Whether a webhook of ours would answer Meta's verification now; left out: it would. */
  readonly publicReady?: () => boolean;
  /** The controllers to run; left out: those of our kinds. */
  readonly controllers?: (deps: ControllersDeps) => readonly ControllerSpec<ControllerName>[];
}

/** Due drift checks are collected for so long, so that they fill batches. */
const COLLECT_MS = 5_000;
/**
 * How long a new leader may take to learn what was written before it: after that another replica
 * should lead.
 */
const REFRESH_TIMEOUT_MS = 5 * 60_000;
/**
 * What leads: the controllers, their queues and what wakes them. Everything that it remembers is
 * made anew with it, so that a process that leads again judges by what it sees then.
 */
export class Leader {
  readonly #loops: ReadonlyMap<string, Loop>;
  readonly #ports: Pick<LeaderPorts, 'cluster' | 'clock'>;

  /** @throws Error where the cluster is one without Services */
  constructor(ports: LeaderPorts) {
    const places = new Limiter(ports.options.workers);
    const specs = (ports.controllers ?? controllers)(controllersDeps(ports, places));
    this.#ports = ports;
    this.#loops = new Map(specs.map((spec) => [spec.name, loopOf(ports, spec, places)]));
  }

  /** The queue of one controller. undefined: there is no controller of this name. */
  queue(name: string): Enqueue | undefined {
    return this.#loops.get(name)?.queue;
  }

  /**
   * Works until the signal is aborted, once everything is known that an earlier leader wrote: a
   * page that the caches do not have yet may hold its claim. Once only. @throws DeadlineError when
   * that cannot be found out
   */
  async run(signal: AbortSignal): Promise<void> {
    if (!(await this.#caughtUp(signal))) return;
    const loops = [...this.#loops.values()];
    const stopWatching = loops.map(({ watch, queue }) => watch(queue));
    try {
      await Promise.all(loops.map(({ controller }) => controller.run(signal)));
    } finally {
      for (const stop of stopWatching) stop();
    }
  }

  /** @returns false when the signal was aborted first */
  async #caughtUp(signal: AbortSignal): Promise<boolean> {
    const { cluster, clock } = this.#ports;
    const deadline = withDeadline(clock, signal, REFRESH_TIMEOUT_MS);
    try {
      await cluster.refresh(deadline.signal);
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      throw error;
    } finally {
      deadline.clear();
    }
  }
}

function controllersDeps(ports: LeaderPorts, places: Limiter): ControllersDeps {
  const { cluster, graph, signs, observer, clock, log, options, random, publicReady, secretAccess } = ports;
  const { services, namespaces, secrets, events, fence } = cluster;
  const [pages, apps] = [cluster.kind(PAGES), cluster.kind(APPS)];
  if (services === undefined) throw new Error('the controller needs the Services');
  return {
    ...{ pages, apps, services, namespaces, secrets, events, fence, graph: lendingGraph(graph, places), signs },
    counters: observer.counters,
    clock,
    log,
    options,
    ...(random === undefined ? {} : { random }),
    ...(publicReady === undefined ? {} : { publicReady }),
    ...(secretAccess === undefined ? {} : { secretAccess }),
  };
}

/**
 * A pass is at work only while it has a place; one that waits for Graph lends its place to another.
 */
function within(places: Limiter, reconciler: Reconciler): Reconciler {
  return { reconcile: (key, signal) => places.run(() => reconciler.reconcile(key, signal), signal) };
}

function lendingGraph(graph: Graph, places: Limiter): Graph {
  return callingThrough(graph, (call) => places.lend(call));
}

interface Loop {
  readonly queue: WorkQueue;
  readonly controller: Controller;
  readonly watch: Watch;
}

function loopOf(ports: LeaderPorts, spec: ControllerSpec<ControllerName>, places: Limiter): Loop {
  const { observer, clock, log, random, options } = ports;
  const { name, watch, passes = 0 } = spec;
  const chance = random === undefined ? {} : { random };
  const queue = new WorkQueue({ clock, collectBackgroundMs: COLLECT_MS, observer: observer.queue(name), ...chance, ...spec.queue });
  const workers = Math.max(passes, options.workers);
  const reconciler = within(places, spec.reconciler);
  return { queue, watch, controller: new Controller({ name, reconciler, queue, workers, clock, log, observe: observer.passes(name) }) };
}
