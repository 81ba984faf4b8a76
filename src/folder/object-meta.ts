import { isRecord } from '../kit/narrow.js';
import type { FieldProblem } from './schema-problems.js';

/** What a manifest says about an object besides its content. */
export interface ManifestMeta {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;
const MAX_ANNOTATION_BYTES = 262_144;

/** A namespaced object without a namespace goes here, as with kubectl. */
export const DEFAULT_NAMESPACE = 'default';

/** Name and namespace as far as they are there: what an object is called in messages. */
export function identityOf(metadata: unknown, namespaced: boolean): { readonly name: string; readonly namespace: string } | undefined {
  if (!isRecord(metadata) || typeof metadata['name'] !== 'string' || metadata['name'] === '') return undefined;
  const { name, namespace = DEFAULT_NAMESPACE } = metadata;
  if (typeof namespace !== 'string') return undefined;
  return { name, namespace: namespaced ? namespace : '' };
}

/** What is wrong with the metadata, by the rules of the API server for what we read of it. */
export function metaProblems(metadata: Readonly<Record<string, unknown>>, namespaced: boolean): readonly FieldProblem[] {
  const { name, namespace = DEFAULT_NAMESPACE, labels, annotations } = metadata;
  const problems: FieldProblem[] = [];
  if (typeof name !== 'string' || name.length > 253 || !SUBDOMAIN.test(name)) {
    problems.push({ field: 'metadata.name', message: 'must be lower case letters, digits, "-" and ".", at most 253 characters' });
  }
  if (namespaced && (typeof namespace !== 'string' || namespace.length > 63 || !LABEL.test(namespace))) {
    problems.push({ field: 'metadata.namespace', message: 'must be lower case letters, digits and "-", at most 63 characters' });
  }
  problems.push(...mapProblems('labels', labels), ...mapProblems('annotations', annotations));
  return problems;
}

/** Only after `metaProblems` found none. */
export function metaOf(metadata: Readonly<Record<string, unknown>>, namespaced: boolean): ManifestMeta {
  const { name, namespace = DEFAULT_NAMESPACE, labels = {}, annotations = {} } = metadata;
  return {
    name: name as string,
    namespace: namespaced ? (namespace as string) : '',
    labels: (labels ?? {}) as Record<string, string>,
    annotations: (annotations ?? {}) as Record<string, string>,
  };
}

function mapProblems(what: 'labels' | 'annotations', map: unknown): readonly FieldProblem[] {
  const field = `metadata.${what}`;
  if (map === undefined || map === null) return [];
  if (!isRecord(map)) return [{ field, message: 'must be a map of names to text' }];
  let bytes = 0;
  for (const [key, value] of Object.entries(map)) {
    if (typeof value !== 'string') return [{ field: `${field}["${key}"]`, message: 'must be text; put it in quotes' }];
    if (what === 'labels' && !LABEL_VALUE.test(value)) {
      return [{ field: `${field}["${key}"]`, message: 'must be at most 63 letters, digits, "-", "_" and "."' }];
    }
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  return bytes > MAX_ANNOTATION_BYTES ? [{ field, message: `must have at most ${MAX_ANNOTATION_BYTES} bytes together` }] : [];
}
