import { FLUX_REQUESTED_AT_ANNOTATION, RECONCILE_AT_ANNOTATION } from '../../api/v1alpha1/constants.js';
import type { MessengerApp, MessengerPage } from '../../api/v1alpha1/types.gen.js';
import type { EffectiveSpec } from '../../core/domain/effective-spec.js';
import type { AppCredentials, GraphCallOptions, PageCredentials } from '../../core/ports/graph.js';
import type { NamespacedName } from '../../core/domain/object-key.js';
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

/** The value of the annotation that asks for a reconcile now; ours wins over Flux's. */
export function requestOf({ metadata: { annotations } }: MessengerPage): string | undefined {
  return annotations?.[RECONCILE_AT_ANNOTATION] ?? annotations?.[FLUX_REQUESTED_AT_ANNOTATION];
}

/** What a refused answer was about: as soon as this is another text, Graph is asked again at once. */
export function basisOf(page: MessengerPage, app: MessengerApp): string {
  return [page.metadata.generation, app.metadata.uid, app.metadata.generation, requestOf(page)].join('/');
}

/** A drift check, or the first pass of a restart, over a page that was in order: it may wait behind users' changes. */
export function priorityOf(page: MessengerPage): 'interactive' | 'background' {
  const { status, metadata } = page;
  const settled = status?.observedGeneration === metadata.generation && findCondition(status?.conditions, 'Ready')?.status === 'True';
  const asked = requestOf(page) !== undefined && requestOf(page) !== status?.lastHandledReconcileAt;
  return settled && !asked ? 'background' : 'interactive';
}
