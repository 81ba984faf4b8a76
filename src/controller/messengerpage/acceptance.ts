import type { MessengerApp, MessengerPage } from '../../api/v1alpha1/types.gen.js';
import { parseDurationMs } from '../../kit/duration.js';
import { inlineProblem } from '../../core/domain/free-form.js';
import { isKnownPageField, nearestField } from '../../core/domain/fields.js';
import { keyText } from '../../core/domain/object-key.js';
import { findCondition } from '../../runtime/conditions.js';
import { appKeyOf, consentTo, isInAppNamespace, type NamespaceLabels } from '../../relations/relations.js';
import { bad, good, unknown, type Verdict } from '../verdict.js';

export interface Acceptance {
  readonly verdict: Verdict;
  /** Set when the page may use it, whether or not the app itself is in order. */
  readonly app: MessengerApp | undefined;
}

/** Whether the app exists, consents and is accepted itself, and the page's spec makes sense. */
export function checkAccepted(page: MessengerPage, app: MessengerApp | undefined, namespaces: NamespaceLabels): Acceptance {
  const refusal = app === undefined ? missingApp(page) : consentFault(page, app, namespaces);
  if (refusal !== undefined || app === undefined) return { verdict: refusal ?? missingApp(page), app: undefined };
  const problem = specProblem(page);
  if (problem !== undefined) return { verdict: bad('InvalidSpec', problem), app };
  return { verdict: appVerdict(app), app };
}

/**
 * Across namespaces the text is the same whether the app is missing or does not consent: it must
 * not tell what exists there.
 */
function missingApp(page: MessengerPage): Verdict {
  const name = keyText(appKeyOf(page));
  if (!isInAppNamespace(page)) return notAllowed(name, page);
  return bad('AppNotFound', `MessengerApp ${name} does not exist: create it or correct spec.appRef`);
}

function consentFault(page: MessengerPage, app: MessengerApp, namespaces: NamespaceLabels): Verdict | undefined {
  const consent = consentTo(page, app, namespaces);
  if (consent.given) return undefined;
  const name = keyText(appKeyOf(page));
  if (consent.why === 'not_allowed') return notAllowed(name, page);
  const fix = 'select by kubernetes.io/metadata.name, or let the operator read namespaces';
  return bad('AppNotAllowed', `SelectorUnsupported: the operator cannot read the labels of namespaces for MessengerApp ${name}: ${fix}`);
}

function notAllowed(name: string, page: MessengerPage): Verdict {
  const namespace = page.metadata.namespace ?? '';
  const fix = `let its owner set spec.allowedNamespaces so that it covers ${namespace}, or correct spec.appRef`;
  return bad('AppNotAllowed', `MessengerApp ${name} does not exist or does not allow pages of namespace ${namespace}: ${fix}`);
}

function appVerdict(app: MessengerApp): Verdict {
  const name = `MessengerApp ${app.metadata.namespace ?? ''}/${app.metadata.name}`;
  const accepted = findCondition(app.status?.conditions, 'Accepted');
  if (accepted?.status === 'True') return good(`${name} accepts the page`);
  if (accepted?.status === 'False') {
    return bad('AppNotAccepted', `${name} is not accepted itself (${accepted.reason}): see its conditions`);
  }
  if (accepted === undefined) return unknown('AppNotAccepted', `${name} has not been looked at yet`);
  return unknown('AppNotAccepted', `${name} is not accepted yet (${accepted.reason}): see its conditions`);
}

function botConfigProblem({ spec }: MessengerPage): string | undefined {
  const problem = inlineProblem(spec.botConfig?.inline);
  return problem === undefined ? undefined : `spec.botConfig.inline ${problem}`;
}

/** What the CRD's own rules cannot say, or let through where they are not evaluated. */
function specProblem(page: MessengerPage): string | undefined {
  return botConfigProblem(page) ?? ruleProblem(page);
}

function ruleProblem({ spec }: MessengerPage): string | undefined {
  if (spec.subscribedFields?.length === 0) return 'spec.subscribedFields is empty: leave it out or name at least one field';
  const { backend } = spec;
  if (backend !== undefined && (backend.service === undefined) === (backend.url === undefined)) {
    return 'spec.backend needs exactly one of service and url';
  }
  const durations = [
    ['spec.interval', spec.interval],
    ['spec.backend.timeout', backend?.timeout],
  ] as const;
  const wrong = durations.find(([, text]) => text !== undefined && parseDurationMs(text) === undefined);
  return wrong === undefined ? undefined : `${wrong[0]} is not a duration such as 30m or 4s`;
}

/**
 * The app's side of the subscription: both levels need a field before Meta delivers it. undefined:
 * nothing is wrong.
 */
export function checkAppFields(wanted: readonly string[], app: MessengerApp, refused: ReadonlySet<string>): Verdict | undefined {
  if (app.spec.webhook?.subscription === 'Ignore') return undefined;
  const name = `MessengerApp ${app.metadata.namespace ?? ''}/${app.metadata.name}`;
  const notTaken = wanted.filter((field) => refused.has(field));
  if (notTaken.length > 0) {
    const fix = 'take them out of spec.subscribedFields, or give the app the permissions that they need';
    return bad('AppFieldRefused', `Graph refuses to subscribe ${name} to ${shortList(notTaken)}: ${fix}`);
  }
  const fields = app.status?.subscription?.fields;
  if (fields === undefined) return unknown('GraphUnavailable', `what ${name} is subscribed to is not known yet`);
  const missing = wanted.filter((field) => !fields.includes(field));
  if (missing.length === 0) return undefined;
  return bad('AppFieldsMissing', `${name} is not subscribed to ${shortList(missing)}, so Meta does not deliver them: ${fixFor(app)}`);
}

function fixFor(app: MessengerApp): string {
  const { subscription, allowedFields } = app.spec.webhook ?? {};
  if (subscription !== 'Manage') return "add them in the app's dashboard (Webhooks, Page), or set webhook.subscription: Manage";
  return allowedFields === undefined ? 'the operator adds them' : 'the operator adds those that webhook.allowedFields names';
}

/** What Meta really delivers: fields that both levels have. */
export function deliveredFields(page: Iterable<string>, app: MessengerApp): readonly string[] {
  const fields = [...page].sort();
  if (app.spec.webhook?.subscription === 'Ignore') return fields;
  const ofApp = new Set(app.status?.subscription?.fields);
  return fields.filter((field) => ofApp.has(field));
}

/**
 * Which of the fields Graph is not known to take, with the nearest that it does, and the one that
 * it refused by name. undefined: it is known to take all of them and named none.
 */
export function fieldHint(fields: readonly string[], refused: string | undefined): string | undefined {
  const odd = fields.filter((field) => field === refused || !isKnownPageField(field));
  if (odd.length === 0) return undefined;
  const each = odd.slice(0, 5).map((field) => {
    const near = nearestField(field);
    return near === undefined || near === field ? field : `${field} (did you mean ${near}?)`;
  });
  return `not known as fields of a Page: ${each.join(', ')}`;
}

/** At most ten, so that a message stays readable. */
export function shortList(fields: readonly string[]): string {
  return fields.length <= 10 ? fields.join(', ') : `${fields.slice(0, 10).join(', ')} and ${fields.length - 10} more`;
}
