import type { KubeObject } from '../api/meta.js';
import { ClusterUnavailableError } from '../core/domain/errors.js';
import { identityOnly } from '../runtime/transform.js';
import { isStatus } from './kube-error.js';
import { AnswerTooLargeError, type KubeClient } from './kube-http.js';
import { REFLECTOR_TIMING, type Followed, type ReflectorTiming } from './reflector-options.js';
import { apiVersionOf, collectionPath, resourceText } from './resources.js';

const METADATA_LIST = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
const METADATA = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
/**
 * A list that expires between its pages starts over this often; after that it is asked for in one
 * piece.
 */
const PAGED_TRIES = 3;
/**
 * An object's annotations may be 256 KiB, and those of an applied Secret repeat its data: so many
 * fit into one answer.
 */
const METADATA_PAGE = 100;

export interface Listed<T> {
  readonly resourceVersion: string;
  readonly items: readonly T[];
}

interface ListBody<T> {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items?: readonly T[] | null;
}

/** The query that the lists and watches of one kind share. */
export function selection({ labelSelector, fieldSelector }: Followed): Readonly<Record<string, string | undefined>> {
  return { labelSelector, fieldSelector };
}

export function acceptFor(followed: Followed, what: 'list' | 'watch'): string {
  if (followed.metadataOnly !== true) return 'application/json';
  return what === 'list' ? METADATA_LIST : METADATA;
}

/**
 * Items of a typed list have no kind, and a partial object has `PartialObjectMetadata`: gives them
 * their own.
 */
export function withKind<T extends KubeObject>(item: T, { resource }: Followed): T {
  return { ...item, apiVersion: apiVersionOf(resource), kind: resource.kind };
}

type ListTiming = Pick<ReflectorTiming, 'pageLimit' | 'listTimeoutMs'>;

/**
 * All objects at one resourceVersion, with their apiVersion and kind. A consistent read: it names
 * no resourceVersion, so the watch cache never answers with the past. Asks page by page, and in
 * smaller pages where one is too large. A list that expires between two pages (410) starts over.
 * With `metadataOnly` it keeps only what tells versions apart.
 * @throws KubeStatusError, or ClusterUnavailableError where the answers are not a list or its pages
 * never end
 */
export async function listAll<T extends KubeObject>(
  client: Pick<KubeClient, 'request'>,
  followed: Followed,
  signal: AbortSignal,
  timing: ListTiming = REFLECTOR_TIMING,
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

/**
 * The page limit to ask with after a list that failed. @throws the failure, where another limit
 * does not help
 */
function otherLimit(error: unknown, pageLimit: number, expired: number): number {
  if (isStatus(error, 410) && expired <= PAGED_TRIES) return expired === PAGED_TRIES ? 0 : pageLimit;
  if (error instanceof AnswerTooLargeError && pageLimit > 1) return Math.ceil(pageLimit / 4);
  throw error;
}

async function pages<T extends KubeObject>(
  client: Pick<KubeClient, 'request'>,
  followed: Followed,
  timing: ListTiming,
  signal: AbortSignal,
): Promise<Listed<T>> {
  const items: T[] = [];
  const tokens = new Set<string>();
  let more: string | undefined;
  for (;;) {
    const body = await page<T>(client, followed, timing, { signal, more });
    for (const item of body.items ?? []) items.push(withKind(kept(item, followed), followed));
    const next = body.metadata?.continue;
    if (next !== undefined && next !== '') {
      if (tokens.has(next)) throw new ClusterUnavailableError(`the list of ${resourceText(followed.resource)} goes round in a circle`);
      tokens.add(next);
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
  client: Pick<KubeClient, 'request'>,
  followed: Followed,
  { pageLimit, listTimeoutMs }: ListTiming,
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
    throw new ClusterUnavailableError(`the list of ${resourceText(followed.resource)} is not a list`);
  }
  return body;
}
