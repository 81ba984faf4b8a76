import { FLUX_REQUESTED_AT_ANNOTATION, IN_USE_FINALIZER, RECONCILE_AT_ANNOTATION } from '../../api/v1alpha1/constants.js';
import type { Namespace } from '../../api/meta.js';
import type { MessengerApp, MessengerPage } from '../../api/v1alpha1/types.gen.js';
import { keyOf, keyText, type NamespacedName } from '../../core/domain/object-key.js';
import { appKeyOf, webhookPathOf } from '../../relations/relations.js';
import { findCondition } from '../../runtime/conditions.js';
import { isBeingDeleted } from '../../runtime/finalizers.js';
import type { DataCache, Informer } from '../../runtime/ports.js';
import {
  annotationChanged,
  anyOf,
  deletionBegan,
  fieldChanged,
  finalizerRemoved,
  generationChanged,
  labelsChanged,
  statusChangedByOthers,
} from '../../runtime/predicates.js';
import { afterFirstList, existing, on, onKey, watchAll, type Watch } from '../../runtime/watches.js';
import type { AppHealth } from '../app-health.js';
import type { StatusMemory } from '../status-memory.js';

export interface AppWatches {
  /** With APP_INDEXES. */
  readonly apps: Informer<MessengerApp>;
  readonly pages: Pick<Informer<MessengerPage>, 'subscribe'>;
  /** undefined where the operator may not read namespaces. */
  readonly namespaces: Pick<Informer<Namespace>, 'subscribe'> | undefined;
  readonly secrets: Pick<DataCache, 'subscribe'>;
  readonly statuses: StatusMemory<MessengerApp>;
  readonly health: AppHealth;
}

/** Many pages change at once: their app counts them, and is subscribed to their fields, once. */
const COLLECT_MS = 1_000;

/**
 * What wakes apps: a change of their own, of their Secrets and pages, and of those that want the
 * same appId or path.
 */
export function appWatches({ apps, pages, namespaces, secrets, statuses, health }: AppWatches): Watch {
  const itself = (app: MessengerApp): readonly NamespacedName[] => [keyOf(app)];
  const rivals = (app: MessengerApp): readonly NamespacedName[] =>
    [...apps.byIndex('appId', app.spec.appId), ...apps.byIndex('path', webhookPathOf(app))]
      .filter(({ metadata }) => metadata.uid !== app.metadata.uid)
      .map(keyOf);
  const appOf = (page: MessengerPage, { deleted }: { readonly deleted: boolean }): readonly NamespacedName[] => {
    const app = apps.get(appKeyOf(page));
    return app !== undefined && isBeingDeleted(app) === deleted ? [keyOf(app)] : [];
  };
  const own = anyOf<MessengerApp>(
    statusChangedByOthers((app) => statuses.seen(app)),
    generationChanged(),
    deletionBegan(),
    finalizerRemoved(IN_USE_FINALIZER),
    annotationChanged(RECONCILE_AT_ANNOTATION, FLUX_REQUESTED_AT_ANNOTATION),
  );
  const pageMatters = fieldChanged(mattersToApp);
  return watchAll(
    on(apps, { when: own, wake: itself, as: afterFirstList(apps) }),
    on(apps, { when: fieldChanged(mattersToRivals), wake: rivals }),
    // A deleted app waits only for its pages.
    on(pages, { when: pageMatters, wake: (page) => appOf(page, { deleted: true }) }),
    on(pages, { when: pageMatters, wake: (page) => appOf(page, { deleted: false }), as: 'retry', afterMs: COLLECT_MS }),
    onKey((handler) => secrets.subscribe(handler), { wake: (key) => apps.byIndex('secret', keyText(key)).map(keyOf) }),
    onKey((handler) => health.onAsk(handler), { wake: (app) => [app], as: 'retry' }),
    on(namespaces, { when: labelsChanged(), wake: () => apps.list().filter(selectsByLabel).map(keyOf), as: 'retry', afterMs: COLLECT_MS }),
    existing(apps),
  );
}

/** Which app an appId belongs to, and which ones find room on a path, depends on these. */
function mattersToRivals({ metadata, status }: MessengerApp): unknown {
  const accepted = findCondition(status?.conditions, 'Accepted');
  const credentials = findCondition(status?.conditions, 'CredentialsValid');
  return [metadata.deletionTimestamp, accepted?.status, accepted?.reason, credentials?.status];
}

/** Its count of pages, the fields that they want, and whether they still need it. */
function mattersToApp({ metadata, spec, status }: MessengerPage): unknown {
  const ready = findCondition(status?.conditions, 'Ready')?.status;
  return [metadata.deletionTimestamp, metadata.finalizers, spec.subscribedFields, ready];
}

function selectsByLabel({ spec }: MessengerApp): boolean {
  return spec.allowedNamespaces?.from === 'Selector';
}
