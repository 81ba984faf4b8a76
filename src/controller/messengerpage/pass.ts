import type { PageConditionType } from '../../api/v1alpha1/conditions.js';
import type { MessengerApp, MessengerPage, MessengerPageStatus } from '../../api/v1alpha1/types.gen.js';
import type { EffectiveSpec } from '../../core/domain/effective-spec.js';
import type { AppCredentials, GraphCallOptions, PageCredentials } from '../../core/ports/graph.js';
import type { NamespacedName } from '../../core/domain/object-key.js';
import { tokenFingerprint } from '../../core/secrets/fingerprint.js';
import { reconcileRequestOf } from '../../relations/relations.js';
import { isConditionTrue } from '../../runtime/conditions.js';
import { PassReport } from '../report.js';
import type { PageMemory } from './memory.js';

export class PageReport extends PassReport<PageConditionType, MessengerPageStatus> {}

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

/** A pass over a page that its app accepts, and whose app has a usable secret. */
export interface AcceptedPass extends PagePass {
  readonly app: MessengerApp;
  readonly credentials: AppCredentials;
  readonly call: GraphCallOptions;
}

/** A pass that may go to Graph for the page: its token is good and it holds its claim. */
export interface GraphPass extends AcceptedPass {
  readonly token: PageCredentials;
  readonly epoch: number;
}

/**
 * What a bad answer about a token was about, besides the token itself: when this text changes,
 * Graph is asked again in the next pass.
 */
export function basisOf({ page, app, credentials }: AcceptedPass): string {
  const { uid = '', generation } = page.metadata;
  const secret = tokenFingerprint(uid, credentials.appSecret);
  return [generation, app.metadata.uid, app.metadata.generation, secret, reconcileRequestOf(page)].join('/');
}

/** What a refused write was about: when this text changes, the next pass tries it again. */
export function refusalBasisOf(pass: GraphPass): string {
  return [basisOf(pass), tokenFingerprint(pass.page.metadata.uid ?? '', pass.token.token)].join('/');
}

/**
 * A drift check, or the first pass after a restart, of a page that was in order: it may wait behind
 * users' changes.
 */
export function priorityOf(page: MessengerPage): 'interactive' | 'background' {
  const { status, metadata } = page;
  const request = reconcileRequestOf(page);
  const settled = status?.observedGeneration === metadata.generation && isConditionTrue(status?.conditions, 'Ready');
  const asked = request !== undefined && request !== status?.lastHandledReconcileAt;
  return settled && !asked ? 'background' : 'interactive';
}
