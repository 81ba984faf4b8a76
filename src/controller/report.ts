import type { KubeEvent } from '../runtime/ports.js';
import type { Verdict } from './verdict.js';

/**
 * What one pass has found out so far. At its end it becomes one status write, Events, and a time
 * for the next pass.
 */
export class PassReport<Type extends string, Status extends object> {
  readonly judged = new Map<Type, Verdict | 'gone'>();
  readonly #events: { readonly event: KubeEvent; readonly onTold: (() => void) | undefined }[] = [];
  #patch: Partial<Status> = {};
  #wakeMs: number | undefined;

  /** `gone`: the condition is removed. */
  judge(type: Type, verdict: Verdict | 'gone'): void {
    this.judged.set(type, verdict);
  }

  /** Replaces these fields of the status. */
  set(patch: Partial<Status>): void {
    this.#patch = { ...this.#patch, ...patch };
  }

  get patch(): Partial<Status> {
    return this.#patch;
  }

  /** An Event for after the status write. `onTold` is called once it is recorded. */
  tell(event: KubeEvent, onTold?: () => void): void {
    this.#events.push({ event, onTold });
  }

  /** Records the Events, then `more`. */
  record(record: (event: KubeEvent) => void, more: readonly KubeEvent[]): void {
    for (const { event, onTold } of this.#events) {
      record(event);
      onTold?.();
    }
    for (const event of more) record(event);
  }

  /** Run the next pass after this time at the latest. */
  wake(ms: number | undefined): void {
    if (ms === undefined) return;
    this.#wakeMs = Math.min(this.#wakeMs ?? Infinity, Math.max(0, ms));
  }

  get wakeMs(): number | undefined {
    return this.#wakeMs;
  }
}
