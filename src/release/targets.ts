import { APPS, kindNamed, PAGES } from '../api/kinds.js';
import { IN_USE_FINALIZER, UNSUBSCRIBE_FINALIZER } from '../api/v1alpha1/constants.js';
import type { MessengerApp, MessengerPage } from '../api/v1alpha1/types.gen.js';
import { appKeyOf, classOf, isInAppNamespace } from '../relations/relations.js';
import { ClusterUnavailableError } from '../core/domain/errors.js';
import { keyOf, keyText, parseKey } from '../core/domain/object-key.js';
import { isStatus } from '../k8s/kube-error.js';
import type { KubeClient } from '../k8s/kube-http.js';
import { listAll } from '../k8s/list.js';
import { KubeLiveReader } from '../k8s/live-reader.js';
import { resourceText, type ResourceType } from '../k8s/resources.js';
import { hasFinalizer, isBeingDeleted } from '../runtime/finalizers.js';
import type { ReleasedObject } from './report.js';

/** What a release is about. */
export interface ReleaseScope {
  /** undefined among them: all. */
  readonly namespaces: readonly (string | undefined)[];
  /** Wherever this install works: where another page may want the same Facebook Page. */
  readonly everywhere: readonly (string | undefined)[];
  /** `NAME`, `page/NAME` or `app/NAME`; empty: every object. */
  readonly names: readonly string[];
  /** Also what is not being deleted. */
  readonly everything: boolean;
  readonly className: string;
}

/** What is to be freed, and what is not though it was named. */
export interface Targets {
  readonly pages: readonly MessengerPage[];
  readonly apps: readonly MessengerApp[];
  /** The uids of all pages that this run is about, finalizer or not: none of them takes over from another. */
  readonly leaving: ReadonlySet<string>;
  /** Every app that was seen, by `namespace/name`. */
  readonly knownApps: ReadonlyMap<string, MessengerApp>;
  readonly skipped: readonly ReleasedObject[];
  /** Names that nothing has. */
  readonly missing: readonly string[];
  readonly notes: readonly string[];
  /** Whether there is any object of ours in scope, finalizer or not. */
  readonly any: boolean;
}

type Target = MessengerPage | MessengerApp;

/** Lists what is to be freed. A kind whose CustomResourceDefinition is gone has no objects. @throws as the client */
export async function findTargets(client: KubeClient, scope: ReleaseScope, signal: AbortSignal): Promise<Targets> {
  const pages = await listIn<MessengerPage>(client, PAGES, scope.namespaces, signal);
  const apps = await listIn<MessengerApp>(client, APPS, scope.namespaces, signal);
  const knownApps = new Map((apps ?? []).map((app) => [keyText(keyOf(app)), app]));
  await addForeignApps(client, { pages: pages ?? [], knownApps }, signal);
  const isWanted = (object: Target): boolean => isNamed(object, scope.names);
  const judged = (object: Target): Judged => ({ object, skip: skipOf(object, scope, knownApps) });
  const found = [...(pages ?? []), ...(apps ?? [])].filter(isWanted).map(judged);
  const isFree = (object: Target): boolean => isWanted(object) && judged(object).skip === undefined && hasOurs(object);
  return {
    pages: (pages ?? []).filter(isFree).sort(byKey),
    apps: (apps ?? []).filter(isFree).sort(byKey),
    leaving: new Set(found.flatMap(({ object, skip }) => (skip === undefined ? (object.metadata.uid ?? []) : []))),
    knownApps,
    skipped: scope.names.length === 0 ? [] : found.flatMap(skippedRow),
    missing:
      pages === undefined && apps === undefined ? [] : scope.names.filter((name) => !found.some(({ object }) => isNamed(object, [name]))),
    notes: notesOf(pages, apps),
    any: found.some(({ skip }) => skip === undefined),
  };
}

