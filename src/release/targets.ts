import { APPS, type CustomObject, type Kind, kindNamed, KINDS, PAGES } from '../api/kinds.js';
import type { MessengerApp, MessengerPage } from '../api/v1alpha1/types.gen.js';
import { appKeyOf, classOf, isInAppNamespace } from '../relations/relations.js';
import { ClusterUnavailableError } from '../core/domain/errors.js';
import { keyOf, keyText, parseKey } from '../core/domain/object-key.js';
import { isStatus } from '../k8s/kube-error.js';
import type { KubeClient } from '../k8s/kube-http.js';
import { listAll } from '../k8s/list.js';
import { KubeLiveReader } from '../k8s/live-reader.js';
import { resourceText } from '../k8s/resources.js';
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

/** The objects of one kind that are to be freed. */
export interface TargetGroup {
  readonly kind: Kind;
  readonly objects: readonly CustomObject[];
}

/** What is to be freed, and what is not although it was named. */
export interface Targets {
  /** By kind, in the order in which they are freed. */
  readonly groups: readonly TargetGroup[];
  /**
   * The uids of all pages that this run is about, finalizer or not: none of them takes over from
   * another.
   */
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

/** What a cluster has of a kind; undefined: the server does not know the kind. */
interface Found {
  readonly kind: Kind;
  readonly objects: readonly CustomObject[] | undefined;
}

/**
 * Lists what is to be freed. A kind whose CustomResourceDefinition is gone has no objects. @throws
 * as the client
 */
export async function findTargets(
  client: KubeClient,
  scope: ReleaseScope,
  signal: AbortSignal,
  kinds: readonly Kind[] = KINDS,
): Promise<Targets> {
  const found: Found[] = [];
  for (const kind of kinds) found.push({ kind, objects: await listIn(client, kind, scope.namespaces, signal) });
  const all = found.flatMap(({ objects = [] }) => objects);
  const knownApps = new Map(all.filter(isApp).map((app) => [keyText(keyOf(app)), app]));
  await addForeignApps(client, { pages: all.filter(isPage), knownApps }, signal);
  const groups = found.map(({ kind, objects = [] }) => ({
    kind,
    judged: objects
      .filter((object) => isNamed(object, kind, scope.names))
      .map((object): Judged => ({ kind, object, skip: skipOf(object, scope, knownApps) })),
  }));
  const judged = groups.flatMap((group) => group.judged);
  return {
    groups: groups.map((group) => ({ kind: group.kind, objects: freeable(group.judged) })),
    leaving: new Set(judged.flatMap(({ object, skip }) => (skip === undefined ? (object.metadata.uid ?? []) : []))),
    knownApps,
    skipped: scope.names.length === 0 ? [] : judged.flatMap(skippedRow),
    missing: found.every(({ objects }) => objects === undefined)
      ? []
      : scope.names.filter((name) => !judged.some(({ kind, object }) => isNamed(object, kind, [name]))),
    notes: notesOf(found),
    any: judged.some(({ skip }) => skip === undefined),
  };
}

function freeable(judged: readonly Judged[]): readonly CustomObject[] {
  const free = judged.filter(({ object, kind, skip }) => skip === undefined && hasFinalizer(object, kind.finalizer));
  return free.map(({ object }) => object).sort(byKey);
}

/**
 * The apps of other namespaces that pages refer to. One that may not be read counts as not there.
 */
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
async function listIn(
  client: KubeClient,
  kind: Kind,
  namespaces: readonly (string | undefined)[],
  signal: AbortSignal,
): Promise<readonly CustomObject[] | undefined> {
  try {
    const lists = await Promise.all(namespaces.map((namespace) => listAll<CustomObject>(client, { resource: kind, namespace }, signal)));
    return lists.flatMap(({ items }) => items);
  } catch (error) {
    if (isStatus(error, 404)) return undefined;
    throw error;
  }
}

function notesOf(found: readonly Found[]): readonly string[] {
  return found.flatMap(({ kind, objects }) =>
    objects === undefined ? [`the CustomResourceDefinition ${resourceText(kind)} is gone, and with it every ${kind.kind}`] : [],
  );
}

export function isPage(object: CustomObject): object is MessengerPage {
  return object.kind === PAGES.kind;
}

function isApp(object: CustomObject): object is MessengerApp {
  return object.kind === APPS.kind;
}

function isNamed(object: CustomObject, kind: Kind, names: readonly string[]): boolean {
  if (names.length === 0) return true;
  return names.some((text) => {
    const slash = text.indexOf('/');
    if (object.metadata.name !== text.slice(slash + 1)) return false;
    return slash < 0 || kindNamed(text.slice(0, slash), [kind]) !== undefined;
  });
}

/** Why an object is not freed, as a code and as a sentence for the report. */
type Skip = Pick<Required<ReleasedObject>, 'why' | 'message'>;

interface Judged {
  readonly kind: Kind;
  readonly object: CustomObject;
  /** undefined: it may be freed. */
  readonly skip: Skip | undefined;
}

function skipOf(object: CustomObject, { className, names, everything }: ReleaseScope, apps: Targets['knownApps']): Skip | undefined {
  // Once its app is gone, the class of a page is unknown. A page that was named is meant.
  const ofClass = classOfObject(object, apps);
  const unknown = ofClass === undefined && names.length > 0;
  if (!unknown && (ofClass ?? '') !== className) {
    return { why: 'OtherClass', message: `it belongs to the class "${ofClass ?? ''}": name that with --class` };
  }
  if (everything || isBeingDeleted(object)) return undefined;
  return {
    why: 'NotBeingDeleted',
    message: 'it is not being deleted, and a running controller would put the finalizer back: delete it first, or use --all',
  };
}

/** That of its app, or its own; undefined: its app is gone. */
function classOfObject(object: CustomObject, apps: Targets['knownApps']): string | undefined {
  if (!isPage(object)) return (object.spec as { readonly className?: string } | undefined)?.className ?? '';
  const app = apps.get(keyText(appKeyOf(object)));
  return app === undefined ? undefined : classOf(app);
}

function skippedRow({ kind, object, skip }: Judged): readonly ReleasedObject[] {
  if (skip === undefined && hasFinalizer(object, kind.finalizer)) return [];
  const { why, message } = skip ?? { why: 'NoFinalizer', message: 'it has no finalizer of this operator' };
  return [{ ...rowOf(kind, object), finalizer: 'skipped', why, message }];
}

/** The identity of a line of the report. */
export function rowOf({ kind }: Kind, object: CustomObject): Pick<ReleasedObject, 'kind' | 'namespace' | 'name' | 'pageId'> {
  return { kind, ...keyOf(object), ...(isPage(object) ? { pageId: object.spec.pageId } : {}) };
}

function byKey(a: CustomObject, b: CustomObject): number {
  return keyText(keyOf(a)) < keyText(keyOf(b)) ? -1 : 1;
}
