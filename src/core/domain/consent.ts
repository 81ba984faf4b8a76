import type { LabelSelector, MessengerApp } from '../../api/v1alpha1/types.gen.js';
import { labelRequirements, matchesLabels } from './label-selector.js';

/**
 * The label that every namespace carries and whose value is its name (KEP-2161): known even where
 * namespaces cannot be read.
 */
const NAME_LABEL = 'kubernetes.io/metadata.name';

export type Consent = { readonly given: true } | { readonly given: false; readonly why: 'not_allowed' | 'selector_unsupported' };

/**
 * Whether an app lets pages of this namespace use it (`spec.allowedNamespaces`; default: its own
 * namespace alone, which is always allowed). `labels` are the namespace's; undefined where they
 * cannot be read: then only `kubernetes.io/metadata.name` can match, and a selector that asks for
 * another label is `selector_unsupported`.
 */
export function consentOf(app: MessengerApp, namespace: string, labels: Readonly<Record<string, string>> | undefined): Consent {
  if ((app.metadata.namespace ?? '') === namespace) return { given: true };
  const allowed = app.spec.allowedNamespaces;
  if (allowed?.from === 'All') return { given: true };
  return allowed?.from === 'Selector' ? bySelector(allowed.selector, namespace, labels) : { given: false, why: 'not_allowed' };
}

function bySelector(selector: LabelSelector | undefined, namespace: string, labels: Readonly<Record<string, string>> | undefined): Consent {
  const requirements = labelRequirements(selector);
  if (requirements === undefined) return { given: false, why: 'not_allowed' };
  if (labels === undefined && requirements.some(({ key }) => key !== NAME_LABEL)) return { given: false, why: 'selector_unsupported' };
  const given = matchesLabels(requirements, { [NAME_LABEL]: namespace, ...labels });
  return given ? { given } : { given, why: 'not_allowed' };
}
