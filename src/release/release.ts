import { APPS, type CustomObject, type Kind, PAGES } from '../api/kinds.js';
import type { MessengerApp, MessengerPage } from '../api/v1alpha1/types.gen.js';
import { appKeyOf } from '../relations/relations.js';
import { keyText, type NamespacedName } from '../core/domain/object-key.js';
import type { Redactor } from '../core/secrets/redact.js';
import { GraphClient } from '../graph/graph-client.js';
import type { Clock } from '../kit/clock.js';
import type { Logger } from '../kit/log.js';
import { KubeFinalizerWriter } from '../k8s/finalizer-writer.js';
import { loadKubeClient } from '../k8s/kube-client.js';
import type { KubeClient } from '../k8s/kube-http.js';
import { listAll } from '../k8s/list.js';
import { KubeLiveReader } from '../k8s/live-reader.js';
import { SECRETS } from '../k8s/resources.js';
import { fetchData } from '../k8s/secret-source.js';
import { neverWrites, writesAlone } from '../k8s/write-fences.js';
import { withDeadline } from '../runtime/deadline.js';
import type { DataCache, WriteFence } from '../runtime/ports.js';
import { findLease, withLead } from './lead.js';
import { unsubscribePage, type PageUnsubscribeDeps } from './page.js';
import { notFreed, type ReleasedObject, type ReleaseReport } from './report.js';
import { scaleDeployment, stopDeployment } from './scale.js';
import { findTargets, type ReleaseScope, type Targets } from './targets.js';
import { ReleaseWork } from './work.js';

/** What to free, and how. */
export interface ReleaseOptions {
  /** undefined: the Pod's ServiceAccount. */
  readonly kubeconfig: string | undefined;
  /** undefined: that of the kubeconfig's context. */
  readonly namespace: string | undefined;
  readonly allNamespaces: boolean;
  /** Also what is not being deleted. */
  readonly all: boolean;
  /** Where the install works; empty: everywhere. */
  readonly watchNamespaces: readonly string[];
  readonly className: string;
  /** Take the Pages off Graph first. */
  readonly unsubscribe: boolean;
  /** Say what would be done, and change nothing. */
  readonly dryRun: boolean;
  /** Bound of the whole run, in milliseconds. */
  readonly timeoutMs: number;
  /** Take the leader's Lease before anything that a running controller would undo. */
  readonly leaderElect: boolean;
  readonly leaseNamespace: string | undefined;
  /** Deployment of the controller, scaled to zero first; undefined: none is. */
  readonly stopController: string | undefined;
  /**
   * Restore its replicas in any case, at least to this many; undefined: only if something was not
   * freed.
   */
  readonly controllerReplicas: number | undefined;
  readonly graphUrl: URL;
  readonly graphVersion: string;
}

/** What a run needs of its process. */
export interface ReleaseContext {
  readonly clock: Clock;
  readonly log: Logger;
  readonly redactor: Redactor;
  readonly version: string;
  /** Aborted when the process is asked to stop. */
  readonly signal: AbortSignal;
}

/** Of the whole time; the rest is for the finalizers. */
const GRAPH_SHARE = 0.6;
/**
 * For helm to delete the controller's Deployment once its hook has ended: a controller that leads
 * would add finalizers again.
 */
const REMOVAL_MS = 20_000;

/**
 * Frees the finalizers of a cluster's objects, of those named or all in scope. Always ends within
 * `timeoutMs`.
 * @throws Error when nothing could be done at all, or a name does not exist
 */
export async function runRelease(options: ReleaseOptions, names: readonly string[], context: ReleaseContext): Promise<ReleaseReport> {
  const { clock, version } = context;
  const client = loadKubeClient({ kubeconfig: options.kubeconfig, clock, userAgent: `messenger-operator/${version} (release)` });
  const deadline = withDeadline(clock, context.signal, options.timeoutMs);
  // The clock's timers do not keep the process alive, and during the wait for the Lease nothing
  // else does.
  const alive = setInterval(() => undefined, options.timeoutMs);
  try {
    return await new Release({ options, context, client, scope: scopeOf(options, names, client) }).run(deadline.signal);
  } finally {
    clearInterval(alive);
    deadline.clear();
    await client.close();
  }
}

