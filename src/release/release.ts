import type { MessengerApp, MessengerPage } from '../api/v1alpha1/types.gen.js';
import type { ConfigOf } from '../config/flag-table.js';
import { appKeyOf } from '../relations/relations.js';
import { keyText, type NamespacedName } from '../core/domain/object-key.js';
import { GraphClient } from '../graph/graph-client.js';
import { KubeFinalizerWriter } from '../k8s/finalizer-writer.js';
import { loadKubeClient } from '../k8s/kube-client.js';
import type { KubeClient } from '../k8s/kube-http.js';
import { KubeLiveReader } from '../k8s/live-reader.js';
import { MESSENGER_APPS, MESSENGER_PAGES, SECRETS } from '../k8s/resources.js';
import { fetchData } from '../k8s/secret-source.js';
import { neverWrites, writesAlone } from '../k8s/write-fences.js';
import { withDeadline } from '../runtime/deadline.js';
import type { DataCache, WriteFence } from '../runtime/ports.js';
import { listAll } from '../get/cluster-listing.js';
import type { ProcessIo } from '../app/io.js';
import { openProcess, type Process } from '../app/context.js';
import { findLease, withLead } from './lead.js';
import { sayGoodBye, type PageGoodByeDeps } from './page.js';
import { notFreed, type ReleasedObject, type ReleaseReport } from './report.js';
import { scaleDeployment, stopDeployment } from './scale.js';
import { findTargets, type ReleaseScope, type Targets } from './targets.js';
import { ReleaseWork } from './work.js';

export type ReleaseConfig = ConfigOf<'release'>;

/** Of the whole time; the rest is for the finalizers. */
const GRAPH_SHARE = 0.6;

/**
 * Frees the finalizers of a cluster's objects. Ends within `--timeout`, come what may.
 * @throws Error in words when nothing could be done at all, or a name is nowhere
 */
export async function runRelease(config: ReleaseConfig, names: readonly string[], io: ProcessIo): Promise<ReleaseReport> {
  const process = openProcess(config, io);
  const { clock, version, log } = process;
  const client = loadKubeClient({ kubeconfig: config.kubeconfig, clock, userAgent: `messenger-operator/${version} (release)` });
  const deadline = withDeadline(clock, process.signal, config.timeoutMs);
  // The clock's timers keep no process alive, and while this one waits for the Lease it has nothing else.
  const alive = setInterval(() => undefined, config.timeoutMs);
  try {
    return await new Release({ config, process, client, scope: scopeOf(config, names, client) }).run(deadline.signal);
  } finally {
    clearInterval(alive);
    deadline.clear();
    await client.close();
    await log.close();
  }
}

function scopeOf(config: ReleaseConfig, names: readonly string[], client: KubeClient): ReleaseScope {
  const { namespace, allNamespaces, all, watchNamespaces, className } = config;
  const everywhere = watchNamespaces.length === 0 ? [undefined] : watchNamespaces;
  const wide = namespace === undefined && (allNamespaces || all);
  return {
    namespaces: wide ? everywhere : [namespace ?? client.namespace ?? 'default'],
    everywhere,
    ...{ names, className, everything: all },
  };
}

interface ReleaseDeps {
  readonly config: ReleaseConfig;
  readonly process: Process;
  readonly client: KubeClient;
  readonly scope: ReleaseScope;
}

class Release {
  readonly #deps: ReleaseDeps;

  constructor(deps: ReleaseDeps) {
    this.#deps = deps;
  }

