import type { AppConditionType } from '../../api/v1alpha1/conditions.js';
import type { MessengerApp, MessengerAppStatus, MessengerPage } from '../../api/v1alpha1/types.gen.js';
import type { AppCredentials } from '../../core/ports/graph.js';
import type { NamespacedName } from '../../core/domain/object-key.js';
import type { Secret } from '../../core/secrets/secret.js';
import type { KubeEvent } from '../../runtime/ports.js';
import type { Judgement } from '../verdict.js';
import type { AppMemory } from './memory.js';

/** What one pass has found out so far. */
export class AppReport {
  readonly judged = new Map<AppConditionType, Judgement | 'gone'>();
  readonly events: KubeEvent[] = [];
  patch: Partial<MessengerAppStatus> = {};
  #wakeMs: number | undefined;

  judge(type: AppConditionType, judgement: Judgement | 'gone'): void {
    this.judged.set(type, judgement);
  }

  wake(ms: number | undefined): void {
    if (ms !== undefined) this.#wakeMs = Math.min(this.#wakeMs ?? Infinity, Math.max(0, ms));
  }

  get wakeMs(): number | undefined {
    return this.#wakeMs;
  }
}

/** One pass over one app. */
export interface AppPass {
  readonly key: NamespacedName;
  /** As the cache has it, with the status that this process wrote last. */
  readonly app: MessengerApp;
  /** The pages that name it and may use it. */
  readonly pages: readonly MessengerPage[];
  readonly memory: AppMemory;
  readonly report: AppReport;
  readonly signal: AbortSignal;
}

/** The values behind the app's references; each undefined where there is no usable one. */
export interface AppSecrets {
  readonly credentials: AppCredentials | undefined;
  readonly verifyToken: Secret | undefined;
}
