import type { SecretKeyRef } from '../api/v1alpha1/types.gen.js';
import { ClusterUnavailableError } from '../core/domain/errors.js';
import type { Secret, SecretKind } from '../core/secrets/secret.js';
import { secretValue } from '../core/secrets/secret-value.js';
import type { DataCache } from '../runtime/ports.js';

export type FoundSecret =
  /** `gone`: the Secret vanished, this is its last good value; for how long already, in milliseconds. */
  | { readonly kind: 'value'; readonly secret: Secret; readonly goneForMs: number | undefined }
  | { readonly kind: 'fault'; readonly fault: 'not_found' | 'key_missing' | 'malformed'; readonly message: string };

export interface WantedSecret {
  readonly namespace: string;
  readonly ref: SecretKeyRef;
  readonly defaultKey: string;
  readonly kind: SecretKind;
}

/**
 * The value behind a reference. @throws ClusterUnavailableError when the Secret cannot be read now, which says nothing about it
 */
export async function readSecret(
  deps: { readonly secrets: Pick<DataCache, 'read'>; readonly clock: { monotonicMs(): number }; readonly graceMs: number },
  { namespace, ref, defaultKey, kind }: WantedSecret,
  signal: AbortSignal,
): Promise<FoundSecret> {
  const where = `Secret ${namespace}/${ref.name}`;
  const key = ref.key ?? defaultKey;
  const state = await deps.secrets.read({ namespace, name: ref.name }, signal);
  if (state.kind === 'unknown') throw new ClusterUnavailableError(`${where} is not known yet`);
  const goneForMs = state.kind === 'present' && state.goneSinceMs !== undefined ? deps.clock.monotonicMs() - state.goneSinceMs : undefined;
  if (state.kind === 'absent' || (goneForMs !== undefined && goneForMs >= deps.graceMs)) {
    return { kind: 'fault', fault: 'not_found', message: `${where} does not exist: create it with the key "${key}"` };
  }
  const raw = state.data.get(key);
  if (raw === undefined) return { kind: 'fault', fault: 'key_missing', message: `${where} has no key "${key}": add it` };
  const value = secretValue(kind, raw);
  if (value.ok) return { kind: 'value', secret: value.secret, goneForMs };
  return { kind: 'fault', fault: 'malformed', message: `${where}, key "${key}", ${value.problem}: store the bare value` };
}
