import type { Service } from '../api/meta.js';
import { DEFAULT_BACKEND, DEFAULT_WEBHOOK_PATH } from '../api/v1alpha1/constants.js';
import type { Backend, BackendService, MessengerApp, MessengerPage } from '../api/v1alpha1/types.gen.js';
import { checkBackend, signingRule, type BackendFacts, type BackendFault } from '../core/domain/backend-check.js';
import type { Channel } from '../core/domain/event.js';
import { effectiveBackend } from '../core/domain/effective-spec.js';
import { keyOf, type NamespacedName } from '../core/domain/object-key.js';
import type { BackendTarget, PageRoute, RouteAnswer } from '../core/ports/page-lookup.js';
import type { Secret } from '../core/secrets/secret.js';
import { BoundedMap } from '../kit/bounded-map.js';
import { parseDurationMs } from '../kit/duration.js';
import { signingSecretReference, type SecretReference } from '../relations/secret-references.js';
import type { SecretLookup } from '../relations/secret-values.js';
import type { Holding } from './holding.js';

/** What a route is made from besides the page that holds the claim. */
export interface RouteFacts {
  /** undefined: there is no such Service. */
  readonly serviceOf: (key: NamespacedName) => Service | undefined;
  readonly signingSecretOf: (reference: SecretReference) => SecretLookup;
  /** Whether it is the current or previous secret of an app. */
  readonly isAppSecret: (secret: Secret) => boolean;
  readonly targets: SharedTargets;
}

const MAX_TARGETS = 10_000;
const MAX_CHANNEL_SETS = 1_000;

/**
 * Many pages have one bot. One object for all of them is what everybody who remembers something of
 * a bot finds again soonest.
 */
export class SharedTargets {
  readonly #known = new Map<string, BackendTarget>();

  get size(): number {
    return this.#known.size;
  }

  share(target: BackendTarget): BackendTarget {
    const key = JSON.stringify(target);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (this.#known.size >= MAX_TARGETS) this.#known.clear();
    this.#known.set(key, Object.freeze(target));
    return target;
  }
}

/** The route of a page that holds its claim, or why its events cannot go anywhere (now). */
export function routeOf({ page, app, epoch }: Extract<Holding, { kind: 'held' }>, facts: RouteFacts): RouteAnswer {
  const effective = effectiveBackend(page, app);
  if (effective === undefined) return { kind: 'dropped', why: 'no_backend' };
  const { backend, namespace } = effective;
  const service = backend.service === undefined ? undefined : facts.serviceOf({ namespace, name: backend.service.name });
  const reference = signingSecretReference(backend, namespace);
  const signing = reference === undefined ? undefined : facts.signingSecretOf(reference);
  const signingSecretState = stateOf(signing, facts.isAppSecret);
  const fault = checkBackend({ backend: effective, signingRule: signingRule(page, app), service, signingSecret: signingSecretState });
  const target = targetOf(backend, namespace, service);
  if (fault !== undefined || target === undefined) return faultAnswer(fault, signing);
  const signingSecret = signing?.kind === 'value' ? signing.secret : undefined;
  const shared = { target: facts.targets.share(target), signingSecret };
  return { kind: 'route', route: Object.freeze({ ...identityOf(page, app), epoch, ...shared, ...settingsOf(backend) }) };
}

/** What does not exist (yet) may be created; what is not allowed has to be written differently. */
function faultAnswer(fault: BackendFault | undefined, signing: SecretLookup | undefined): RouteAnswer {
  const reason = fault?.reason ?? 'BackendNotFound';
  if (reason === 'BackendNotFound') return { kind: 'not_yet', why: 'backend_unresolved', absent: true };
  if (reason === 'SigningSecretNotFound') return { kind: 'not_yet', why: 'backend_unresolved', absent: signing?.kind !== 'unknown' };
  return { kind: 'dropped', why: 'backend_not_allowed' };
}

function identityOf(page: MessengerPage, app: MessengerApp): Pick<PageRoute, 'owner' | 'appId' | 'pageId' | 'key'> {
  const { appId } = app.spec;
  const { pageId } = page.spec;
  return { owner: { ...keyOf(page), uid: page.metadata.uid ?? '' }, appId, pageId, key: `${appId}/${pageId}` };
}

function settingsOf(
  backend: Backend,
): Pick<PageRoute, 'accepts' | 'timeoutMs' | 'maxInFlight' | 'maxEventsPerRequest' | 'maxRequestBytes'> {
  const { timeoutMs, maxInFlight, maxEventsPerRequest, maxRequestBytes } = DEFAULT_BACKEND;
  const timeout = backend.timeout === undefined ? undefined : parseDurationMs(backend.timeout);
  return {
    accepts: acceptsOf(backend.accepts),
    timeoutMs: timeout ?? timeoutMs,
    maxInFlight: backend.maxInFlight ?? maxInFlight,
    maxEventsPerRequest: backend.maxEventsPerRequest ?? maxEventsPerRequest,
    maxRequestBytes: backend.maxRequestBytes ?? maxRequestBytes,
  };
}

/** Equal sets are one: a page has one for as long as it lives. */
const channelSets = new BoundedMap<string, ReadonlySet<Channel>>(MAX_CHANNEL_SETS);

function acceptsOf(channels: readonly Channel[] | undefined): ReadonlySet<Channel> | undefined {
  if (channels === undefined) return undefined;
  const key = [...channels].sort().join();
  let known = channelSets.get(key);
  if (known === undefined) {
    known = new Set(channels);
    channelSets.set(key, known);
  }
  return known;
}

function targetOf(backend: Backend, namespace: string, service: Service | undefined): BackendTarget | undefined {
  if (backend.service === undefined) return backend.url === undefined ? undefined : { kind: 'url', url: backend.url };
  const port = portOf(backend.service, service);
  const { name, path = DEFAULT_WEBHOOK_PATH } = backend.service;
  return port === undefined ? undefined : { kind: 'service', namespace, name, port, path };
}

function portOf({ port }: BackendService, service: Service | undefined): number | undefined {
  return typeof port === 'number' ? port : service?.spec?.ports?.find(({ name }) => name === port)?.port;
}

function stateOf(lookup: SecretLookup | undefined, isAppSecret: RouteFacts['isAppSecret']): BackendFacts['signingSecret'] {
  if (lookup === undefined) return undefined;
  if (lookup.kind === 'malformed') return 'malformed';
  if (lookup.kind !== 'value') return 'absent';
  return isAppSecret(lookup.secret) ? 'app_secret' : 'present';
}
