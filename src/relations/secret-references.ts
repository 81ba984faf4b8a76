import { DEFAULT_KEYS } from '../api/v1alpha1/constants.js';
import type { Backend, MessengerApp, MessengerPage, SecretKeyRef } from '../api/v1alpha1/types.gen.js';
import type { NamespacedName } from '../core/domain/object-key.js';
import type { SecretKind } from '../core/secrets/secret.js';
import { namespaceOf } from './relations.js';

/** One value that a manifest refers to: which Secret, which key in it, and what the value is. */
export interface SecretReference extends NamespacedName {
  readonly key: string;
  readonly kind: SecretKind;
}

/** Every Secret that a MessengerApp refers to, by use. undefined: the manifest names none. */
export interface AppSecretReferences {
  readonly appSecret: SecretReference;
  readonly previousAppSecret: SecretReference | undefined;
  readonly verifyToken: SecretReference;
  /** Of the backend that the app gives its pages by default. */
  readonly signingSecret: SecretReference | undefined;
}

/** Whether this Secret holds one of the app's values. */
export function appUsesSecret(app: MessengerApp, secret: NamespacedName): boolean {
  return Object.values(appSecretReferences(app)).some(
    (reference: SecretReference | undefined) => reference?.namespace === secret.namespace && reference.name === secret.name,
  );
}

/**
 * Every Secret that a MessengerPage itself refers to, by use. undefined: the manifest names none.
 */
export interface PageSecretReferences {
  readonly token: SecretReference;
  /** Of the page's own backend; a default backend belongs to the app. */
  readonly signingSecret: SecretReference | undefined;
}

export function appSecretReferences(app: MessengerApp): AppSecretReferences {
  const namespace = namespaceOf(app);
  const { appSecretRef, previousAppSecretRef, verifyTokenRef, pageDefaults } = app.spec;
  return {
    appSecret: reference(namespace, appSecretRef, DEFAULT_KEYS.appSecret, 'app-secret'),
    previousAppSecret: previousAppSecretRef && reference(namespace, previousAppSecretRef, DEFAULT_KEYS.previousAppSecret, 'app-secret'),
    verifyToken: reference(namespace, verifyTokenRef, DEFAULT_KEYS.verifyToken, 'verify-token'),
    signingSecret: signingSecretReference(pageDefaults?.backend, namespace),
  };
}

export function pageSecretReferences(page: MessengerPage): PageSecretReferences {
  const namespace = namespaceOf(page);
  const { accessTokenSecretRef, backend } = page.spec;
  return {
    token: reference(namespace, accessTokenSecretRef, DEFAULT_KEYS.token, 'page-token'),
    signingSecret: signingSecretReference(backend, namespace),
  };
}

/**
 * What requests to a backend are signed with; `namespace` is that of the object that names the
 * backend.
 */
export function signingSecretReference(backend: Backend | undefined, namespace: string): SecretReference | undefined {
  const ref = backend?.signingSecretRef;
  return ref && reference(namespace, ref, DEFAULT_KEYS.appSecret, 'signing-secret');
}

function reference(namespace: string, ref: SecretKeyRef, defaultKey: string, kind: SecretKind): SecretReference {
  return { namespace, name: ref.name, key: ref.key ?? defaultKey, kind };
}
