import { type CustomObject, type Kind, type KindPlural, KINDS } from '../api/kinds.js';
import type { KubeObject, Namespace, Service } from '../api/meta.js';
import { GROUP } from '../api/v1alpha1/constants.js';
import { ReferencedData } from '../runtime/data-cache.js';
import type { DataCache, EventRecorder, Informer, KindAccess, WriteFence } from '../runtime/ports.js';
import { KindMap } from '../runtime/kinds.js';
import type { Store, StoreOptions } from '../runtime/store.js';
import type { IndexFunction } from '../runtime/store-index.js';
import type { Cluster } from '../runtime/cluster.js';
import { KubeEventRecorder } from './event-recorder.js';
import { KubeFinalizerWriter } from './finalizer-writer.js';
import type { Watched } from './observer.js';
import type { KubeClusterOptions } from './kube-cluster-options.js';
import { LeaderElection } from './leader-election.js';
import { LeaseLock } from './lease.js';
import { KubeLiveReader } from './live-reader.js';
import { namespacePart, PROJECTIONS, servicePart } from './projections.js';
import type { ReflectorHealth } from './reflector.js';
import { CONFIG_MAPS, NAMESPACES, SECRETS, SERVICES, type ResourceType } from './resources.js';
import { fetchData, KubeMetadataSource } from './secret-source.js';
import { StatusProblems } from './status-problems.js';
import { KubeStatusWriter } from './status-writer.js';
import { WatchedKind } from './watched-kind.js';
import { neverWrites, writesAlone } from './write-fences.js';

const FLUSH_EVENTS_MS = 2_000;

interface Following {
  readonly health: readonly ReflectorHealth[];
  readonly waiting: readonly ReflectorHealth[];
  run(signal: AbortSignal): Promise<void>;
}

/**
 * A Kubernetes cluster as one role of the operator sees it: its informers, caches and writers,
 * wired.
 *
 * ```ts
 * const client = loadKubeClient({ kubeconfig, clock, userAgent: `messenger-operator/${version}` });
 * const cluster = new KubeCluster({ client, role: 'controller', clock, log, watchNamespaces, secretGraceMs, indexes, lead });
 * cluster.start(life);                       // watches until `life` is aborted
 * while (cluster.unsynced().length > 0) …    // not ready yet
 * await cluster.lead((signal) => Promise.all(controllers.map((one) => one.run(signal))), working);
 * life.abort(); await cluster.close();
 * ```
 */
export class KubeCluster implements Cluster {
  /** undefined where the role does not watch them. */
  readonly services: Informer<Service> | undefined;
  /** undefined where the role does not watch them, or has no rights in the whole cluster. */
  readonly namespaces: Informer<Namespace> | undefined;
  readonly secrets: DataCache;
  readonly configMaps: DataCache | undefined;
  readonly events: EventRecorder;
  readonly fence: WriteFence;
  readonly #options: KubeClusterOptions;
  readonly #kinds = new KindMap();
  readonly #election: LeaderElection | undefined;
  readonly #recorder: KubeEventRecorder;
  readonly #following: Following[] = [];
  readonly #data: ReferencedData[] = [];
  readonly #statuses: StatusProblems[] = [];
  /** The kinds that a leader writes. */
  readonly #written: Pick<WatchedKind<KubeObject>, 'refresh'>[] = [];

  constructor(options: KubeClusterOptions) {
    this.#options = options;
    this.#election = this.#elect();
    this.fence = this.#election ?? (options.lead === undefined ? neverWrites : writesAlone);
    this.#recorder = this.#record();
    this.events = this.#recorder;
    for (const kind of options.kinds ?? KINDS) this.#kinds.set(kind, this.#access(kind));
    this.services = this.#watchServices();
    this.namespaces = this.#watchNamespaces();
    this.secrets = this.#referenced(SECRETS, scopes(options.secretNamespaces) ?? scopes(options.watchNamespaces));
    this.configMaps = options.role === 'pages-api' ? this.#referenced(CONFIG_MAPS, scopes(options.watchNamespaces)) : undefined;
  }

  kind<T extends CustomObject>(kind: Kind<T>): KindAccess<T> {
    return this.#kinds.get(kind);
  }

