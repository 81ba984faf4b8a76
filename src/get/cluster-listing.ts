import { systemClock } from '../kit/clock.js';
import { keyText } from '../core/domain/object-key.js';
import type { Kind } from '../api/kinds.js';
import type { KubeObject } from '../api/meta.js';
import { loadCrd } from '../folder/crds.js';
import type { StoredObject } from '../folder/state-folder.js';
import { loadKubeClient } from '../k8s/kube-client.js';
import type { KubeClient } from '../k8s/kube-http.js';
import { listAll } from '../k8s/list.js';
import { EVENTS } from '../k8s/resources.js';
import type { Listing } from './listing.js';

export interface ClusterListingOptions {
  readonly kubeconfig: string | undefined;
  /** undefined: that of the kubeconfig's context. */
  readonly namespace: string | undefined;
  readonly allNamespaces: boolean;
  readonly labelSelector: string;
  /** Costs a second list. */
  readonly withEvents: boolean;
  readonly version: string;
  readonly signal: AbortSignal;
}

interface KubeEvent extends KubeObject {
  readonly type?: 'Normal' | 'Warning';
  readonly reason?: string;
  readonly note?: string;
  readonly eventTime?: string | null;
  readonly deprecatedLastTimestamp?: string | null;
  readonly regarding?: { readonly kind?: string; readonly namespace?: string; readonly name?: string };
}

/** What a cluster has of a kind. @throws when it cannot be reached or does not allow it */
export async function listCluster(
  kind: Kind,
  options: ClusterListingOptions,
): Promise<Listing & { readonly namespace: string | undefined }> {
  const { kubeconfig, version, labelSelector } = options;
  const client = loadKubeClient({ kubeconfig, clock: systemClock, userAgent: `messenger-operator/${version} (get)` });
  const namespace = options.allNamespaces ? undefined : (options.namespace ?? client.namespace ?? 'default');
  try {
    const selector = labelSelector === '' ? {} : { labelSelector };
    const { items: objects } = await listAll<StoredObject>(client, { resource: kind, namespace, ...selector }, options.signal);
    const events = options.withEvents ? await eventsOf(client, namespace, options.signal) : [];
    return {
      columns: loadCrd(kind).columns,
      objects,
      lastEvents: lastEvents(events, kind.kind),
      notes: [],
      namespace,
    };
  } finally {
    await client.close();
  }
}

/** Without the right to read Events the objects are shown all the same. */
async function eventsOf(client: KubeClient, namespace: string | undefined, signal: AbortSignal): Promise<readonly KubeEvent[]> {
  try {
    return (await listAll<KubeEvent>(client, { resource: EVENTS, namespace }, signal)).items;
  } catch {
    return [];
  }
}

function lastEvents(events: readonly KubeEvent[], kind: string): Listing['lastEvents'] {
  const last = new Map<string, LastEvent>();
  for (const { regarding = {}, ...event } of events) {
    if (regarding.kind !== kind) continue;
    const key = keyText({ namespace: regarding.namespace ?? '', name: regarding.name ?? '' });
    const shown = shownEvent(event);
    if (shown.time >= (last.get(key)?.time ?? '')) last.set(key, shown);
  }
  return last;
}

type LastEvent = NonNullable<ReturnType<Listing['lastEvents']['get']>>;

function shownEvent({
  type = 'Normal',
  reason = '',
  note = '',
  eventTime,
  deprecatedLastTimestamp,
}: Omit<KubeEvent, 'regarding'>): LastEvent {
  return { type, reason, note, time: eventTime ?? deprecatedLastTimestamp ?? '' };
}
