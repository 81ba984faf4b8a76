import { type CustomObject, PAGES } from '../api/kinds.js';
import type { KubeObject, Namespace, Service } from '../api/meta.js';
import type { KubeRole } from './kube-cluster-options.js';

type Metadata = KubeObject['metadata'];

/** What a role keeps of the objects of a kind, by the kind's plural; a kind without an entry is kept whole. */
export const PROJECTIONS: Readonly<Record<KubeRole, Readonly<Record<string, (object: CustomObject) => CustomObject>>>> = {
  controller: {},
  webhook: { [PAGES.plural]: routedPart },
  'pages-api': {},
};

/** What the webhook routes a page by: its spec and its claim. */
function routedPart<T extends CustomObject>(page: T): T {
  const { claim } = (page.status ?? {}) as { readonly claim?: unknown };
  const slim: T = { ...page, metadata: picked(page.metadata, 'generation', 'creationTimestamp', 'deletionTimestamp', 'labels') };
  return claim === undefined ? without(slim, 'status') : { ...slim, status: { claim } };
}

/** What is needed of a Service to send to it. */
export function servicePart(service: Service): Service {
  const { type, ports = [] } = service.spec ?? {};
  const kept = ports.map(({ name, port, protocol }) => ({
    port,
    ...(name === undefined ? {} : { name }),
    ...(protocol === undefined ? {} : { protocol }),
  }));
  return { ...base(service), metadata: picked(service.metadata), spec: { ports: kept, ...(type === undefined ? {} : { type }) } };
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
