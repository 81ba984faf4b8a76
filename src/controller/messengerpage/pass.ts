import type { MessengerApp, MessengerPage } from '../../api/v1alpha1/types.gen.js';
import type { EffectiveSpec } from '../../core/domain/effective-spec.js';
import type { AppCredentials, GraphCallOptions, PageCredentials } from '../../core/ports/graph.js';
import type { NamespacedName } from '../../core/domain/object-key.js';
import { reconcileRequestOf } from '../../relations/relations.js';
import { findCondition } from '../../runtime/conditions.js';
import type { PageMemory } from './memory.js';
import type { PageReport } from './report.js';

/** One pass over one page. */
export interface PagePass {
  readonly key: NamespacedName;
  /** As the cache has it, with the status that this process wrote last. */
  readonly page: MessengerPage;
  readonly spec: EffectiveSpec;
  readonly memory: PageMemory;
  readonly report: PageReport;
  readonly signal: AbortSignal;
}

/** A pass over a page whose app exists, consents and has a usable secret. */
export interface AppPass extends PagePass {
  readonly app: MessengerApp;
  readonly credentials: AppCredentials;
  readonly call: GraphCallOptions;
}

/** A pass that may go to Graph for the page: its token is good and it holds its claim. */
export interface GraphPass extends AppPass {
  readonly token: PageCredentials;
  readonly epoch: number;
}

/** What a refused answer was about: as soon as this is another text, Graph is asked again at once. */
export function basisOf(page: MessengerPage, app: MessengerApp): string {
  return [page.metadata.generation, app.metadata.uid, app.metadata.generation, reconcileRequestOf(page)].join('/');
}

/** A drift check, or the first pass of a restart, over a page that was in order: it may wait behind users' changes. */
export function priorityOf(page: MessengerPage): 'interactive' | 'background' {
  const { status, metadata } = page;
  const settled = status?.observedGeneration === metadata.generation && findCondition(status?.conditions, 'Ready')?.status === 'True';
  const asked = reconcileRequestOf(page) !== undefined && reconcileRequestOf(page) !== status?.lastHandledReconcileAt;
  return settled && !asked ? 'background' : 'interactive';
}
