import type { KubeObject, Namespace } from '../api/meta.js';
import { DEFAULT_WEBHOOK_PATH, FLUX_REQUESTED_AT_ANNOTATION, RECONCILE_AT_ANNOTATION } from '../api/v1alpha1/constants.js';
import type { MessengerApp, MessengerPage } from '../api/v1alpha1/types.gen.js';
import { consentOf, type Consent } from '../core/domain/consent.js';
import type { NamespacedName } from '../core/domain/object-key.js';
import { findCondition, isConditionTrue } from '../runtime/conditions.js';
import type { Lister } from '../runtime/ports.js';

/** A lister of namespaces; undefined where the operator may not read them. */
export type NamespaceLabels = Pick<Lister<Namespace>, 'get'> | undefined;

/** The MessengerApp that a page names. */
export function appKeyOf(page: MessengerPage): NamespacedName {
  return { namespace: page.spec.appRef.namespace ?? namespaceOf(page), name: page.spec.appRef.name };
}

export function namespaceOf(object: KubeObject): string {
  return object.metadata.namespace ?? '';
}

/** Whether the page's app is in the page's own namespace. */
export function isInAppNamespace(page: MessengerPage): boolean {
  return appKeyOf(page).namespace === namespaceOf(page);
}

/** Which install handles the app and its pages; for a page without an app, the unnamed one. */
export function classOf(app: MessengerApp | undefined): string {
  return app?.spec.className ?? '';
}

/**
 * The ConfigMap that holds a page's settings for its bot; undefined: they are in the page itself,
 * or there are none.
 */
export function botConfigMapKey(page: MessengerPage): NamespacedName | undefined {
  const ref = page.spec.botConfig?.configMapRef;
  return ref && { namespace: namespaceOf(page), name: ref.name };
}

/** The path that Meta posts this app's events to. The CRD allows no slash at its end. */
export function webhookPathOf({ spec }: MessengerApp): string {
  return spec.webhook?.path ?? DEFAULT_WEBHOOK_PATH;
}

/**
 * Whether the leader has given this app its appId: it is accepted, or it was and something about it
 * (a Secret that vanished, its path) is wrong now. Only credentials that Graph accepted get an app
 * there.
 */
export function wasAccepted({ status }: MessengerApp): boolean {
  const accepted = findCondition(status?.conditions, 'Accepted');
  if (accepted?.status === 'True') return true;
  if (accepted?.status !== 'False' || accepted.reason === 'AppClaimed') return false;
  return isConditionTrue(status?.conditions, 'CredentialsValid');
}

/** The value of the annotation that asks for a reconcile now; ours wins over Flux's. */
export function reconcileRequestOf({ metadata: { annotations } }: KubeObject): string | undefined {
  return annotations?.[RECONCILE_AT_ANNOTATION] ?? annotations?.[FLUX_REQUESTED_AT_ANNOTATION];
}

/** Whether the app lets this page use it. */
export function consentTo(page: MessengerPage, app: MessengerApp, namespaces: NamespaceLabels): Consent {
  const namespace = namespaceOf(page);
  const labels = namespaces?.get({ namespace: '', name: namespace })?.metadata.labels;
  return consentOf(app, namespace, labels);
}

/** The unit of ownership, `appId/pageId`; undefined while the appId is not known. */
export function claimKeyOf(page: MessengerPage, app: MessengerApp | undefined): string | undefined {
  const appId = app?.spec.appId ?? page.status?.claim?.appId;
  return appId === undefined ? undefined : `${appId}/${page.spec.pageId}`;
}
