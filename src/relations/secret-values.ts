import type { MessengerApp } from '../api/v1alpha1/types.gen.js';
import { ClusterUnavailableError } from '../core/domain/errors.js';
import { keyText } from '../core/domain/object-key.js';
import type { AppCredentials } from '../core/ports/graph.js';
import type { Secret } from '../core/secrets/secret.js';
import { secretValue } from '../core/secrets/secret-value.js';
import type { DataCache, DataState } from '../runtime/ports.js';
import { appSecretReferences, type SecretReference } from './secret-references.js';

/**
 * `unknown`: not read yet. `absent`: there is no such Secret or key. `malformed`: it cannot be what
 * it should be.
 */
export type SecretLookup =
  /**
   * `goneSinceMs`: the Secret vanished then, by the monotonic clock, and this is its last good
   * value.
   */
  | { readonly kind: 'value'; readonly secret: Secret; readonly goneSinceMs: number | undefined }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'absent'; readonly missing: 'secret' | 'key' }
  | { readonly kind: 'malformed'; readonly problem: string };

export type FoundSecret =
  /**
   * `goneForMs`: how long ago the Secret vanished; this is its last good value. undefined: it is
   * there.
   */
  | { readonly kind: 'value'; readonly secret: Secret; readonly goneForMs: number | undefined }
  | { readonly kind: 'fault'; readonly fault: 'not_found' | 'key_missing' | 'malformed'; readonly message: string };

export interface SecretReadDeps {
  readonly secrets: Pick<DataCache, 'read'>;
  readonly clock: { monotonicMs(): number };
  /** `secretGraceMs`: how long the last value of a vanished Secret is used. */
  readonly options: { readonly secretGraceMs: number };
}

/** The value as the cache has it now, without waiting. */
export function lookupSecret(cache: Pick<DataCache, 'peek'>, reference: SecretReference): SecretLookup {
  return valueIn(cache.peek(reference), reference);
}

/**
 * The value behind a reference; waits for a read that is under way. A fault's message tells users
 * how to mend it.
 * @throws ClusterUnavailableError when the Secret cannot be read now, which says nothing about it
 */
export async function readSecret(
  { secrets, clock, options }: SecretReadDeps,
  reference: SecretReference,
  signal: AbortSignal,
): Promise<FoundSecret> {
  const { namespace, name, key } = reference;
  const where = `Secret ${keyText(reference)}`;
  const notFound = { kind: 'fault', fault: 'not_found', message: `${where} does not exist: create it with the key "${key}"` } as const;
  const state = await secrets.read({ namespace, name }, signal);
  const goneForMs = state.kind === 'present' && state.goneSinceMs !== undefined ? clock.monotonicMs() - state.goneSinceMs : undefined;
  if (goneForMs !== undefined && goneForMs >= options.secretGraceMs) return notFound;
  const found = valueIn(state, reference);
  switch (found.kind) {
    case 'unknown':
      throw new ClusterUnavailableError(`${where} is not known yet`);
    case 'absent':
      if (found.missing === 'secret') return notFound;
      return { kind: 'fault', fault: 'key_missing', message: `${where} has no key "${key}": add it` };
    case 'malformed':
      return { kind: 'fault', fault: 'malformed', message: `${where}, key "${key}", ${found.problem}: store the bare value` };
    case 'value':
      return { kind: 'value', secret: found.secret, goneForMs };
  }
}

/**
 * Whether it is the current or previous secret of one of these apps, as far as the cache knows
 * them.
 */
export function isAppSecret(secret: Secret, apps: readonly MessengerApp[], cache: Pick<DataCache, 'peek'>): boolean {
  return apps.some((app) => {
    const { appSecret, previousAppSecret } = appSecretReferences(app);
    return [appSecret, previousAppSecret].some((reference) => {
      const found = reference && lookupSecret(cache, reference);
      return found?.kind === 'value' && found.secret.equals(secret);
    });
  });
}

/**
 * What is needed to act for the app; undefined if its Secret has no usable value. @throws
 * ClusterUnavailableError
 */
export async function readAppCredentials(
  reader: SecretReadDeps & { readonly options: { readonly graphVersion: string } },
  app: MessengerApp,
  signal: AbortSignal,
): Promise<AppCredentials | undefined> {
  const found = await readSecret(reader, appSecretReferences(app).appSecret, signal);
  return found.kind === 'value' ? credentialsOf(app, found.secret, reader.options) : undefined;
}

export function credentialsOf({ spec }: MessengerApp, appSecret: Secret, options: { readonly graphVersion: string }): AppCredentials {
  return { appId: spec.appId, appSecret, graphVersion: spec.graph?.version ?? options.graphVersion };
}

function valueIn(state: DataState, { key, kind }: SecretReference): SecretLookup {
  if (state.kind === 'unknown') return { kind: 'unknown' };
  if (state.kind === 'absent') return { kind: 'absent', missing: 'secret' };
  const raw = state.data.get(key);
  if (raw === undefined) return { kind: 'absent', missing: 'key' };
  const value = secretValue(kind, raw);
  if (!value.ok) return { kind: 'malformed', problem: value.problem };
  return { kind: 'value', secret: value.secret, goneSinceMs: state.goneSinceMs };
}
