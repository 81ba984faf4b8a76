import { UNSUBSCRIBE_FINALIZER } from '../../api/v1alpha1/constants.js';
import type { Namespace, Service } from '../../api/meta.js';
import type { MessengerApp, MessengerPage } from '../../api/v1alpha1/types.gen.js';
import { keyOf, keyText, type NamespacedName } from '../../core/domain/object-key.js';
import { BoundedMap } from '../../kit/bounded-map.js';
import type { Clock } from '../../kit/clock.js';
import { reconcileRequestOf } from '../../relations/relations.js';
import { findCondition, isConditionTrue } from '../../runtime/conditions.js';
import type { DataCache, Informer } from '../../runtime/ports.js';
import {
  allOf,
  anyOf,
  deletionBegan,
  fieldChanged,
  finalizerRemoved,
  generationChanged,
  labelsChanged,
  not,
  statusChangedByOthers,
  updatesWhere,
  type Predicate,
} from '../../runtime/predicates.js';
import { afterFirstList, existing, on, onKey, watchAll, type Watch } from '../../runtime/watches.js';
import type { AppHealth } from '../app-health.js';
import type { StatusMemory } from '../status-memory.js';

export interface PageWatches {
  /** With PAGE_INDEXES. */
  readonly pages: Informer<MessengerPage>;
  /** With APP_INDEXES. */
  readonly apps: Informer<MessengerApp>;
  readonly services: Pick<Informer<Service>, 'subscribe'>;
  /** undefined where the operator may not read namespaces. */
  readonly namespaces: Pick<Informer<Namespace>, 'subscribe'> | undefined;
  readonly secrets: Pick<DataCache, 'subscribe'>;
  readonly statuses: StatusMemory<MessengerPage>;
  readonly health: AppHealth;
  readonly clock: Clock;
}

const REQUEST_EVERY_MS = 10_000;
const MAX_REQUESTS = 10_000;

/**
 * What wakes pages: a change of their own, of what they refer to, and of those that want the same
 * Page.
 */
export function pageWatches(deps: PageWatches): Watch {
  const { pages, apps, services, namespaces, secrets, statuses, health } = deps;
  const itself = (page: MessengerPage): readonly NamespacedName[] => [keyOf(page)];
  const pagesOf = (app: NamespacedName): readonly NamespacedName[] => pages.byIndex('app', keyText(app)).map(keyOf);
  const ofApp = (app: MessengerApp): readonly NamespacedName[] => pagesOf(keyOf(app));
  const rivals = (page: MessengerPage): readonly NamespacedName[] =>
    pages
      .byIndex('pageId', page.spec.pageId)
      .filter(({ metadata }) => metadata.uid !== page.metadata.uid)
      .map(keyOf);
  const referring = (
    index: 'secret' | 'service',
    appIndex: 'signingSecret' | 'service',
    key: NamespacedName,
  ): readonly NamespacedName[] => [
    ...pages.byIndex(index, keyText(key)).map(keyOf),
    ...apps.byIndex(appIndex, keyText(key)).flatMap(ofApp),
  ];
  const own = anyOf<MessengerPage>(
    statusChangedByOthers((page) => statuses.seen(page)),
    generationChanged(),
    deletionBegan(),
    finalizerRemoved(UNSUBSCRIBE_FINALIZER),
  );
  const appVerdict = updatesWhere(fieldChanged(mattersToPages));
  const appReachable = allOf(updatesWhere(fieldChanged(isReachable)), ({ object }) => isReachable(object));
  return watchAll(
    on(pages, { when: own, wake: itself, as: afterFirstList(pages) }),
    onRequest(deps, not(own)),
    on(pages, { when: fieldChanged(mattersToRivals), wake: rivals }),
    // One change of an app wakes a page once: a second time, the page would already be running and
    // would run again.
    on(apps, { when: generationChanged(), wake: ofApp, as: afterFirstList(apps) }),
    on(apps, { when: allOf(appVerdict, not(generationChanged())), wake: ofApp, as: 'retry' }),
    on(apps, { when: allOf(appReachable, not(anyOf(appVerdict, generationChanged()))), wake: ofApp, as: 'background' }),
    on(services, { when: fieldChanged(({ spec }) => spec), wake: (service) => referring('service', 'service', keyOf(service)) }),
    onKey((handler) => secrets.subscribe(handler), { wake: (key) => referring('secret', 'signingSecret', key) }),
    onKey((handler) => health.onWakePages(handler), { wake: pagesOf, as: 'retry' }),
    on(namespaces, {
      when: labelsChanged(),
      wake: ({ metadata: { name } }) =>
        apps
          .list()
          .filter(selectsByLabel)
          .flatMap((app) => ofApp(app).filter(({ namespace }) => namespace === name)),
    }),
    existing(pages),
  );
}

/** The annotation that asks for a reconcile: one in ten seconds, however often it is changed. */
function onRequest({ pages, clock }: PageWatches, otherwise: Predicate<MessengerPage>): Watch {
  const asked = allOf(updatesWhere(fieldChanged<MessengerPage>(reconcileRequestOf)), otherwise);
  /** page → when the annotation last woke it, or is about to */
  const requestedMs = new BoundedMap<string, number>(MAX_REQUESTS);
  return (enqueue) =>
    pages.subscribe((change) => {
      if (!asked(change)) return;
      const key = keyOf(change.object);
      const nowMs = clock.monotonicMs();
      const lastMs = requestedMs.get(keyText(key));
      // One is on its way already.
      if (lastMs !== undefined && lastMs > nowMs) return;
      const waitMs = lastMs === undefined ? 0 : Math.max(0, lastMs + REQUEST_EVERY_MS - nowMs);
      requestedMs.set(keyText(key), nowMs + waitMs);
      if (waitMs === 0) enqueue.add(key, 'change');
      else enqueue.addAfter(key, waitMs, 'change');
    });
}

/** Who gets the claim depends on these. */
function mattersToRivals({ metadata, status }: MessengerPage): unknown {
  const token = findCondition(status?.conditions, 'TokenValid');
  return [metadata.deletionTimestamp, status?.claim, status?.token?.fingerprint, token?.status, token?.reason];
}

/**
 * What its pages depend on of an app's status; not its counts of pages, which change with each of
 * them.
 */
function mattersToPages({ status }: MessengerApp): unknown {
  const accepted = findCondition(status?.conditions, 'Accepted');
  const credentials = findCondition(status?.conditions, 'CredentialsValid');
  return [accepted?.status, accepted?.reason, credentials?.status, status?.subscription?.fields];
}

function isReachable({ status }: MessengerApp): boolean {
  return isConditionTrue(status?.conditions, 'GraphReachable');
}

function selectsByLabel({ spec }: MessengerApp): boolean {
  return spec.allowedNamespaces?.from === 'Selector';
}
