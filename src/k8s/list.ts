import type { KubeObject } from '../api/meta.js';
import { ClusterUnavailableError } from '../core/domain/errors.js';
import { identityOnly } from '../runtime/transform.js';
import { isStatus } from './kube-error.js';
import { AnswerTooLargeError, type KubeClient } from './kube-http.js';
import type { Followed, ReflectorTiming } from './reflector-options.js';
import { apiVersionOf, collectionPath, resourceText } from './resources.js';

const METADATA_LIST = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
const METADATA = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
/** A list that expires between its pages is begun again this often before it is asked for in one piece. */
const PAGED_TRIES = 3;
/** An object's annotations may be 256 KiB, and those of an applied Secret repeat its data: so many fit into one answer. */
const METADATA_PAGE = 100;

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
 * of the past), page by page; pages that are too large are asked for again in smaller ones. Of metadata only what tells versions
 * apart is held, from each page on. @throws KubeStatusError, ClusterUnavailableError
 */
export async function listAll<T extends KubeObject>(
  client: KubeClient,
  followed: Followed,
  timing: Pick<ReflectorTiming, 'pageLimit' | 'listTimeoutMs'>,
  signal: AbortSignal,
): Promise<Listed<T>> {
  let pageLimit = followed.metadataOnly === true ? Math.min(timing.pageLimit, METADATA_PAGE) : timing.pageLimit;
  for (let expired = 0; ;) {
    try {
      return await pages<T>(client, followed, { ...timing, pageLimit }, signal);
    } catch (error) {
      if (isStatus(error, 410)) expired++;
      pageLimit = otherLimit(error, pageLimit, expired);
    }
  }
}

/** How to ask again after a list that failed. @throws what it failed with, where asking otherwise does not help */
function otherLimit(error: unknown, pageLimit: number, expired: number): number {
  if (isStatus(error, 410) && expired <= PAGED_TRIES) return expired === PAGED_TRIES ? 0 : pageLimit;
  if (error instanceof AnswerTooLargeError && pageLimit > 1) return Math.ceil(pageLimit / 4);
  throw error;
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
    for (const item of body.items ?? []) items.push(withKind(kept(item, followed), followed));
    const next = body.metadata?.continue;
    if (next !== undefined && next !== '') {
      if (next === more) throw new ClusterUnavailableError(`the list of ${resourceText(followed.resource)} goes round in a circle`);
      more = next;
      continue;
    }
    const resourceVersion = body.metadata?.resourceVersion;
    if (resourceVersion === undefined)
      throw new ClusterUnavailableError(`the list of ${resourceText(followed.resource)} has no resourceVersion`);
    return { resourceVersion, items };
  }
}

function kept<T extends KubeObject>(item: T, { metadataOnly = false }: Followed): T {
  return metadataOnly ? (identityOnly(item) as T) : item;
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