  /** Begins to watch; goes on until the signal is aborted. */
  start(signal: AbortSignal): void {
    for (const data of this.#data) data.start(signal);
    // None of them ever rejects.
    for (const following of this.#following) void following.run(signal);
    void this.#recorder.run(signal);
  }

  /** What has not been listed or read yet, as texts for people; empty: everything is known. */
  unsynced(): readonly string[] {
    const waiting = this.#waiting();
    if (waiting.length > 0) return waiting.map(healthText);
    return this.#data.every((data) => data.isSettled()) ? [] : ['Secrets or ConfigMaps have not been read'];
  }

  /** Why the cache may be incomplete or out of date, as texts for people. Empty as a rule. */
  degraded(): readonly string[] {
    const waiting = new Set(this.#waiting().map(({ what }) => what));
    const failing = this.#following
      .flatMap(({ health }) => health)
      .filter(({ forbidden, problem }) => (forbidden ?? problem) !== undefined);
    const watches = failing.filter(({ what }) => !waiting.has(what)).map(healthText);
    const beyond = this.#data.map(({ beyondBound }) => beyondBound).reduce((sum, each) => sum + each, 0);
    const unread = beyond === 0 ? [] : [`${beyond} referenced Secrets or ConfigMaps are not read: too many are referred to`];
    return [...watches, ...unread, ...this.#statuses.flatMap((problems) => problems.texts())];
  }

  /**
   * Waits until this process leads, then runs `work` until the signal is aborted, and gives the
   * lead back.
   * @throws NotLeaderError when the lead was lost: `work`'s signal was aborted, and the process
   * must end
   */
  async lead(work: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
    const told = async (working: AbortSignal): Promise<void> => {
      try {
        await work(working);
      } finally {
        // While this process may still write.
        await this.#recorder.flush(FLUSH_EVENTS_MS);
      }
    };
    if (this.#election === undefined) await told(signal);
    else await this.#election.lead(told, signal);
  }

  /**
   * Lists every kind again: resolves once all are known as they were at this call, or later.
   * @throws the signal's reason
   */
  async refresh(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#written.map((kind) => kind.refresh(signal)));
  }

  /** Ends every connection. Abort the signal of `start` first. */
  close(): Promise<void> {
    return this.#options.client.close();
  }

  #waiting(): readonly ReflectorHealth[] {
    return this.#following.flatMap(({ waiting }) => waiting);
  }

  #watchServices(): Store<Service> | undefined {
    return this.#options.role === 'pages-api' ? undefined : this.#watch<Service>(SERVICES, { transform: servicePart }).store;
  }

  #watchNamespaces(): Store<Namespace> | undefined {
    const { role, watchNamespaces } = this.#options;
    if (role !== 'controller' || watchNamespaces.length > 0) return undefined;
    return this.#watch<Namespace>(NAMESPACES, { transform: namespacePart }).store;
  }

  #watch<T extends KubeObject>(resource: ResourceType, store: Pick<StoreOptions<T>, 'indexes' | 'transform'>): WatchedKind<T> {
    const { client, clock, log, watchNamespaces, observer, timing } = this.#options;
    const name = resource.plural as Watched;
    const namespaces = resource.namespaced ? scopes(watchNamespaces) : undefined;
    const kind = new WatchedKind<T>({ client, resource, namespaces, clock, log, observe: observer?.watch?.(name), timing, ...store });
    observer?.cache?.(name, kind.store);
    this.#following.push(kind);
    return kind;
  }

  #referenced(resource: ResourceType, namespaces: readonly string[] | undefined): ReferencedData {
    const { client, clock, log, secretGraceMs: graceMs, observer, timing } = this.#options;
    const name = resource.plural as Watched;
    const observe = observer?.watch?.(name);
    const source = new KubeMetadataSource({
      client,
      resource,
      namespaces,
      clock,
      log,
      ...(observe && { observe }),
      ...(timing && { timing }),
    });
    observer?.cache?.(name, source);
    this.#following.push(source);
    const data = new ReferencedData({ clock, log, source, fetch: fetchData(client, resource), graceMs });
    observer?.references?.(name, data);
    this.#data.push(data);
    return data;
  }

  #access(kind: Kind): KindAccess<CustomObject> {
    const { client, clock, log, role, indexes, observer } = this.#options;
    const transform = PROJECTIONS[role][kind.plural];
    const watched = this.#watch<CustomObject>(kind, {
      // Made for the objects of this kind.
      indexes: (indexes?.[kind.plural] ?? {}) as Readonly<Record<string, IndexFunction<CustomObject>>>,
      ...(transform && { transform }),
    });
    this.#written.push(watched);
    const deps = { client, fence: this.fence };
    const problems = new StatusProblems({ clock, log, events: this.#recorder }, kind);
    this.#statuses.push(problems);
    observer?.statuses?.(kind.plural as KindPlural, problems);
    return {
      informer: watched.store,
      live: new KubeLiveReader(client, kind),
      status: new KubeStatusWriter({ ...deps, clock, problems }, kind),
      finalizers: new KubeFinalizerWriter(deps, kind),
    };
  }

  #elect(): LeaderElection | undefined {
    const { client, clock, log, lead } = this.#options;
    if (lead?.elect !== true) return undefined;
    const lock = new LeaseLock(client, { namespace: lead.namespace, name: lead.leaseName });
    return new LeaderElection({ lock, clock, log, identity: lead.identity });
  }

  #record(): KubeEventRecorder {
    const { client, clock, log, lead, role, observer } = this.#options;
    return new KubeEventRecorder({
      client,
      fence: this.fence,
      clock,
      log,
      controller: `${GROUP}/${role}`,
      instance: lead?.identity ?? role,
      fallbackNamespace: lead?.namespace,
      observe: (what) => observer?.event?.(what),
    });
  }
}

/** One watch over everything where no namespaces are named. */
function scopes(namespaces: readonly string[] | undefined): readonly string[] | undefined {
  return namespaces === undefined || namespaces.length === 0 ? undefined : namespaces;
}

function healthText({ what, forbidden, problem }: ReflectorHealth): string {
  if (forbidden !== undefined) return `${what}: not allowed to ${forbidden}`;
  return problem === undefined ? `${what}: not listed yet` : `${what}: ${problem}`;
}