function scopeOf(options: ReleaseOptions, names: readonly string[], client: KubeClient): ReleaseScope {
  const { namespace, allNamespaces, all, watchNamespaces, className } = options;
  const everywhere = watchNamespaces.length === 0 ? [undefined] : watchNamespaces;
  const wide = namespace === undefined && (allNamespaces || all);
  return {
    namespaces: wide ? everywhere : [namespace ?? client.namespace ?? 'default'],
    everywhere,
    ...{ names, className, everything: all },
  };
}

interface ReleaseDeps {
  readonly options: ReleaseOptions;
  readonly context: ReleaseContext;
  readonly client: KubeClient;
  readonly scope: ReleaseScope;
}

class Release {
  readonly #deps: ReleaseDeps;

  constructor(deps: ReleaseDeps) {
    this.#deps = deps;
  }

  async run(signal: AbortSignal): Promise<ReleaseReport> {
    const { options, client, scope } = this.#deps;
    const found = await findTargets(client, scope, signal);
    if (found.missing.length > 0) throw new Error(`there is no ${found.missing.join(', ')} here`);
    if (options.dryRun || !found.any) return { objects: await this.#work(found, neverWrites, signal), notes: found.notes };
    // What is being deleted gets no finalizer back from a controller that runs: only the rest needs
    // the lead.
    if (!options.leaderElect || !(options.all || options.unsubscribe)) {
      return { objects: await this.#work(found, writesAlone, signal), notes: found.notes };
    }
    return this.#leading(signal);
  }

  async #leading(signal: AbortSignal): Promise<ReleaseReport> {
    const { options, context, client } = this.#deps;
    const deps = { client, clock: context.clock, log: context.log };
    // In a Pod of the release's own namespace; by hand the context's namespace says nothing about
    // where the operator runs.
    const namespace = options.leaseNamespace ?? (options.kubeconfig === undefined ? client.namespace : undefined);
    const lease = await findLease(deps, { className: options.className, namespace }, signal);
    const stopped = await this.#stopController(lease, signal);
    const done: ReleaseReport[] = [];
    try {
      await withLead(
        deps,
        { lease, stopping: stopped !== undefined },
        async (fence, leading) => {
          const report = await this.#all(fence, leading);
          done.push(report);
          return this.#restarts(report) && notFreed(report).length === 0 ? REMOVAL_MS : undefined;
        },
        signal,
      );
    } catch (error) {
      // Where the lead was lost on the way, the lines say what was not done.
      if (done.length === 0) throw error;
    } finally {
      if (done.length === 0 || done.some((report) => this.#restarts(report))) await this.#startController(stopped);
    }
    const [{ objects, notes } = { objects: [], notes: [] }] = done;
    return { objects, notes: [...notes, ...stopNotes(options, stopped)] };
  }

  /**
   * By hand a controller stays stopped once all is freed: its Deployment is about to be deleted.
   */
  #restarts(report: ReleaseReport): boolean {
    return this.#deps.options.controllerReplicas !== undefined || notFreed(report).length > 0;
  }

  /** Listed again: what a controller has done until it stopped counts. */
  async #all(fence: WriteFence, signal: AbortSignal): Promise<ReleaseReport> {
    const found = await findTargets(this.#deps.client, this.#deps.scope, signal);
    return { objects: await this.#work(found, fence, signal), notes: found.notes };
  }

  async #work(targets: Targets, fence: WriteFence, signal: AbortSignal): Promise<readonly ReleasedObject[]> {
    const { options, context, client } = this.#deps;
    const { clock, log, redactor } = context;
    const graph = options.unsubscribe ? new GraphClient({ baseUrl: options.graphUrl, clock, redactor, fence }) : undefined;
    const livePages = new KubeLiveReader<MessengerPage>(client, PAGES);
    const finalizersOf = (kind: Kind): KubeFinalizerWriter<CustomObject> => new KubeFinalizerWriter({ client, fence }, kind);
    const pageFinalizers = new KubeFinalizerWriter<MessengerPage>({ client, fence }, PAGES);
    const deps = graph && this.#unsubscribeDeps({ graph, fence, livePages, finalizers: pageFinalizers }, targets);
    const unsubscribe = deps && ((page: MessengerPage, within: AbortSignal) => unsubscribePage(deps, page, within));
    const { dryRun, timeoutMs } = options;
    try {
      return await new ReleaseWork({ livePages, finalizersOf, unsubscribe, clock, log, dryRun, graphMs: timeoutMs * GRAPH_SHARE }).run(
        targets,
        signal,
      );
    } finally {
      graph?.close();
    }
  }

  #unsubscribeDeps(
    own: Pick<PageUnsubscribeDeps, 'graph' | 'fence' | 'livePages' | 'finalizers'>,
    { leaving, knownApps }: Targets,
  ): PageUnsubscribeDeps {
    const { options, context, client } = this.#deps;
    const { clock } = context;
    const liveApps = new KubeLiveReader<MessengerApp>(client, APPS);
    return {
      ...own,
      secrets: liveSecrets(client),
      appOf: async (page, signal) => knownApps.get(keyText(appKeyOf(page))) ?? liveApps.get(appKeyOf(page), signal),
      rivalsOf: (page, signal) => this.#rivalsOf(page, signal),
      leaving,
      clock,
      dryRun: options.dryRun,
      options: { secretGraceMs: 0, graphVersion: options.graphVersion },
    };
  }

  async #rivalsOf(page: MessengerPage, signal: AbortSignal): Promise<readonly MessengerPage[]> {
    const { client, scope } = this.#deps;
    const fieldSelector = `spec.pageId=${page.spec.pageId}`;
    const lists = scope.everywhere.map((namespace) =>
      listAll<MessengerPage>(client, { resource: PAGES, namespace, fieldSelector }, signal),
    );
    return (await Promise.all(lists)).flatMap(({ items }) => items);
  }

