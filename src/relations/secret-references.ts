import { DEFAULT_KEYS } from '../api/v1alpha1/constants.js';
import type { Backend, MessengerApp, MessengerPage, SecretKeyRef } from '../api/v1alpha1/types.gen.js';
import type { NamespacedName } from '../core/domain/object-key.js';
import { secretValue } from '../core/secrets/secret-value.js';
import type { Secret, SecretKind } from '../core/secrets/secret.js';
import type { DataCache } from '../runtime/ports.js';

/** One value that a manifest refers to: which Secret, which key in it, and what it is. */
export interface SecretReference extends NamespacedName {
  readonly key: string;
  readonly kind: SecretKind;
}

/** `unknown`: not read yet. `absent`: there is no such Secret or key. `malformed`: it cannot be what it should be. */
export type SecretLookup =
  | { readonly kind: 'value'; readonly secret: Secret }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'malformed' };

/** The value as the cache has it, without waiting. */
export function lookupSecret(cache: Pick<DataCache, 'peek'>, reference: SecretReference): SecretLookup {
  const state = cache.peek(reference);
  if (state.kind !== 'present') return { kind: state.kind };
  const raw = state.data.get(reference.key);
  if (raw === undefined) return { kind: 'absent' };
  const value = secretValue(reference.kind, raw);
  return value.ok ? { kind: 'value', secret: value.secret } : { kind: 'malformed' };
}

/** The app secrets of an app, the current one first. */
export function appSecretReferences({ metadata: { namespace }, spec }: MessengerApp): readonly SecretReference[] {
  const { appSecretRef, previousAppSecretRef } = spec;
  const current = reference(namespace, appSecretRef, DEFAULT_KEYS.appSecret, 'app-secret');
  if (previousAppSecretRef === undefined) return [current];
  return [current, reference(namespace, previousAppSecretRef, DEFAULT_KEYS.previousAppSecret, 'app-secret')];
}

export function verifyTokenReference({ metadata: { namespace }, spec: { verifyTokenRef } }: MessengerApp): SecretReference {
  return reference(namespace, verifyTokenRef, DEFAULT_KEYS.verifyToken, 'verify-token');
}

export function pageTokenReference({ metadata: { namespace }, spec: { accessTokenSecretRef } }: MessengerPage): SecretReference {
  return reference(namespace, accessTokenSecretRef, DEFAULT_KEYS.token, 'page-token');
}

/** What is signed with for a backend; `namespace` is that of whoever names the backend. undefined: it names no Secret. */
export function signingSecretReference(backend: Backend | undefined, namespace: string | undefined): SecretReference | undefined {
  const ref = backend?.signingSecretRef;
  return ref === undefined ? undefined : reference(namespace, ref, DEFAULT_KEYS.appSecret, 'signing-secret');
}

function reference(namespace: string | undefined, ref: SecretKeyRef, defaultKey: string, kind: SecretKind): SecretReference {
  return { namespace: namespace ?? '', name: ref.name, key: ref.key ?? defaultKey, kind };
}
