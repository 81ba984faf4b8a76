import type { Schema } from './crd.js';

type JsonSchema = Record<string, unknown>;

/** Keywords of a structural schema that mean the same in JSON Schema. */
const SAME = [
  'type',
  'required',
  'enum',
  'pattern',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
];

/**
 * A structural schema as JSON Schema. Stricter in one place: a field that the schema does not know
 * is refused, as `kubectl apply` does, where the API server alone would drop it silently.
 */
export function toJsonSchema(schema: Schema): JsonSchema {
  const result: JsonSchema = {};
  for (const keyword of SAME) if (schema[keyword] !== undefined) result[keyword] = schema[keyword];
  if (schema['x-kubernetes-int-or-string'] === true) result['type'] = ['integer', 'string'];
  if (schema['x-kubernetes-list-type'] === 'set') result['uniqueItems'] = true;
  if (schema.items !== undefined) result['items'] = toJsonSchema(schema.items);
  return { ...result, ...objectKeywords(schema) };
}

function objectKeywords({ properties, additionalProperties, ...schema }: Schema): JsonSchema {
  const result: JsonSchema = {};
  if (typeof additionalProperties === 'object') result['additionalProperties'] = toJsonSchema(additionalProperties);
  if (properties === undefined) return result;
  result['properties'] = Object.fromEntries(Object.entries(properties).map(([name, part]) => [name, toJsonSchema(part)]));
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true || additionalProperties !== undefined;
  return open ? result : { ...result, additionalProperties: false };
}

/** The schema node that a JSON pointer into an object leads to; undefined where there is none. */
export function schemaAt(schema: Schema, pointer: string): Schema | undefined {
  let node: Schema | undefined = schema;
  for (const part of pointerParts(pointer)) {
    const next: Schema | boolean | undefined = node.properties?.[part] ?? node.items ?? node.additionalProperties;
    if (typeof next !== 'object') return undefined;
    node = next;
  }
  return node;
}

/** `/spec/fields/2` → `['spec', 'fields', '2']` */
export function pointerParts(pointer: string): readonly string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** `['spec', 'fields', '2']` → `spec.fields[2]` */
export function fieldPath(parts: readonly string[]): string {
  return parts
    .map((part) => (/^\d+$/.test(part) ? `[${part}]` : /^[A-Za-z_]\w*$/.test(part) ? `.${part}` : `["${part}"]`))
    .join('')
    .replace(/^\./, '');
}
