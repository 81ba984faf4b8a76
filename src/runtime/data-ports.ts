import { ClusterUnavailableError } from '../core/domain/errors.js';
import type { NamespacedName } from '../core/domain/object-key.js';
import type { DataState } from './ports.js';

/** A Secret or ConfigMap as a read gives it. */
export type FetchedData = Omit<Extract<DataState, { kind: 'present' }>, 'kind' | 'goneSinceMs'>;

/** The object may not be read. Trying again soon does not help. */
export class ReadRefusedError extends ClusterUnavailableError {}

/**
 * Reads one object. undefined: it is not there. @throws ReadRefusedError, ClusterUnavailableError
 */
export type FetchData = (key: NamespacedName, signal: AbortSignal) => Promise<FetchedData | undefined>;

/**
 * How much the metadata watch knows of a namespace. `watched`: its list is in, a missing object is
 * missing. `pending`: it is not listed yet. `polled`: listing is not granted there, so that only
 * reads by name can tell.
 */
export type Coverage = 'watched' | 'pending' | 'polled';

/** What is known of Secrets or ConfigMaps without their data. */
export interface MetadataSource {
  coverage(namespace: string): Coverage;
  /** undefined: it is not there, where the namespace is `watched`. */
  resourceVersion(key: NamespacedName): string | undefined;
  hasSynced(): boolean;
  ageMs(): number;
  /**
   * Calls the handler with the object that changed; undefined: the coverage of some namespace did.
   * Returns the unsubscribe function.
   */
  subscribe(handler: (key: NamespacedName | undefined) => void): () => void;
}

/**
 * Whether two states mean the same to a reader: value, identity and whether it is gone, not its
 * resourceVersion.
 */
export function sameState(a: DataState, b: DataState): boolean {
  if (a.kind !== 'present' || b.kind !== 'present') return a.kind === b.kind;
  return (
    a.uid === b.uid &&
    a.type === b.type &&
    (a.goneSinceMs === undefined) === (b.goneSinceMs === undefined) &&
    sameLabels(a.labels, b.labels) &&
    sameBytes(a.data, b.data)
  );
}

function sameLabels(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

function sameBytes(a: ReadonlyMap<string, Uint8Array>, b: ReadonlyMap<string, Uint8Array>): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a) {
    const other = b.get(key);
    if (other === undefined || Buffer.compare(value, other) !== 0) return false;
  }
  return true;
}
