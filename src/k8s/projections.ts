import { type CustomObject, PAGES } from '../api/kinds.js';
import type { KubeObject, Namespace, Service } from '../api/meta.js';
import type { MessengerPage } from '../api/v1alpha1/types.gen.js';
import { boundedInline, inlineProblem } from '../core/domain/free-form.js';
import { dropBookkeeping } from '../runtime/transform.js';
import type { KubeRole } from './kube-cluster-options.js';

type Metadata = KubeObject['metadata'];

/**
 * What a role keeps of the objects of a kind, by the kind's plural; a kind without an entry is kept
 * whole.
 */
export const PROJECTIONS: Readonly<Record<KubeRole, Readonly<Record<string, (object: CustomObject) => CustomObject>>>> = {
  controller: { [PAGES.plural]: ofPage(reconciledPart) },
  webhook: { [PAGES.plural]: ofPage(routedPart) },
  'pages-api': { [PAGES.plural]: ofPage(servedPart) },
};

function ofPage(part: (page: MessengerPage) => MessengerPage): (object: CustomObject) => CustomObject {
  return (object) => part(object as MessengerPage);
}

/** What the webhook routes a page by: its spec and its claim, without the bot's settings. */
function routedPart(page: MessengerPage): MessengerPage {
  const { claim } = page.status ?? {};
  const metadata = picked(page.metadata, 'generation', 'creationTimestamp', 'deletionTimestamp', 'labels');
  const slim = { ...without(page, 'status'), metadata, spec: without(page.spec, 'botConfig') };
  return claim === undefined ? slim : { ...slim, status: { claim } };
}

/** What the controller keeps of a page: of the bot's settings only what is wrong with them. */
function reconciledPart(page: MessengerPage): MessengerPage {
  return withInline(page, (inline) => (inlineProblem(inline) === undefined ? {} : boundedInline(inline)));
}

/** What the Pages API keeps of a page: settings for its bot that are too large are not. */
function servedPart(page: MessengerPage): MessengerPage {
  return withInline(page, boundedInline);
}

type Inline = NonNullable<NonNullable<MessengerPage['spec']['botConfig']>['inline']>;

function withInline(page: MessengerPage, keep: (inline: Inline) => Inline): MessengerPage {
  const slim = dropBookkeeping(page);
  const inline = slim.spec.botConfig?.inline;
  if (inline === undefined) return slim;
  return { ...slim, spec: { ...slim.spec, botConfig: { ...slim.spec.botConfig, inline: keep(inline) } } };
}

/** What is needed of a Service to send to it. */
export function servicePart(service: Service): Service {
  const { type, clusterIP, ports = [] } = service.spec ?? {};
  const kept = ports.map(({ name, port, protocol }) => ({
    port,
    ...(name === undefined ? {} : { name }),
    ...(protocol === undefined ? {} : { protocol }),
  }));
  // Of clusterIP it counts only whether the Service is headless.
  const kind = { ...(type === undefined ? {} : { type }), ...(clusterIP === 'None' ? { clusterIP } : {}) };
  return { ...base(service), metadata: picked(service.metadata), spec: { ports: kept, ...kind } };
}

/** What selectors look at. */
export function namespacePart(namespace: Namespace): Namespace {
  return { ...base(namespace), metadata: picked(namespace.metadata, 'labels', 'deletionTimestamp') };
}

function base({ apiVersion, kind }: KubeObject): Pick<KubeObject, 'apiVersion' | 'kind'> {
  return { ...(apiVersion === undefined ? {} : { apiVersion }), ...(kind === undefined ? {} : { kind }) };
}

/** The identity, and these fields where they are there. */
function picked(metadata: Metadata, ...more: readonly (keyof Metadata)[]): Metadata {
  const names: readonly (keyof Metadata)[] = ['namespace', 'uid', 'resourceVersion', ...more];
  const given = names.filter((name) => metadata[name] !== undefined).map((name) => [name, metadata[name]]);
  return { name: metadata.name, ...Object.fromEntries(given) } as Metadata;
}

function without<T extends object>(object: T, field: string): T {
  return Object.fromEntries(Object.entries(object).filter(([name]) => name !== field)) as T;
}
