import type { KubeObject } from '../../../src/api/meta.js';
import type { ControlPlaneClient } from '../../support/control-plane-client.js';
import type { Role } from '../../support/operator.js';
import { accountOf } from '../../support/operator-chart.js';

/** What the roles watch, named as in the metrics. */
export const KINDS = ['messengerapps', 'messengerpages', 'secrets', 'configmaps', 'services', 'namespaces'] as const;
export type Kind = (typeof KINDS)[number];

export const KINDS_OF: Readonly<Record<Role, readonly Kind[]>> = {
  controller: ['messengerapps', 'messengerpages', 'secrets', 'services', 'namespaces'],
  webhook: ['messengerapps', 'messengerpages', 'secrets', 'services'],
  'pages-api': ['messengerapps', 'messengerpages', 'secrets', 'configmaps'],
};

/** One role's watch of one kind. */
export interface Watcher {
  readonly role: Role;
  readonly kind: Kind;
}

/** Every watch of every role. */
export const WATCHERS: readonly Watcher[] = (Object.keys(KINDS_OF) as Role[]).flatMap((role) =>
  KINDS_OF[role].map((kind) => ({ role, kind })),
);

export const watchersOf = (kind: Kind): readonly Watcher[] => WATCHERS.filter((one) => one.kind === kind);

const CUSTOM = '/apis/messenger-operator.dev/v1alpha1';

/**
 * Matches every request for the kind: its collection, in one namespace or all, and its objects with
 * their subresources.
 */
export function pathOf(kind: Kind): RegExp {
  if (kind === 'namespaces') return /^\/api\/v1\/namespaces(\/[^/]+)?$/;
  const root = kind.startsWith('messenger') ? CUSTOM : '/api/v1';
  return new RegExp(`^${root.replaceAll('.', '\\.')}/(namespaces/[^/]+/)?${kind}(/.*)?$`);
}

/** The proxy's rule for what one role asks about one kind. */
export function ruleOf({ role, kind }: Watcher): { readonly user: string; readonly path: RegExp } {
  return { user: accountOf(role), path: pathOf(kind) };
}

/**
 * All objects of all kinds as the API server has them; Secrets only those that the operator
 * follows.
 */
export type ServerState = Readonly<Record<Kind, readonly KubeObject[]>>;

export async function readServer(admin: ControlPlaneClient): Promise<ServerState> {
  const ours = encodeURIComponent('type!=helm.sh/release.v1,type!=kubernetes.io/service-account-token');
  const paths: Readonly<Record<Kind, string>> = {
    messengerapps: `${CUSTOM}/messengerapps`,
    messengerpages: `${CUSTOM}/messengerpages`,
    secrets: `/api/v1/secrets?fieldSelector=${ours}`,
    configmaps: '/api/v1/configmaps',
    services: '/api/v1/services',
    namespaces: '/api/v1/namespaces',
  };
  const lists = await Promise.all(KINDS.map(async (kind) => [kind, await admin.list<KubeObject>(paths[kind])] as const));
  return Object.fromEntries(lists) as unknown as ServerState;
}
