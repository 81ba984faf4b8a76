import type { MessengerPage } from '../../src/api/v1alpha1/types.gen.js';
import { UNSUBSCRIBE_FINALIZER } from '../../src/api/v1alpha1/constants.js';
import { ClaimArbiter } from '../../src/controller/claims/arbiter.js';
import { StaleReadError } from '../../src/core/errors.js';
import type { PageGraph } from '../../src/core/graph.js';
import { hasFinalizer, isBeingDeleted } from '../../src/runtime/finalizers.js';
import type { FinalizerWriter } from '../../src/runtime/ports.js';
import type { Ports } from './leader.js';

/** Mistakes that could be made, put in on purpose to see whether they would be found. */
export const BUGS = ['finalizer_before_delete', 'lister_for_live', 'no_fence', 'deleted_are_successors', 'secret_lost_on_relist'] as const;
export type Bug = (typeof BUGS)[number];

/** The ports with the mistake in them. Those about the fence and about Secrets are in `Process` and `Caches`. */
export function withBug(bug: Bug | undefined, ports: Ports): Ports {
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
function lettingGoFirst({ graph, caches, pages }: Ports): Ports['graph'] {
  const unsubscribe: PageGraph['unsubscribe'] = async (page, options) => {
    for (const one of caches.pages.byIndex('pageId', page.pageId)) {
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
function readingCaches(ports: Ports): Ports {
  const { pages, apps } = ports.caches;
  return {
    ...ports,
    pages: { ...ports.pages, live: { get: (key) => Promise.resolve(pages.get(key)) } },
    apps: { ...ports.apps, live: { get: (key) => Promise.resolve(apps.get(key)) } },
  };
}

/** A page that waits for the claim is taken for a successor, deleted or not. */
function countingTheDeleted(ports: Ports): Ports {
  const { finalizers, live } = ports.pages;
  const get: typeof live.get = async (key, signal) => {
    const page = await live.get(key, signal);
    return page === undefined || hasFinalizer(page, UNSUBSCRIBE_FINALIZER) ? page : asIfKept(page);
  };
  const lenient: FinalizerWriter<MessengerPage> = {
    add: (page, finalizer, signal) =>
      finalizers.add(page, finalizer, signal).catch((error: unknown) => {
        if (error instanceof StaleReadError) return page;
        throw error;
      }),
    remove: (page, finalizer, signal) => finalizers.remove(page, finalizer, signal),
  };
  return {
    ...ports,
    pages: { ...ports.pages, live: { get }, finalizers: lenient },
    arbiter: (deps) =>
      new ClaimArbiter({
        ...deps,
        livePages: { get: async (key, signal) => asIfKept(await live.get(key, signal)) },
        pages: {
          get: (key) => asIfKept(deps.pages.get(key)),
          byIndex: (index, value) => deps.pages.byIndex(index, value).map((page) => asIfKept(page)),
        },
      }),
  };
}

/** Unless it holds the claim: that is the one to hand it over. */
function asIfKept<P extends MessengerPage | undefined>(page: P): P {
  if (page === undefined || page.status?.claim?.state === 'Held' || !isBeingDeleted(page)) return page;
  const metadata = Object.fromEntries(Object.entries(page.metadata).filter(([name]) => name !== 'deletionTimestamp'));
  return { ...page, metadata };
}
