import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { INDEXES } from '../controller/indexes.js';
import { KubeCluster } from '../k8s/kube-cluster.js';
import type { KubeRole, LeadOptions } from '../k8s/kube-cluster-options.js';
import type { KubeClusterObserver } from '../k8s/observer.js';
import { loadKubeClient } from '../k8s/kube-client.js';
import type { KubeClient } from '../k8s/kube-http.js';
import { leaseNameOf } from '../k8s/lease.js';
import type { Metrics } from '../observability/metrics.js';
import type { Cluster } from '../runtime/cluster.js';
import type { ProcessContext } from './context.js';

export interface KubeConfig {
  /** undefined: the Pod's ServiceAccount. */
  readonly kubeconfig: string | undefined;
  readonly watchNamespaces: readonly string[];
  readonly secretGraceMs: number;
  /**
   * Where Secrets may be listed; elsewhere they are read by name. Empty: wherever objects are
   * watched.
   */
  readonly secretNamespaces?: readonly string[];
}

export interface LeadConfig {
  readonly leaderElect: boolean;
  readonly leaseNamespace: string | undefined;
  readonly className: string;
}

export interface OpenedCluster {
  readonly cluster: Cluster;
  readonly client: KubeClient;
}

/** The cluster as one role sees it. @throws Error that says why it cannot be reached */
export function openKubeCluster(role: KubeRole, config: KubeConfig, context: ProcessContext, lead?: LeadConfig): OpenedCluster {
  const { clock, log, metrics, version } = context;
  const client = loadKubeClient({
    kubeconfig: config.kubeconfig,
    clock,
    userAgent: `messenger-operator/${version} (${role})`,
    observe: metrics.kube.observe,
  });
  const { watchNamespaces, secretGraceMs, secretNamespaces = [] } = config;
  const cluster = new KubeCluster({
    ...{ client, role, clock, log, watchNamespaces, secretGraceMs, secretNamespaces },
    ...(role === 'controller' && { indexes: INDEXES }),
    lead: lead === undefined ? undefined : leadOptions(lead, client),
    observer: observerOf(metrics, lead !== undefined),
  });
  return { cluster, client };
}

function leadOptions({ leaderElect, leaseNamespace, className }: LeadConfig, client: KubeClient): LeadOptions {
  return {
    elect: leaderElect,
    namespace: leaseNamespace ?? client.namespace ?? 'default',
    leaseName: leaseNameOf(className),
    identity: `${hostname()}_${randomBytes(4).toString('hex')}`,
  };
}

function observerOf(metrics: Metrics, leads: boolean): KubeClusterObserver {
  const watches: KubeClusterObserver = {
    watch: (resource) => metrics.reflector.observer(resource),
    cache: (resource, cache) => {
      metrics.reflector.follow(resource, cache);
    },
    references: (resource, references) => {
      metrics.reflector.followReferences(resource, references);
    },
  };
  return leads ? { ...watches, event: metrics.controller.event, statuses: metrics.kube.follow } : watches;
}