  async #stopController(lease: NamespacedName | undefined, signal: AbortSignal): Promise<Stopped | undefined> {
    const { options, client, context } = this.#deps;
    const { stopController: name } = options;
    const namespace = lease?.namespace ?? options.leaseNamespace;
    if (name === undefined || namespace === undefined) return undefined;
    const key = { namespace, name };
    const replicas = await stopDeployment(client, key, signal);
    context.log.info('stopped the controller', { deployment: keyText(key), replicas });
    return replicas === undefined ? undefined : { key, replicas };
  }

  /**
   * The install goes on as it was. An earlier attempt that was killed may have left the Deployment
   * at 0 replicas.
   */
  async #startController(stopped: Stopped | undefined): Promise<void> {
    const { client, context, options } = this.#deps;
    const replicas = replicasOf(stopped, options);
    if (stopped === undefined || replicas === 0) return;
    const fields = { deployment: keyText(stopped.key), replicas };
    try {
      await scaleDeployment(client, stopped.key, replicas);
      context.log.warn('started the controller again', fields);
    } catch (error) {
      context.log.error('cannot start the controller again: kubectl scale it by hand', { ...fields, error });
    }
  }
}

interface Stopped {
  readonly key: NamespacedName;
  readonly replicas: number;
}

function replicasOf(stopped: Stopped | undefined, { controllerReplicas = 0 }: ReleaseOptions): number {
  return stopped === undefined || stopped.replicas === 0 ? controllerReplicas : stopped.replicas;
}

function stopNotes(options: ReleaseOptions, stopped: Stopped | undefined): readonly string[] {
  const { stopController, controllerReplicas } = options;
  if (stopped !== undefined && controllerReplicas === undefined) return [`the Deployment ${keyText(stopped.key)} stays at 0 replicas`];
  if (stopped !== undefined) return [`the Deployment ${keyText(stopped.key)} has ${replicasOf(stopped, options)} replicas again`];
  return stopController === undefined ? [] : [`there is no Deployment ${stopController} beside the Lease: nothing was stopped`];
}

/** Secrets as they are at this moment. */
function liveSecrets(client: KubeClient): Pick<DataCache, 'read'> {
  const fetch = fetchData(client, SECRETS);
  return {
    read: async (key, signal) => {
      const data = await fetch(key, signal);
      return data === undefined ? { kind: 'absent' } : { kind: 'present', ...data, goneSinceMs: undefined };
    },
  };
}
