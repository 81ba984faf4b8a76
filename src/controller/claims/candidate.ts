import type { MessengerApp, MessengerPage } from '../../api/v1alpha1/types.gen.js';
import type { ClaimCandidate } from '../../core/domain/claim.js';
import { findCondition } from '../../runtime/conditions.js';
import { isBeingDeleted } from '../../runtime/finalizers.js';
import { consentTo, namespaceOf, type NamespaceLabels } from '../../relations/relations.js';
import type { ProofState } from '../proofs.js';

/** What matters of a page for who gets (appId, pageId). `app` undefined: its app is gone. */
export function candidateOf(
  page: MessengerPage,
  app: MessengerApp | undefined,
  { appId, namespaces, proof }: { readonly appId: string; readonly namespaces: NamespaceLabels; readonly proof: ProofState },
): ClaimCandidate {
  const { uid = '', name, creationTimestamp = '' } = page.metadata;
  const claim = page.status?.claim;
  return {
    uid,
    namespace: namespaceOf(page),
    name,
    creationTimestamp,
    deleting: isBeingDeleted(page),
    consented: app?.spec.appId === appId && consentTo(page, app, namespaces).given,
    app: verdictOn(app),
    ...proof,
    claim: claim?.appId === appId && claim.pageId === page.spec.pageId ? { state: claim.state, epoch: claim.epoch } : undefined,
  };
}

function verdictOn(app: MessengerApp | undefined): ClaimCandidate['app'] {
  const accepted = findCondition(app?.status?.conditions, 'Accepted');
  if (accepted?.status === 'True') return 'accepted';
  return accepted?.reason === 'AppClaimed' ? 'superseded' : 'undecided';
}
