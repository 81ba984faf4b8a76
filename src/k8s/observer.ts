import { type KindPlural, KINDS } from '../api/kinds.js';

const WATCHED_CORE = ['secrets', 'configmaps', 'services', 'namespaces'] as const;
/**
 * What is watched, by the plural of its resource: every kind of ours, and the core resources that
 * they refer to.
 */
export type Watched = KindPlural | (typeof WATCHED_CORE)[number];
export const WATCHED: readonly Watched[] = [...KINDS.map(({ plural }) => plural).sort(), ...WATCHED_CORE];

/** What happens to a reflector: the closed set of the metric's label. */
export const REFLECTOR_EVENTS = [
  'list',
  'list_failed',
  'reset',
  'watch',
  'watch_failed',
  'event',
  'bookmark',
  'bad_line',
  'error_event',
  'silent',
  'expired',
  'forbidden',
] as const;
export type ReflectorEvent = (typeof REFLECTOR_EVENTS)[number];

/** A cache as metrics see it. */
export interface ObservedCache {
  readonly size: number;
  /** Namespaces (1 for a watch of the whole cluster) whose last list or watch was refused. */
  readonly refusedScopes: number;
  /** Infinity before its first list. */
  ageMs(): number;
}

/** The objects that manifests refer to, as metrics see them. */
export interface ObservedReferences {
  /** Those that stay unknown, because too many are retained. */
  readonly beyondBound: number;
}

/** What keeps the statuses of a kind from being written as they are, as metrics see it. */
export interface ObservedStatuses {
  readonly refusedObjects: number;
  readonly unknownFields: number;
}

/** What a cluster reports to metrics; every method is optional. */
export interface KubeClusterObserver {
  /** The `observe` of the reflectors of one resource. */
  watch?(resource: Watched): (event: ReflectorEvent) => void;
  cache?(resource: Watched, cache: ObservedCache): void;
  references?(resource: Watched, references: ObservedReferences): void;
  statuses?(resource: KindPlural, statuses: ObservedStatuses): void;
  event?(what: 'sent' | 'dropped'): void;
}
