import type { KubeObject } from '../api/meta.js';
import { ClusterUnavailableError } from '../core/errors.js';
import { isStatus } from './kube-error.js';
import type { KubeClient } from './kube-http.js';
import type { Followed, ReflectorTiming } from './reflector-options.js';
import { apiVersionOf, collectionPath, resourceText } from './resources.js';

const METADATA_LIST = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
const METADATA = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
/** A list that expires between its pages is begun again this often before it is asked for in one piece. */
const PAGED_TRIES = 3;

export interface Listed<T> {
  readonly resourceVersion: string;
  readonly items: readonly T[];
}

interface ListBody<T> {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items?: readonly T[] | null;
}

/** What both lists and watches of one kind ask with. */
export function selection({ labelSelector, fieldSelector }: Followed): Readonly<Record<string, string | undefined>> {
  return { labelSelector, fieldSelector };
}

export function acceptFor(followed: Followed, what: 'list' | 'watch'): string {
  if (followed.metadataOnly !== true) return 'application/json';
  return what === 'list' ? METADATA_LIST : METADATA;
}

/** Items of typed lists come without their kind; a partial object has `PartialObjectMetadata` for it. */
export function withKind<T extends KubeObject>(item: T, { resource }: Followed): T {
  return { ...item, apiVersion: apiVersionOf(resource), kind: resource.kind };
}

/**
 * All objects at one resourceVersion, by a consistent read (no resourceVersion asked for, so never the watch cache's idea
 * of the past), page by page. @throws KubeStatusError, ClusterUnavailableError
 */
export async function listAll<T extends KubeObject>(
  client: KubeClient,
  followed: Followed,
  timing: Pick<ReflectorTiming, 'pageLimit' | 'listTimeoutMs'>,
  signal: AbortSignal,
): Promise<Listed<T>> {
  for (let tries = 1; ; tries++) {
    try {
      return await pages<T>(client, followed, { ...timing, pageLimit: tries > PAGED_TRIES ? 0 : timing.pageLimit }, signal);
    } catch (error) {
      if (tries > PAGED_TRIES || !isStatus(error, 410)) throw error;
    }
  }
}

async function pages<T extends KubeObject>(
  client: KubeClient,
  followed: Followed,
  timing: Pick<ReflectorTiming, 'pageLimit' | 'listTimeoutMs'>,
  signal: AbortSignal,
): Promise<Listed<T>> {
  const items: T[] = [];
  let more: string | undefined;
  for (;;) {
    const body = await page<T>(client, followed, timing, { signal, more });
    for (const item of body.items ?? []) items.push(withKind(item, followed));
    more = body.metadata?.continue;
    if (more !== undefined && more !== '') continue;
    const resourceVersion = body.metadata?.resourceVersion;
    if (resourceVersion === undefined)
      throw new ClusterUnavailableError(`the list of ${resourceText(followed.resource)} has no resourceVersion`);
    return { resourceVersion, items };
  }
}

async function page<T>(
  client: KubeClient,
  followed: Followed,
  { pageLimit, listTimeoutMs }: Pick<ReflectorTiming, 'pageLimit' | 'listTimeoutMs'>,
  { signal, more }: { readonly signal: AbortSignal; readonly more: string | undefined },
): Promise<ListBody<T>> {
  const body = await client.request({
    method: 'GET',
    path: collectionPath(followed.resource, followed.namespace),
    query: { ...selection(followed), limit: pageLimit === 0 ? undefined : pageLimit, continue: more },
    accept: acceptFor(followed, 'list'),
    timeoutMs: listTimeoutMs,
    signal,
  });
  if (typeof body !== 'object' || body === null || !Array.isArray((body as ListBody<T>).items ?? [])) {
    throw new ClusterUnavailableError(`the list of ${resourceText(followed.resource)} is no list`);
  }
  return body;
}
