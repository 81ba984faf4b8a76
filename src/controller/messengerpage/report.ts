import type { PageConditionType } from '../../api/v1alpha1/conditions.js';
import type { MessengerPageStatus } from '../../api/v1alpha1/types.gen.js';
import type { KubeEvent } from '../../runtime/ports.js';
import type { Judgement } from '../verdict.js';

/** What one pass has found out so far. Steps add to it; at the end it becomes one status write, Events and a time to look again. */
export class PageReport {
  readonly judged = new Map<PageConditionType, Judgement | 'gone'>();
  readonly events: KubeEvent[] = [];
  #patch: Partial<MessengerPageStatus> = {};
  #wakeMs: number | undefined;

  judge(type: PageConditionType, judgement: Judgement | 'gone'): void {
    this.judged.set(type, judgement);
  }

  /** Replaces these fields of the status. */
  set(patch: Partial<MessengerPageStatus>): void {
    this.#patch = { ...this.#patch, ...patch };
  }

  get patch(): Partial<MessengerPageStatus> {
    return this.#patch;
  }

  /** Tells an Event, once the status is written. */
  tell(event: KubeEvent): void {
    this.events.push(event);
  }

  /** Look again after this time, if nothing sooner does. */
  wake(ms: number | undefined): void {
    if (ms === undefined) return;
    this.#wakeMs = Math.min(this.#wakeMs ?? Infinity, Math.max(0, ms));
  }

  get wakeMs(): number | undefined {
    return this.#wakeMs;
  }
}
