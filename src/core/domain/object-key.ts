import type { KubeObject } from '../../api/meta.js';

export interface NamespacedName {
  readonly namespace: string;
  readonly name: string;
}

/** `namespace/name`, the form in which keys stand in queues, maps, logs and on the command line. */
export function keyText({ namespace, name }: NamespacedName): string {
  return `${namespace}/${name}`;
}

/** The other way round. Neither part can hold a slash (RFC 1123). */
export function parseKey(text: string): NamespacedName {
  const slash = text.indexOf('/');
  return { namespace: text.slice(0, Math.max(0, slash)), name: text.slice(slash + 1) };
}

export function keyOf(object: KubeObject): NamespacedName {
  return { namespace: object.metadata.namespace ?? '', name: object.metadata.name };
}
