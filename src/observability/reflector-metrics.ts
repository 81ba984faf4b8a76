import { Gauge, type Counter, type Registry } from 'prom-client';
import {
  REFLECTOR_EVENTS,
  WATCHED,
  type ObservedCache,
  type ObservedReferences,
  type ReflectorEvent,
  type Watched,
} from '../k8s/observer.js';
import { closedCounter } from './closed-series.js';

/** Metrics of the watches behind the caches. */
export class ReflectorMetrics {
  readonly #events: Counter<'resource' | 'event'>;
  readonly #caches = new Map<Watched, ObservedCache>();
  readonly #references = new Map<Watched, ObservedReferences>();

  constructor(registry: Registry) {
    this.#events = closedCounter(
      { registry, name: 'messenger_watch_events_total', help: 'Events of the watches, by resource.' },
      { resource: WATCHED, event: REFLECTOR_EVENTS },
    );
    const caches = this.#caches;
    new Gauge({
      name: 'messenger_watch_age_seconds',
      help: 'Time since the last list, event or bookmark of a resource. -1 before the first list.',
      labelNames: ['resource'],
      registers: [registry],
      collect() {
        for (const [resource, cache] of caches) this.set({ resource }, seconds(cache.ageMs()));
      },
    });
    new Gauge({
      name: 'messenger_watch_refused_scopes',
      help: 'Namespaces (1 for the whole cluster) of a resource whose last list or watch was refused.',
      labelNames: ['resource'],
      registers: [registry],
      collect() {
        for (const [resource, cache] of caches) this.set({ resource }, cache.refusedScopes);
      },
    });
    const references = this.#references;
    new Gauge({
      name: 'messenger_references_beyond_bound',
      help: 'Objects that manifests refer to and that are not read, because too many are referred to.',
      labelNames: ['resource'],
      registers: [registry],
      collect() {
        for (const [resource, { beyondBound }] of references) this.set({ resource }, beyondBound);
      },
    });
    new Gauge({
      name: 'messenger_cache_objects',
      help: 'Objects in the cache of a resource.',
      labelNames: ['resource'],
      registers: [registry],
      collect() {
        for (const [resource, cache] of caches) this.set({ resource }, cache.size);
      },
    });
  }

  /** The `observe` of one reflector. */
  observer(resource: Watched): (event: ReflectorEvent) => void {
    return (event) => {
      this.#events.inc({ resource, event });
    };
  }

  /** From now on the references that are beyond the bound are shown. */
  followReferences(resource: Watched, references: ObservedReferences): void {
    this.#references.set(resource, references);
  }

  /** From now on the cache's size and age are shown. */
  follow(resource: Watched, cache: ObservedCache): void {
    this.#caches.set(resource, cache);
  }
}

function seconds(ms: number): number {
  return Number.isFinite(ms) ? ms / 1_000 : -1;
}
