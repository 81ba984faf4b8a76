import { checkBackend, signingRule, type BackendFacts, type BackendFault } from '../../core/domain/backend-check.js';
import { backendText, type EffectiveBackend } from '../../core/domain/effective-spec.js';
import { ClusterUnavailableError } from '../../core/domain/errors.js';
import { findCondition } from '../../runtime/conditions.js';
import { appKeyOf } from '../../relations/relations.js';
import { signingSecretReference } from '../../relations/secret-references.js';
import { isAppSecret, readSecret } from '../../relations/secret-values.js';
import { missingGrant } from '../secret-grants.js';
import { bad, good } from '../verdict.js';
import type { PagePass } from './pass.js';
import type { PageReconcilerDeps } from './ports.js';

type RoutableDeps = Pick<PageReconcilerDeps, 'apps' | 'services' | 'secrets' | 'secretAccess' | 'clock' | 'options'>;

/**
 * Judges `Routable` from the manifests and the cluster alone. A Secret or Service that cannot be
 * read now leaves it as it was.
 */
export async function judgeRoutable(deps: RoutableDeps, pass: PagePass): Promise<void> {
  const app = deps.apps.get(appKeyOf(pass.page));
  const { page, spec, report } = pass;
  const signingSecret = await signingState(deps, pass);
  const isUnknown = signingSecret === 'unreadable' || isUnlisted(deps, spec.backend);
  if (isUnknown && findCondition(page.status?.conditions, 'Routable') !== undefined) return;
  const fault = checkBackend({
    backend: spec.backend,
    signingRule: app === undefined ? 'other_namespace' : signingRule(page, app),
    service: serviceOf(deps, spec.backend),
    signingSecret: signingSecret === 'unreadable' ? 'absent' : signingSecret,
  });
  const where = spec.backend === undefined ? '' : backendText(spec.backend);
  const unread = fault ?? (await signingGrantFault(deps, pass));
  report.judge('Routable', unread === undefined ? good(`events go to ${where}`) : bad(unread.reason, unread.message));
}

/** The controller reads the signing Secret, but the webhook is who signs. */
async function signingGrantFault(
  { secretAccess, clock }: RoutableDeps,
  { page, spec, report, signal }: PagePass,
): Promise<BackendFault | undefined> {
  const reference = spec.backend && signingSecretReference(spec.backend.backend, spec.backend.namespace);
  if (reference === undefined) return undefined;
  const before = findCondition(page.status?.conditions, 'Routable');
  const reason = 'SigningSecretNotFound';
  const question = { reader: 'webhook', secrets: [reference], reason, before, nowMs: clock.nowMs() } as const;
  const missing = await missingGrant(secretAccess, question, signal);
  report.wake(missing?.recheckMs);
  return missing && { reason, message: missing.message };
}

/** Whether the backend's Service is in a namespace whose Services could not be listed. */
function isUnlisted({ services }: RoutableDeps, backend: EffectiveBackend | undefined): boolean {
  return backend?.backend.service !== undefined && !services.covers(backend.namespace);
}

function serviceOf({ services }: RoutableDeps, backend: EffectiveBackend | undefined): BackendFacts['service'] {
  const name = backend?.backend.service?.name;
  return backend === undefined || name === undefined ? undefined : services.get({ namespace: backend.namespace, name });
}

async function signingState(deps: RoutableDeps, { spec, signal }: PagePass): Promise<BackendFacts['signingSecret'] | 'unreadable'> {
  const { backend } = spec;
  const reference = backend && signingSecretReference(backend.backend, backend.namespace);
  if (reference === undefined) return undefined;
  try {
    const found = await readSecret(deps, reference, signal);
    if (found.kind === 'value') return isAppSecret(found.secret, deps.apps.list(), deps.secrets) ? 'app_secret' : 'present';
    return found.fault === 'malformed' ? 'malformed' : 'absent';
  } catch (error) {
    if (error instanceof ClusterUnavailableError) return 'unreadable';
    throw error;
  }
}
