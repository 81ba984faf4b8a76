import type { Manifest } from './world.js';

export const NAMESPACE = 'contract';

let names = 0;
/** A name that no other test uses. */
export const freshName = (): string => `object-${++names}`;

export function page(
  name: string,
  spec: Readonly<Record<string, unknown>> = {},
  metadata: Readonly<Record<string, unknown>> = {},
): Manifest {
  return {
    apiVersion: 'messenger-operator.dev/v1alpha1',
    kind: 'MessengerPage',
    metadata: { name, namespace: NAMESPACE, ...metadata },
    spec: { pageId: '1001', appRef: { name: 'main' }, accessTokenSecretRef: { name }, ...spec },
  };
}

export function app(name: string, spec: Readonly<Record<string, unknown>> = {}): Manifest {
  return {
    apiVersion: 'messenger-operator.dev/v1alpha1',
    kind: 'MessengerApp',
    metadata: { name, namespace: NAMESPACE },
    spec: { appId: '42', appSecretRef: { name }, verifyTokenRef: { name }, ...spec },
  };
}

export const secret = (
  name: string,
  stringData: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>> = {},
): Manifest => ({
  apiVersion: 'v1',
  kind: 'Secret',
  type: 'Opaque',
  metadata: { name, namespace: NAMESPACE, ...(Object.keys(labels).length === 0 ? {} : { labels }) },
  stringData,
});
