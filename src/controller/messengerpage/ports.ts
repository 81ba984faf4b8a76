import type { Service } from '../../api/meta.js';
import type { MessengerApp, MessengerPage } from '../../api/v1alpha1/types.gen.js';
import type { PageClaim } from '../../core/domain/claim.js';
import type { Clock } from '../../kit/clock.js';
import type { GraphSigns, PageGraph } from '../../core/ports/graph.js';
import type { SecretAccess } from '../../core/ports/secret-access.js';
import type { Logger } from '../../kit/log.js';
import type { NamespacedName } from '../../core/domain/object-key.js';
import type { WarnDays } from '../../core/domain/token-check.js';
import type {
  DataCache,
  EventRecorder,
  FinalizerWriter,
  Informer,
  Lister,
  LiveReader,
  StatusWriter,
  WriteFence,
} from '../../runtime/ports.js';
import type { NamespaceLabels } from '../../relations/relations.js';
import type { AppHealth } from '../app-health.js';
import type { KeyMutex } from '../key-mutex.js';
import type { Proofs } from '../proofs.js';
import type { SecretGrace } from '../secret-grace.js';
import type { StatusMemory } from '../status-memory.js';
import type { PageMemories } from './memory.js';

/** Decides and publishes who owns (appId, pageId). */
export interface ClaimSettler {
  settle(
    page: MessengerPage,
    appId: string,
    signal: AbortSignal,
  ): Promise<{
    readonly claim: PageClaim | undefined;
    readonly holder: NamespacedName | undefined;
    readonly recheckAfterMs: number | undefined;
  }>;
  successorsOf(page: MessengerPage, appId: string): readonly MessengerPage[];
  forget(uid: string | undefined): void;
}

export interface PageOptions {
  /** Graph's version where the app names none: `v25.0`. */
  readonly graphVersion: string;
  readonly intervalMs: number;
  readonly minIntervalMs: number;
  readonly tokenCheckIntervalMs: number;
  readonly deletionTimeoutMs: number;
  readonly secretGraceMs: number;
  /** No Graph write for anyone. */
  readonly readOnly: boolean;
  /** The class of this install; `""` is the unnamed one. */
  readonly className: string;
}

export interface PageReconcilerDeps {
  readonly pages: Pick<Lister<MessengerPage>, 'get'>;
  readonly apps: Pick<Informer<MessengerApp>, 'get' | 'list' | 'covers'>;
  readonly services: Pick<Informer<Service>, 'get' | 'covers'>;
  readonly namespaces: NamespaceLabels;
  readonly secrets: Pick<DataCache, 'read' | 'peek'>;
  /** What the other roles may read; left out: everything. */
  readonly secretAccess?: SecretAccess;
  readonly livePages: LiveReader<MessengerPage>;
  /** Remembers what it wrote (`StatusMemory.writer`). */
  readonly status: StatusWriter<MessengerPage>;
  readonly statuses: StatusMemory<MessengerPage>;
  readonly appStatuses: StatusMemory<MessengerApp>;
  readonly finalizers: FinalizerWriter<MessengerPage>;
  readonly events: EventRecorder;
  readonly fence: WriteFence;
  readonly graph: PageGraph;
  /** What Graph's answers tell besides; left out: nothing. */
  readonly signs?: GraphSigns;
  readonly claims: ClaimSettler;
  readonly proofs: Proofs;
  readonly secretGrace: SecretGrace;
  readonly health: AppHealth;
  readonly memories: PageMemories;
  /** One pass at a time a claim key, besides one a page. */
  readonly mutex: KeyMutex;
  readonly counters: PageCounters;
  readonly clock: Clock;
  readonly log: Logger;
  readonly options: PageOptions;
  /** 0 to 1, for the spread of drift checks. */
  readonly random?: () => number;
}

export interface PageCounters {
  /** A page was released though our app may still be subscribed to it. */
  leftSubscribed(): void;
  /**
   * The good token of the page with this uid ends within so many days; undefined: not soon, never,
   * or there is no good one.
   */
  tokenEnds?(uid: string, within: WarnDays | undefined): void;
}
