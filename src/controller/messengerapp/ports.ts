import type { MessengerApp, MessengerPage } from '../../api/v1alpha1/types.gen.js';
import type { Clock } from '../../kit/clock.js';
import type { AppGraph, GraphSigns } from '../../core/ports/graph.js';
import type { SecretAccess } from '../../core/ports/secret-access.js';
import type { Logger } from '../../kit/log.js';
import type { DataCache, EventRecorder, FinalizerWriter, Lister, LiveReader, StatusWriter, WriteFence } from '../../runtime/ports.js';
import type { NamespaceLabels } from '../../relations/relations.js';
import type { AppHealth } from '../app-health.js';
import type { KeyMutex } from '../key-mutex.js';
import type { StatusMemory } from '../status-memory.js';
import type { AppMemories } from './memory.js';

export interface AppOptions {
  readonly graphVersion: string;
  readonly intervalMs: number;
  readonly minIntervalMs: number;
  readonly deletionTimeoutMs: number;
  readonly secretGraceMs: number;
  readonly readOnly: boolean;
  readonly className: string;
}

export interface AppReconcilerDeps {
  /** With APP_INDEXES. */
  readonly apps: Pick<Lister<MessengerApp>, 'get' | 'byIndex'>;
  /** With PAGE_INDEXES. */
  readonly pages: Pick<Lister<MessengerPage>, 'byIndex'>;
  readonly namespaces: NamespaceLabels;
  readonly secrets: Pick<DataCache, 'read'>;
  /** What the other roles may read; left out: everything. */
  readonly secretAccess?: SecretAccess;
  readonly liveApps: LiveReader<MessengerApp>;
  /** Remembers what it wrote (`StatusMemory.writer`). */
  readonly status: StatusWriter<MessengerApp>;
  readonly statuses: StatusMemory<MessengerApp>;
  readonly finalizers: FinalizerWriter<MessengerApp>;
  readonly events: EventRecorder;
  readonly fence: WriteFence;
  readonly graph: AppGraph;
  /** What Graph's answers tell besides; left out: nothing. */
  readonly signs?: GraphSigns;
  readonly health: AppHealth;
  readonly memories: AppMemories;
  readonly mutex: KeyMutex;
  /** Whether a webhook of ours would answer Meta's verification now; left out: it would. */
  readonly publicReady?: () => boolean;
  readonly clock: Clock;
  readonly log: Logger;
  readonly options: AppOptions;
  /** 0 to 1, for the spread of checks. */
  readonly random?: () => number;
}
