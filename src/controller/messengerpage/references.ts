import type { MessengerApp } from '../../api/v1alpha1/types.gen.js';
import { keyText, type NamespacedName } from '../../core/domain/object-key.js';
import { namespaceOf } from '../../relations/relations.js';
import type { PagePass } from './pass.js';
import type { PageReconcilerDeps } from './ports.js';

/** Keeps the data of the Secrets that the page needs at hand: its token's, its signing key's and, where it may use the app, the app's. */
export function retainSecrets(
  { secrets }: Pick<PageReconcilerDeps, 'secrets'>,
  { key, page, spec }: PagePass,
  app: MessengerApp | undefined,
): void {
  const wanted: NamespacedName[] = [{ namespace: namespaceOf(page), name: page.spec.accessTokenSecretRef.name }];
  const signing = spec.backend?.backend.signingSecretRef;
  if (spec.backend !== undefined && signing !== undefined) wanted.push({ namespace: spec.backend.namespace, name: signing.name });
  if (app !== undefined) wanted.push({ namespace: namespaceOf(app), name: app.spec.appSecretRef.name });
  secrets.retain(`controller/page/${keyText(key)}`, wanted);
}
