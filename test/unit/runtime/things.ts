import type { KubeObject } from '../../../src/api/meta.js';

export interface Thing extends KubeObject {
  readonly spec?: { readonly color: string };
}

export function thing(name: string, uid: string, resourceVersion: string, { color = 'red', namespace = 'bots' } = {}): Thing {
  return { metadata: { name, namespace, uid, resourceVersion }, spec: { color } };
}

export const names = (objects: readonly Thing[]): string[] => objects.map((object) => object.metadata.name).sort();
