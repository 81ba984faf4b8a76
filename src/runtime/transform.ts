import type { KubeObject } from '../api/meta.js';

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * Drops what the operator never reads and what may hold data in clear: `managedFields` and
 * kubectl's last-applied annotation.
 */
export function dropBookkeeping<T extends KubeObject>(object: T): T {
  const metadata = without(object.metadata, 'managedFields');
  const { annotations } = metadata;
  if (annotations?.[LAST_APPLIED] === undefined) return { ...object, metadata };
  return { ...object, metadata: { ...metadata, annotations: without(annotations, LAST_APPLIED) } };
}

function without<O extends object>(object: O, key: string): O {
  return Object.fromEntries(Object.entries(object).filter(([name]) => name !== key)) as O;
}

/**
 * Keeps only what tells one version of an object from another: for Secrets and ConfigMaps, whose
 * annotations may hold their data.
 */
export function identityOnly(object: KubeObject): KubeObject {
  const { name, namespace, uid, resourceVersion } = object.metadata;
  return {
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
  };
}

/** Freezes an object and all that it holds. Only for plain data, as JSON gives it. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const part of Object.values(value)) deepFreeze(part);
  return value;
}
