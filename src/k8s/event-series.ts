import type { KubeObject } from '../api/meta.js';
import { BoundedMap } from '../kit/bounded-map.js';
import type { KubeEvent } from '../runtime/ports.js';

/** An Event about one object, and how often it was recorded since. */
export interface Series {
  readonly regarding: KubeObject;
  readonly event: KubeEvent;
  readonly firstMs: number;
  lastMs: number;
  /** When it was recorded last, by the monotonic clock; the other times are for users. */
  lastMonotonicMs: number;
  count: number;
  /**
   * As the API server has it; undefined while it has not been made. `sentMs` of the monotonic
   * clock.
   */
  made: { readonly namespace: string; readonly name: string; readonly count: number; readonly sentMs: number } | undefined;
  /** Whether it waits to be sent. */
  queued: boolean;
}

/** The same moment by both clocks. */
export interface Times {
  readonly nowMs: number;
  readonly monotonicMs: number;
}

/** Equal Events within this time after the last one are one. */
const SAME_MS = 10 * 60_000;
const MAX_SERIES = 2_048;

/**
 * The Events of the last minutes, by what they say. Bounded; the one that is silent for longest
 * goes first.
 */
export class SeriesMemory {
  readonly #series = new BoundedMap<string, Series>(MAX_SERIES);

  /** The series that the Event belongs to, counted: a new one has a count of 1. */
  add(regarding: KubeObject, event: KubeEvent, { nowMs, monotonicMs }: Times): Series {
    const key = JSON.stringify([regarding.metadata.uid, event.type, event.reason, event.action, event.note]);
    const known = this.#series.get(key);
    const fresh = known !== undefined && monotonicMs - known.lastMonotonicMs < SAME_MS;
    const first = { firstMs: nowMs, lastMs: nowMs, lastMonotonicMs: monotonicMs, count: 0, made: undefined, queued: false };
    const series: Series = fresh ? known : { regarding, event, ...first };
    series.count++;
    series.lastMs = nowMs;
    series.lastMonotonicMs = monotonicMs;
    this.#series.set(key, series);
    return series;
  }
}
