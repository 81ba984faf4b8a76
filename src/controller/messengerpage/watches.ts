import type { Namespace, Service } from '../../api/meta.js';
import type { MessengerApp, MessengerPage } from '../../api/v1alpha1/types.gen.js';
import type { Clock } from '../../kit/clock.js';
import { keyOf, keyText } from '../../core/domain/object-key.js';
import { findCondition } from '../../runtime/conditions.js';
import { sameData } from '../../runtime/equality.js';
import { isBeingDeleted } from '../../runtime/finalizers.js';
import type { DataCache, Enqueue, Informer, StoreChange } from '../../runtime/ports.js';
import type { QueueClass } from '../../runtime/observer.js';
import type { AppHealth } from '../app-health.js';
import type { StatusMemory } from '../status-memory.js';
import { PageChanges } from './page-changes.js';

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

/** Wakes pages when something that they depend on changes. @returns the unsubscribe function */
export function watchForPages(watches: PageWatches, enqueue: Enqueue): () => void {
  const { pages, services, namespaces, secrets, health, apps } = watches;
  const changes = new PageChanges(watches, enqueue);
  const pagesOf = (app: string, cls: QueueClass): void => {
    for (const page of pages.byIndex('app', app)) enqueue.add(keyOf(page), cls);
  };
  const referring = (index: 'secret' | 'service', appIndex: 'signingSecret' | 'service', name: string): void => {
    for (const page of pages.byIndex(index, name)) enqueue.add(keyOf(page), 'change');
    for (const app of apps.byIndex(appIndex, name)) pagesOf(keyText(keyOf(app)), 'change');
  };
  const unsubscribe = [
    pages.subscribe((change) => {
      changes.page(change);
    }),
    apps.subscribe((change) => {
      const cls = appWakes(change, apps.hasSynced());
      if (cls !== undefined) pagesOf(keyText(keyOf(change.object)), cls);
    }),
    services.subscribe((change) => {
      if (serviceMatters(change)) referring('service', 'service', keyText(keyOf(change.object)));
    }),
    secrets.subscribe((key) => {
      referring('secret', 'signingSecret', keyText(key));
    }),
    health.onWakePages((app) => {
      pagesOf(keyText(app), 'retry');
    }),
    namespaces?.subscribe((change) => {
      if (!labelsMatter(change)) return;
      for (const app of apps.list()) if (selectsByLabel(app)) wakeIn(watches, enqueue, { app, namespace: change.object.metadata.name });
    }),
  ];
  for (const page of pages.list()) enqueue.add(keyOf(page), isBeingDeleted(page) ? 'change' : 'background');
  return () => {
    for (const stop of unsubscribe) stop?.();
  };
}

function wakeIn(
  { pages }: PageWatches,
  enqueue: Enqueue,
  { app, namespace }: { readonly app: MessengerApp; readonly namespace: string },
): void {
  for (const page of pages.byIndex('app', keyText(keyOf(app)))) {
    if (page.metadata.namespace === namespace) enqueue.add(keyOf(page), 'change');
  }
}

/** What of an app its pages depend on; not its counts of pages, which change with each of them. */
function appWakes(change: StoreChange<MessengerApp>, synced: boolean): QueueClass | undefined {
  if (change.type !== 'updated') return synced ? 'change' : 'background';
  const { object, previous } = change;
  if (object.metadata.generation !== previous.metadata.generation) return 'change';
  const matters = !sameData(dependedOn(object), dependedOn(previous));
  if (matters) return 'retry';
  return reachable(object) && !reachable(previous) ? 'background' : undefined;
}

function dependedOn({ status }: MessengerApp): unknown {
  const verdict = (type: string): unknown => {
    const condition = findCondition(status?.conditions, type);
    return [condition?.status, type === 'Accepted' ? condition?.reason : undefined];
  };
  const subscribed = findCondition(status?.conditions, 'Subscribed');
  const refused = subscribed?.reason === 'FieldRefused' ? subscribed.message : undefined;
  return [verdict('Accepted'), verdict('CredentialsValid'), status?.subscription?.fields, refused];
}

function reachable({ status }: MessengerApp): boolean {
  return findCondition(status?.conditions, 'GraphReachable')?.status === 'True';
}

function selectsByLabel({ spec }: MessengerApp): boolean {
  return spec.allowedNamespaces?.from === 'Selector';
}

function serviceMatters(change: StoreChange<Service>): boolean {
  return change.type !== 'updated' || !sameData(change.object.spec, change.previous.spec);
}

function labelsMatter(change: StoreChange<Namespace>): boolean {
  return change.type !== 'updated' || !sameData(change.object.metadata.labels, change.previous.metadata.labels);
}
