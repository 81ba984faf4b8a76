import { FLUX_REQUESTED_AT_ANNOTATION, IN_USE_FINALIZER, RECONCILE_AT_ANNOTATION } from '../../api/v1alpha1/constants.js';
import type { Namespace } from '../../api/meta.js';
import type { MessengerApp, MessengerPage } from '../../api/v1alpha1/types.gen.js';
import { keyOf, keyText } from '../../core/domain/object-key.js';
import { findCondition } from '../../runtime/conditions.js';
import { sameData } from '../../runtime/equality.js';
import { hasFinalizer, isBeingDeleted } from '../../runtime/finalizers.js';
import type { DataCache, Enqueue, Informer, StoreChange } from '../../runtime/ports.js';
import { appKeyOf, webhookPathOf } from '../../relations/relations.js';
import type { AppHealth } from '../app-health.js';
import type { StatusMemory } from '../status-memory.js';

export interface AppWatches {
  /** With APP_INDEXES. */
  readonly apps: Informer<MessengerApp>;
  /** With PAGE_INDEXES. */
  readonly pages: Informer<MessengerPage>;
  /** undefined where the operator may not read namespaces. */
  readonly namespaces: Pick<Informer<Namespace>, 'subscribe'> | undefined;
  readonly secrets: Pick<DataCache, 'subscribe'>;
  readonly statuses: StatusMemory<MessengerApp>;
  readonly health: AppHealth;
}

type AppUpdate = Extract<StoreChange<MessengerApp>, { type: 'updated' }>;

/** Many pages change at once: their app counts them, and is subscribed to their fields, once. */
const COLLECT_MS = 1_000;

/** Wakes apps when something that they depend on changes. @returns the unsubscribe function */
export function watchForApps(watches: AppWatches, enqueue: Enqueue): () => void {
  const { apps, pages, namespaces, secrets, health } = watches;
  const unsubscribe = [
    apps.subscribe((change) => {
      appChanged(watches, enqueue, change);
    }),
    pages.subscribe((change) => {
      pageChanged(watches, enqueue, change);
    }),
    secrets.subscribe((key) => {
      for (const app of apps.byIndex('secret', keyText(key))) enqueue.add(keyOf(app), 'change');
    }),
    namespaces?.subscribe((change) => {
      if (change.type === 'updated' && sameData(change.object.metadata.labels, change.previous.metadata.labels)) return;
      for (const app of apps.list()) if (app.spec.allowedNamespaces?.from === 'Selector') enqueue.addAfter(keyOf(app), COLLECT_MS, 'retry');
    }),
    health.onAsk((app) => {
      enqueue.add(app, 'retry');
    }),
  ];
  for (const app of apps.list()) enqueue.add(keyOf(app), isBeingDeleted(app) ? 'change' : 'background');
  return () => {
    for (const stop of unsubscribe) stop?.();
  };
}

function appChanged(watches: AppWatches, enqueue: Enqueue, change: StoreChange<MessengerApp>): void {
  const { object } = change;
  if (change.type === 'updated') {
    const foreign = !sameData(object.status, change.previous.status) && !watches.statuses.seen(object);
    if (foreign || specChanged(change)) enqueue.add(keyOf(object), 'change');
    if (!sameData(mattersToRivals(object), mattersToRivals(change.previous))) wakeRivals(watches, enqueue, object);
    return;
  }
  enqueue.add(keyOf(object), watches.apps.hasSynced() || isBeingDeleted(object) ? 'change' : 'background');
  wakeRivals(watches, enqueue, object);
}

function specChanged({ object, previous }: AppUpdate): boolean {
  const asked = ({ metadata: { annotations } }: MessengerApp): unknown => [
    annotations?.[RECONCILE_AT_ANNOTATION],
    annotations?.[FLUX_REQUESTED_AT_ANNOTATION],
  ];
  return (
    object.metadata.generation !== previous.metadata.generation ||
    object.metadata.deletionTimestamp !== previous.metadata.deletionTimestamp ||
    (hasFinalizer(previous, IN_USE_FINALIZER) && !hasFinalizer(object, IN_USE_FINALIZER)) ||
    !sameData(asked(object), asked(previous))
  );
}

/** Which app an appId belongs to, and which ones find room on a path, depends on these. */
function mattersToRivals({ metadata, status }: MessengerApp): unknown {
  const accepted = findCondition(status?.conditions, 'Accepted');
  const credentials = findCondition(status?.conditions, 'CredentialsValid');
  return [metadata.deletionTimestamp, accepted?.status, accepted?.reason, credentials?.status];
}

function wakeRivals({ apps }: AppWatches, enqueue: Enqueue, app: MessengerApp): void {
  const rivals = [...apps.byIndex('appId', app.spec.appId), ...apps.byIndex('path', webhookPathOf(app))];
  for (const rival of rivals) if (rival.metadata.uid !== app.metadata.uid) enqueue.add(keyOf(rival), 'change');
}

function pageChanged({ apps }: AppWatches, enqueue: Enqueue, change: StoreChange<MessengerPage>): void {
  const { object } = change;
  if (change.type === 'updated' && sameData(mattersToApp(object), mattersToApp(change.previous))) return;
  const key = appKeyOf(object);
  const app = apps.get(key);
  if (app === undefined) return;
  // A deleted app waits for nothing but its pages.
  if (isBeingDeleted(app)) enqueue.add(key, 'change');
  else enqueue.addAfter(key, COLLECT_MS, 'retry');
}

/** Its count of pages, the fields that they want, and whether they still need it. */
function mattersToApp({ metadata, spec, status }: MessengerPage): unknown {
  const ready = findCondition(status?.conditions, 'Ready')?.status;
  return [metadata.deletionTimestamp, metadata.finalizers, spec.subscribedFields, ready];
}
