import type { KubeObject } from '../api/meta.js';
import { keyOf, keyText } from '../core/domain/object-key.js';
import type { Clock } from '../kit/clock.js';
import type { Logger } from '../kit/log.js';
import { LogOnceAMinute } from '../kit/log-once-a-minute.js';
import type { EventRecorder } from '../runtime/ports.js';
import { resourceText, type ResourceType } from './resources.js';

export interface StatusProblemsDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: EventRecorder;
}

interface Refusal {
  readonly message: string;
  readonly atMs: number;
}

/**
 * A refused status is written again within 20 minutes: what is older belongs to an object that is
 * gone.
 */
const REMEMBERED_MS = 40 * 60_000;
const MAX_REMEMBERED = 10_000;

/**
 * What keeps the statuses of one kind from being written as they are: reported by log, Event,
 * metric and `/readyz`.
 */
export class StatusProblems {
  readonly #deps: StatusProblemsDeps;
  readonly #resource: ResourceType;
  /** By the object's key, the one refused longest ago first. */
  readonly #refused = new Map<string, Refusal>();
  readonly #refusedLog: LogOnceAMinute;
  readonly #unknownLog: LogOnceAMinute;
  #unknown: readonly string[] = [];

  constructor(deps: StatusProblemsDeps, resource: ResourceType) {
    this.#deps = deps;
    this.#resource = resource;
    this.#refusedLog = new LogOnceAMinute(deps, 'the API server refuses a status');
    this.#unknownLog = new LogOnceAMinute(deps, 'the CRD is older than the operator: left fields of a status out');
  }

  /** Objects whose status was refused the last time. */
  get refusedObjects(): number {
    this.#forgetOld();
    return this.#refused.size;
  }

  /** Fields of the status that the served CRD does not declare. */
  get unknownFields(): number {
    return this.#unknown.length;
  }

  /**
   * The API server refused the whole status: a policy, a missing right, or a schema that allows
   * less.
   */
  refused(object: KubeObject, message: string): void {
    const key = keyText(keyOf(object));
    this.#refused.delete(key);
    this.#refused.set(key, { message, atMs: this.#deps.clock.monotonicMs() });
    this.#forgetOld();
    this.#refusedLog.write({ resource: resourceText(this.#resource), key, problem: message });
    const note = `The API server refuses the status of this object, so what it shows is out of date: ${message}`;
    this.#deps.events.record(object, { type: 'Warning', reason: 'StatusRefused', action: 'UpdateStatus', note });
  }

  written(object: KubeObject): void {
    this.#refused.delete(keyText(keyOf(object)));
  }

  /** The status was written without these fields; empty: it was written whole. */
  leftOut(object: KubeObject, fields: readonly string[]): void {
    this.#unknown = fields;
    if (fields.length === 0) return;
    this.#unknownLog.write({ resource: resourceText(this.#resource), fields: fields.join(', ') });
    const note = `The CRD is older than the operator, so the status lacks ${fields.join(', ')}. Apply the CRDs of the operator's version.`;
    this.#deps.events.record(object, { type: 'Warning', reason: 'CrdOutdated', action: 'UpdateStatus', note });
  }

  /** As texts for people; empty: every status is written whole. */
  texts(): readonly string[] {
    const what = resourceText(this.#resource);
    const texts: string[] = [];
    const fields = this.#unknown.join(', ');
    if (fields !== '') texts.push(`${what}: the CRD lacks ${fields}: apply the CRDs of this version`);
    const refused = this.refusedObjects;
    const [first] = this.#refused;
    if (first !== undefined) texts.push(`${what}: the status of ${refused} objects is refused, such as ${first[0]}: ${first[1].message}`);
    return texts;
  }

  #forgetOld(): void {
    const since = this.#deps.clock.monotonicMs() - REMEMBERED_MS;
    for (const [key, { atMs }] of this.#refused) {
      if (atMs >= since && this.#refused.size <= MAX_REMEMBERED) return;
      this.#refused.delete(key);
    }
  }
}