  async run(signal: AbortSignal): Promise<ReleaseReport> {
    const { config, client, scope } = this.#deps;
    const found = await findTargets(client, scope, signal);
    if (found.missing.length > 0) throw new Error(`there is no ${found.missing.join(', ')} here`);
    if (config.dryRun || !found.any) return { objects: await this.#work(found, neverWrites, signal), notes: found.notes };
    // What is being deleted gets no finalizer back from a controller that runs: only the rest needs the lead.
    if (!config.leaderElect || !(config.all || config.unsubscribe)) {
      return { objects: await this.#work(found, writesAlone, signal), notes: found.notes };
    }
    return this.#leading(signal);
  }

  async #leading(signal: AbortSignal): Promise<ReleaseReport> {
    const { config, process, client } = this.#deps;
    const deps = { client, clock: process.clock, log: process.log };
    // In a Pod of the release's own namespace; by hand the context's namespace says nothing about where the operator runs.
    const namespace = config.leaseNamespace ?? (config.kubeconfig === undefined ? client.namespace : undefined);
    const lease = await findLease(deps, { className: config.className, namespace }, signal);
    const stopped = await this.#stopController(lease, signal);
    const done: ReleaseReport[] = [];
    try {
      await withLead(
        deps,
        { lease, stopping: stopped !== undefined },
        async (fence, leading) => void done.push(await this.#all(fence, leading)),
        signal,
      );
    } catch (error) {
      // Where the lead was lost on the way, the lines say what was not done.
      if (done.length === 0) throw error;
    } finally {
      if (done.length === 0 || done.some((report) => notFreed(report).length > 0)) await this.#startController(stopped);
    }
    const [{ objects, notes } = { objects: [], notes: [] }] = done;
    return { objects, notes: [...notes, ...stopNotes(config, stopped)] };
  }

  /** Listed again: what a controller has done until it stopped counts. */
  async #all(fence: WriteFence, signal: AbortSignal): Promise<ReleaseReport> {
    const found = await findTargets(this.#deps.client, this.#deps.scope, signal);
    return { objects: await this.#work(found, fence, signal), notes: found.notes };
  }

  async #work(targets: Targets, fence: WriteFence, signal: AbortSignal): Promise<readonly ReleasedObject[]> {
    const { config, process, client } = this.#deps;
    const { clock, log, redactor } = process;
    const graph = config.unsubscribe ? new GraphClient({ baseUrl: config.graphUrl, clock, redactor, fence }) : undefined;
    const pages = {
      live: new KubeLiveReader<MessengerPage>(client, MESSENGER_PAGES),
      finalizers: new KubeFinalizerWriter<MessengerPage>({ client, fence }, MESSENGER_PAGES),
    };
    const apps = { finalizers: new KubeFinalizerWriter<MessengerApp>({ client, fence }, MESSENGER_APPS) };
    const deps = graph && this.#goodByeDeps({ graph, fence, livePages: pages.live, finalizers: pages.finalizers }, targets);
    const goodBye = deps && ((page: MessengerPage, within: AbortSignal) => sayGoodBye(deps, page, within));
    const { dryRun, timeoutMs } = config;
    try {
      return await new ReleaseWork({ pages, apps, goodBye, clock, log, dryRun, graphMs: timeoutMs * GRAPH_SHARE }).run(targets, signal);
    } finally {
      graph?.close();
    }
  }

  #goodByeDeps(
    own: Pick<PageGoodByeDeps, 'graph' | 'fence' | 'livePages' | 'finalizers'>,
    { leaving, knownApps }: Targets,
  ): PageGoodByeDeps {
    const { config, process, client } = this.#deps;
    const { clock } = process;
    const liveApps = new KubeLiveReader<MessengerApp>(client, MESSENGER_APPS);
    return {
      ...own,
      secrets: liveSecrets(client),
      appOf: async (page, signal) => knownApps.get(keyText(appKeyOf(page))) ?? liveApps.get(appKeyOf(page), signal),
      rivalsOf: (page, signal) => this.#rivalsOf(page, signal),
      leaving,
      clock,
      dryRun: config.dryRun,
      options: { secretGraceMs: 0, graphVersion: config.graphVersion },
    };
  }

  async #rivalsOf(page: MessengerPage, signal: AbortSignal): Promise<readonly MessengerPage[]> {
    const { client, scope } = this.#deps;
    const fieldSelector = `spec.pageId=${page.spec.pageId}`;
    const lists = scope.everywhere.map((namespace) =>
      listAll<MessengerPage>(client, { resource: MESSENGER_PAGES, namespace, fieldSelector }, signal),
    );
    return (await Promise.all(lists)).flat();
  }

  async #stopController(lease: NamespacedName | undefined, signal: AbortSignal): Promise<Stopped | undefined> {
    const { config, client, process } = this.#deps;
    const { stopController: name } = config;
    const namespace = lease?.namespace ?? config.leaseNamespace;
    if (name === undefined || namespace === undefined) return undefined;
    const key = { namespace, name };
    const replicas = await stopDeployment(client, key, signal);
    process.log.info('stopped the controller', { deployment: keyText(key), replicas });
    return replicas === undefined ? undefined : { key, replicas };
  }

  /** Where not everything was freed the install goes on as it was. */
  async #startController(stopped: Stopped | undefined): Promise<void> {
    if (stopped === undefined || stopped.replicas === 0) return;
    const { client, process } = this.#deps;
    const fields = { deployment: keyText(stopped.key), replicas: stopped.replicas };
    try {
      await scaleDeployment(client, stopped.key, stopped.replicas);
      process.log.warn('started the controller again, for not everything was freed', fields);
    } catch (error) {
      process.log.error('cannot start the controller again: kubectl scale it by hand', { ...fields, error });
    }
  }
}

interface Stopped {
  readonly key: NamespacedName;
  readonly replicas: number;
}

function stopNotes({ stopController }: ReleaseConfig, stopped: Stopped | undefined): readonly string[] {
  if (stopped !== undefined) return [`the Deployment ${keyText(stopped.key)} stays at 0 replicas`];
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
