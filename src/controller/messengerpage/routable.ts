import { checkBackend, type BackendFacts } from '../../core/domain/backend-check.js';
import { backendText, type EffectiveBackend } from '../../core/domain/effective-spec.js';
import { ClusterUnavailableError } from '../../core/domain/errors.js';
import { findCondition } from '../../runtime/conditions.js';
import { appKeyOf, namespaceOf } from '../../relations/relations.js';
import { signingSecretReference } from '../../relations/secret-references.js';
import { readSecret } from '../../relations/secret-values.js';
import { bad, good } from '../verdict.js';
import type { PagePass } from './pass.js';
import type { PageReconcilerDeps } from './ports.js';

type RoutableDeps = Pick<PageReconcilerDeps, 'services' | 'secrets' | 'clock' | 'options'>;

/** Judges `Routable` from the manifests and the cluster alone. A signing Secret that cannot be read now leaves it as it was. */
export async function judgeRoutable(deps: RoutableDeps, pass: PagePass): Promise<void> {
  const { page, spec, report } = pass;
  const signingSecret = await signingState(deps, pass);
  if (signingSecret === 'unreadable' && findCondition(page.status?.conditions, 'Routable') !== undefined) return;
  const fault = checkBackend({
    backend: spec.backend,
    pageNamespace: namespaceOf(page),
    appNamespace: appKeyOf(page).namespace,
    service: serviceOf(deps, spec.backend),
    signingSecret: signingSecret === 'unreadable' ? 'absent' : signingSecret,
  });
  const where = spec.backend === undefined ? '' : backendText(spec.backend);
  report.judge('Routable', fault === undefined ? good(`events go to ${where}`) : bad(fault.reason, fault.message));
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
    if (found.kind === 'value') return 'present';
    return found.fault === 'malformed' ? 'malformed' : 'absent';
  } catch (error) {
    if (error instanceof ClusterUnavailableError) return 'unreadable';
    throw error;
  }
}
