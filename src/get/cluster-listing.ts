import { systemClock } from '../kit/clock.js';
import { keyText } from '../core/domain/object-key.js';
import type { Crd } from '../folder/crd.js';
import type { StoredObject } from '../folder/state-folder.js';
import { loadKubeClient } from '../k8s/kube-client.js';
import type { KubeClient } from '../k8s/kube-http.js';
import { collectionPath, EVENTS, type ResourceType } from '../k8s/resources.js';
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

interface KubeEvent {
  readonly type?: 'Normal' | 'Warning';
  readonly reason?: string;
  readonly note?: string;
  readonly eventTime?: string | null;
  readonly deprecatedLastTimestamp?: string | null;
  readonly regarding?: { readonly kind?: string; readonly namespace?: string; readonly name?: string };
}

const PAGE = 500;

/** What a cluster has of a kind. @throws when it cannot be reached or does not allow it */
export async function listCluster(crd: Crd, options: ClusterListingOptions): Promise<Listing & { readonly namespace: string | undefined }> {
  const { kubeconfig, version, labelSelector } = options;
  const client = loadKubeClient({ kubeconfig, clock: systemClock, userAgent: `messenger-operator/${version} (get)` });
  const namespace = options.allNamespaces ? undefined : (options.namespace ?? client.namespace ?? 'default');
  try {
    const objects = await listAll<StoredObject>(client, { resource: resourceOf(crd), namespace, labelSelector }, options.signal);
    const events = options.withEvents ? await eventsOf(client, namespace, options.signal) : [];
    return {
      columns: crd.columns,
      objects: objects.map((object) => ({ ...object, apiVersion: crd.apiVersion, kind: crd.kind })),
      lastEvents: lastEvents(events, crd.kind),
      notes: [],
      namespace,
    };
  } finally {
    await client.close();
  }
}

function resourceOf({ apiVersion, plural, kind }: Crd): ResourceType {
  const [group = '', version = ''] = apiVersion.split('/');
  return { group, version, plural, kind, namespaced: true };
}

/** What to list; no namespace: all of them. */
export interface Wanted {
  readonly resource: ResourceType;
  readonly namespace: string | undefined;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

/** Every object of a kind, page by page, as the server gives them: without apiVersion and kind. @throws as the client */
export async function listAll<T>(
  client: Pick<KubeClient, 'request'>,
  { resource, namespace, labelSelector = '', fieldSelector }: Wanted,
  signal: AbortSignal,
): Promise<readonly T[]> {
  const items: T[] = [];
  let next: string | undefined;
  do {
    const query = { limit: PAGE, continue: next, labelSelector: labelSelector === '' ? undefined : labelSelector, fieldSelector };
    const answer = await client.request({ method: 'GET', path: collectionPath(resource, namespace), query, signal });
    const page = answer as { readonly items?: readonly T[]; readonly metadata?: { readonly continue?: string } };
    items.push(...(page.items ?? []));
    next = page.metadata?.continue === '' ? undefined : page.metadata?.continue;
  } while (next !== undefined);
  return items;
}

/** Who may not read Events sees the objects all the same. */
async function eventsOf(client: KubeClient, namespace: string | undefined, signal: AbortSignal): Promise<readonly KubeEvent[]> {
  try {
    return await listAll<KubeEvent>(client, { resource: EVENTS, namespace, labelSelector: '' }, signal);
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
