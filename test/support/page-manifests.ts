import type { MessengerAppSpec, MessengerPageSpec } from '../../src/api/v1alpha1/types.gen.js';

/** An object to be applied. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Readonly<Record<string, string>> };
  readonly [field: string]: unknown;
}

const API_VERSION = 'messenger-operator.dev/v1alpha1';

export interface Place {
  readonly name: string;
  readonly namespace: string;
}

export function namespaceNamed(name: string, labels: Readonly<Record<string, string>> = {}): Manifest {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
}

export function secret(place: Place, stringData: Readonly<Record<string, string>>): Manifest {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { ...place }, stringData };
}

/** Port 5000 by the name `http`. */
export function service(place: Place): Manifest {
  const spec = { ports: [{ name: 'http', port: 5000 }], selector: { app: place.name } };
  return { apiVersion: 'v1', kind: 'Service', metadata: { ...place }, spec };
}

/** Its secrets are in the Secret of the same name. */
export function messengerApp(place: Place, spec: Pick<MessengerAppSpec, 'appId'> & Partial<MessengerAppSpec>): Manifest {
  const refs = { appSecretRef: { name: place.name }, verifyTokenRef: { name: place.name } };
  return { apiVersion: API_VERSION, kind: 'MessengerApp', metadata: { ...place }, spec: { ...refs, ...spec } };
}

/** Its token is in the Secret of the same name. */
export function messengerPage(place: Place, spec: Pick<MessengerPageSpec, 'pageId' | 'appRef'> & Partial<MessengerPageSpec>): Manifest {
  return {
    apiVersion: API_VERSION,
    kind: 'MessengerPage',
    metadata: { ...place },
    spec: { accessTokenSecretRef: { name: place.name }, ...spec },
  };
}

/** A role of a namespace for one ServiceAccount, `account` as `namespace:name`. */
export function grant(place: Place, account: string, rules: readonly unknown[]): readonly Manifest[] {
  const { roleRef, subjects } = binding('Role', place.name, account);
  return [
    { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { ...place }, rules },
    { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata: { ...place }, roleRef, subjects },
  ];
}

/** A ClusterRole given to one ServiceAccount in one namespace. */
export function grantClusterRole(place: Place, clusterRole: string, account: string): Manifest {
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { ...place },
    ...binding('ClusterRole', clusterRole, account),
  };
}

function binding(kind: string, name: string, account: string): { readonly roleRef: unknown; readonly subjects: unknown } {
  const [namespace, user] = account.split(':');
  return {
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name },
    subjects: [{ kind: 'ServiceAccount', name: user, namespace }],
  };
}
