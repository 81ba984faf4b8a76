import { APPS, PAGES } from '../../src/api/kinds.js';
import { KindMap } from '../../src/runtime/kinds.js';
import type { KubeObject } from '../../src/api/meta.js';
import type { MessengerApp, MessengerPage } from '../../src/api/v1alpha1/types.gen.js';
import { UNSUBSCRIBE_FINALIZER } from '../../src/api/v1alpha1/constants.js';
import type { LeaderPorts } from '../../src/app/leader.js';
import { StaleReadError } from '../../src/core/domain/errors.js';
import type { PageGraph } from '../../src/core/ports/graph.js';
import { hasFinalizer, isBeingDeleted } from '../../src/runtime/finalizers.js';
import type { FinalizerWriter, Informer, KindAccess, LiveReader } from '../../src/runtime/ports.js';

/** Mistakes that could be made, put in on purpose to see whether they would be found. */
export const BUGS = ['finalizer_before_delete', 'lister_for_live', 'no_fence', 'deleted_are_successors', 'secret_lost_on_relist'] as const;
export type Bug = (typeof BUGS)[number];

/**
 * The ports with the mistake in them. Those about the fence and about Secrets are in `Process` and
 * `Caches`.
 */
export function withBug(bug: Bug | undefined, ports: LeaderPorts): LeaderPorts {
  switch (bug) {
    case 'finalizer_before_delete':
      return { ...ports, graph: lettingGoFirst(ports) };
    case 'lister_for_live':
      return readingCaches(ports);
    case 'deleted_are_successors':
      return countingTheDeleted(ports);
    case 'no_fence':
    case 'secret_lost_on_relist':
    case undefined:
      return ports;
  }
}

/** The finalizer goes before the DELETE has been answered. */
function lettingGoFirst({ graph, cluster }: LeaderPorts): LeaderPorts['graph'] {
  const pages = cluster.kind(PAGES);
  const unsubscribe: PageGraph['unsubscribe'] = async (page, options) => {
    for (const one of pages.informer.byIndex('pageId', page.pageId)) {
      if (isBeingDeleted(one)) await pages.finalizers.remove(one, UNSUBSCRIBE_FINALIZER, options.signal);
    }
    return graph.unsubscribe(page, options);
  };
  return {
    inspectToken: (app, token, options) => graph.inspectToken(app, token, options),
    pageInfo: (page, options) => graph.pageInfo(page, options),
    observe: (page, options) => graph.observe(page, options),
    subscribe: (page, fields, options) => graph.subscribe(page, fields, options),
    unsubscribe,
    subscriptions: (app, options) => graph.subscriptions(app, options),
    subscribeApp: (app, wanted, options) => graph.subscribeApp(app, wanted, options),
  };
}

/** The cache is believed where the object itself has to be read. */
function readingCaches(ports: LeaderPorts): LeaderPorts {
  const [pages, apps] = [ports.cluster.kind(PAGES), ports.cluster.kind(APPS)];
  return withKinds(ports, { ...pages, live: fromCache(pages) }, { ...apps, live: fromCache(apps) });
}

function fromCache<T extends KubeObject>({ informer }: { readonly informer: Informer<T> }): LiveReader<T> {
  return { get: (key) => Promise.resolve(informer.get(key)) };
}

/** A page that waits for the claim is taken for a successor, deleted or not. */
function countingTheDeleted(ports: LeaderPorts): LeaderPorts {
  const pages = ports.cluster.kind(PAGES);
  const lenient: KindAccess<MessengerPage> = { ...pages, informer: keepingRivals(pages.informer), live: keeping(pages.live) };
  return withKinds(ports, { ...lenient, finalizers: neverTooLate(pages.finalizers) }, ports.cluster.kind(APPS));
}

function withKinds(ports: LeaderPorts, pages: KindAccess<MessengerPage>, apps: KindAccess<MessengerApp>): LeaderPorts {
  const kinds = new KindMap().set(PAGES, pages).set(APPS, apps);
  return { ...ports, cluster: { ...ports.cluster, kind: (kind) => kinds.get(kind) } };
}

function keepingRivals(informer: Informer<MessengerPage>): Informer<MessengerPage> {
  return {
    get: (key) => informer.get(key),
    list: () => informer.list(),
    byIndex: (index, value) => informer.byIndex(index, value).map((page) => (index === 'pageId' ? asIfKept(page) : page)),
    hasSynced: () => informer.hasSynced(),
    covers: (namespace) => informer.covers(namespace),
    unlistedForMs: () => informer.unlistedForMs(),
    ageMs: () => informer.ageMs(),
    subscribe: (handler) => informer.subscribe(handler),
  };
}

/** But for one that is to be unsubscribed: its own pass must go on. */
function keeping(live: LiveReader<MessengerPage>): LiveReader<MessengerPage> {
  return {
    get: async (key, signal) => {
      const page = await live.get(key, signal);
      return page === undefined || hasFinalizer(page, UNSUBSCRIBE_FINALIZER) ? page : asIfKept(page);
    },
  };
}

function neverTooLate(finalizers: FinalizerWriter<MessengerPage>): FinalizerWriter<MessengerPage> {
  return {
    add: (page, finalizer, signal) =>
      finalizers.add(page, finalizer, signal).catch((error: unknown) => {
        if (error instanceof StaleReadError) return page;
        throw error;
      }),
    remove: (page, finalizer, signal) => finalizers.remove(page, finalizer, signal),
  };
}

/** Unless it holds the claim: that is the one to hand it over. */
function asIfKept(page: MessengerPage): MessengerPage {
  if (page.status?.claim?.state === 'Held' || !isBeingDeleted(page)) return page;
  const kept = Object.entries(page.metadata).filter(([name]) => name !== 'deletionTimestamp');
  return { ...page, metadata: { name: page.metadata.name, ...Object.fromEntries(kept) } };
}