/** The apps of other namespaces that pages refer to. One that may not be read counts as not there. */
async function addForeignApps(
  client: KubeClient,
  { pages, knownApps }: { readonly pages: readonly MessengerPage[]; readonly knownApps: Map<string, MessengerApp> },
  signal: AbortSignal,
): Promise<void> {
  const live = new KubeLiveReader<MessengerApp>(client, APPS);
  const wanted = new Set(pages.filter((page) => !isInAppNamespace(page)).map((page) => keyText(appKeyOf(page))));
  for (const text of wanted) {
    if (knownApps.has(text)) continue;
    try {
      const app = await live.get(parseKey(text), signal);
      if (app !== undefined) knownApps.set(text, app);
    } catch (error) {
      if (!(error instanceof ClusterUnavailableError)) throw error;
    }
  }
}

/** undefined: the server does not know the kind. */
async function listIn<T extends Target>(
  client: KubeClient,
  resource: ResourceType,
  namespaces: readonly (string | undefined)[],
  signal: AbortSignal,
): Promise<readonly T[] | undefined> {
  try {
    const lists = await Promise.all(namespaces.map((namespace) => listAll<T>(client, { resource, namespace }, signal)));
    return lists.flatMap(({ items }) => items);
  } catch (error) {
    if (isStatus(error, 404)) return undefined;
    throw error;
  }
}

function notesOf(pages: unknown, apps: unknown): readonly string[] {
  const gone = [...(pages === undefined ? [PAGES] : []), ...(apps === undefined ? [APPS] : [])];
  return gone.map((resource) => `the CustomResourceDefinition ${resourceText(resource)} is gone, and with it every ${resource.kind}`);
}

function isPage(object: Target): object is MessengerPage {
  return object.kind === PAGES.kind;
}

function hasOurs(object: Target): boolean {
  return hasFinalizer(object, isPage(object) ? UNSUBSCRIBE_FINALIZER : IN_USE_FINALIZER);
}

function isNamed(object: Target, names: readonly string[]): boolean {
  if (names.length === 0) return true;
  return names.some((text) => {
    const slash = text.indexOf('/');
    if (object.metadata.name !== text.slice(slash + 1)) return false;
    return slash < 0 || kindNamed(text.slice(0, slash))?.kind === object.kind;
  });
}

/** Why an object is not freed, as a code and as a sentence for the report. */
type Skip = Pick<Required<ReleasedObject>, 'why' | 'message'>;

interface Judged {
  readonly object: Target;
  /** undefined: it may be freed. */
  readonly skip: Skip | undefined;
}

function skipOf(object: Target, { className, names, everything }: ReleaseScope, apps: Targets['knownApps']): Skip | undefined {
  const app = isPage(object) ? apps.get(keyText(appKeyOf(object))) : object;
  // Once its app is gone, the class of a page is unknown. A page that was named is meant.
  const unknown = app === undefined && names.length > 0;
  const ofClass = classOf(app);
  if (!unknown && ofClass !== className) {
    return { why: 'OtherClass', message: `it belongs to the class "${ofClass}": name that with --class` };
  }
  if (everything || isBeingDeleted(object)) return undefined;
  return {
    why: 'NotBeingDeleted',
    message: 'it is not being deleted, and a running controller would put the finalizer back: delete it first, or use --all',
  };
}

function skippedRow({ object, skip }: Judged): readonly ReleasedObject[] {
  if (skip === undefined && hasOurs(object)) return [];
  const { why, message } = skip ?? { why: 'NoFinalizer', message: 'it has no finalizer of this operator' };
  return [{ ...rowOf(object), finalizer: 'skipped', why, message }];
}

/** The identity of a line of the report. */
export function rowOf(object: Target): Pick<ReleasedObject, 'kind' | 'namespace' | 'name' | 'pageId'> {
  if (isPage(object)) return { kind: 'MessengerPage', ...keyOf(object), pageId: object.spec.pageId };
  return { kind: 'MessengerApp', ...keyOf(object) };
}

function byKey(a: Target, b: Target): number {
  return keyText(keyOf(a)) < keyText(keyOf(b)) ? -1 : 1;
}
