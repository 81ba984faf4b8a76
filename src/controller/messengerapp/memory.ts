import type { MessengerApp } from '../../api/v1alpha1/types.gen.js';
import type { AppSubscription } from '../../core/ports/graph.js';
import { keyOf, keyText, type NamespacedName } from '../../core/domain/object-key.js';
import type { StallMemory } from '../stall.js';

/** What this process remembers of one app besides the objects. Times of the monotonic clock. */
export interface AppMemory extends StallMemory {
  readonly uid: string;
  /**
   * What Graph said last about the app's subscriptions, and with which spec and secret it was
   * asked.
   */
  probe: { readonly rows: readonly AppSubscription[]; readonly basis: string } | undefined;
  /** When Graph is asked next, if nothing asks for it sooner. */
  probeDueMs: number;
  /**
   * `VersionWarning.code` of the last GraphVersion Event; "": none. undefined: before the first
   * probe.
   */
  versionTold: string | undefined;
  /** Tells the verify token that Meta has from others: as first seen, or as set last. */
  verifyToken: string | undefined;
  /** field → until when it is not tried again */
  refused: ReadonlyMap<string, number>;
  /** `appBasisOf` when `refused` was found out. */
  refusedBasis: string | undefined;
  /** A write that Graph refused for good. */
  refusal:
    | {
        /** `appRefusalBasisOf` when it was refused. */
        readonly basis: string;
        readonly reason: string;
        readonly message: string;
        readonly graphText: string | undefined;
        readonly looks: number;
        readonly untilMs: number;
      }
    | undefined;
  lastWriteMs: number | undefined;
  /** When this process first saw that it is being deleted. */
  deletingSinceMs: number | undefined;
  checks: number;
}

/** One `AppMemory` an app, until it is gone; an app of another uid begins anew. */
export class AppMemories {
  readonly #apps = new Map<string, AppMemory>();

  of(app: MessengerApp): AppMemory {
    const text = keyText(keyOf(app));
    const uid = app.metadata.uid ?? '';
    const known = this.#apps.get(text);
    if (known?.uid === uid) return known;
    const fresh: AppMemory = {
      uid,
      probe: undefined,
      probeDueMs: 0,
      versionTold: undefined,
      verifyToken: undefined,
      refused: new Map(),
      refusedBasis: undefined,
      refusal: undefined,
      lastWriteMs: undefined,
      deletingSinceMs: undefined,
      checks: 0,
      missing: undefined,
      stall: undefined,
    };
    this.#apps.set(text, fresh);
    return fresh;
  }

  peek(key: NamespacedName): AppMemory | undefined {
    return this.#apps.get(keyText(key));
  }

  forget(key: NamespacedName): void {
    this.#apps.delete(keyText(key));
  }
}
