import type { KubeClient } from './kube-http.js';
import type { ResourceType } from './resources.js';

/** A part of the OpenAPI schema that the API server publishes for a CRD. */
export interface ServedSchema {
  readonly properties?: Readonly<Record<string, ServedSchema>>;
  readonly additionalProperties?: ServedSchema | boolean;
  readonly items?: ServedSchema;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-group-version-kind'?: readonly { readonly group?: string; readonly version?: string; readonly kind?: string }[];
}

interface OpenApi {
  readonly components?: { readonly schemas?: Readonly<Record<string, ServedSchema>> };
}

const TIMEOUT_MS = 4_500;

/**
 * The schema of a kind's status as the API server serves it now; undefined: it publishes none.
 * Every authenticated user may read it. @throws as the client
 */
export async function servedStatusSchema(
  client: Pick<KubeClient, 'request'>,
  { group, version, kind }: ResourceType,
  signal: AbortSignal,
): Promise<ServedSchema | undefined> {
  const path = `/openapi/v3/apis/${group}/${version}`;
  const { components } = (await client.request({ method: 'GET', path, timeoutMs: TIMEOUT_MS, signal })) as OpenApi;
  const isServed = (one: ServedSchema): boolean =>
    (one['x-kubernetes-group-version-kind'] ?? []).some((gvk) => gvk.group === group && gvk.version === version && gvk.kind === kind);
  return Object.values(components?.schemas ?? {}).find((one) => one.properties?.['status'] !== undefined && isServed(one))?.properties?.[
    'status'
  ];
}

/**
 * The part of `value` that the schema declares. `unknown` gets the path of each field that it does
 * not.
 */
export function declaredPart(value: unknown, schema: ServedSchema, path: string, unknown: Set<string>): unknown {
  if (schema['x-kubernetes-preserve-unknown-fields'] === true) return value;
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined ? value : value.map((one: unknown) => declaredPart(one, items, `${path}[]`, unknown));
  }
  return typeof value === 'object' && value !== null ? declaredFields(value, schema, path, unknown) : value;
}

function declaredFields(
  value: object,
  { properties = {}, additionalProperties }: ServedSchema,
  path: string,
  unknown: Set<string>,
): object {
  if (additionalProperties === true) return value;
  const declared: [string, unknown][] = [];
  for (const [name, field] of Object.entries(value)) {
    const known = Object.hasOwn(properties, name) ? properties[name] : additionalProperties;
    if (typeof known === 'object') declared.push([name, declaredPart(field, known, `${path}.${name}`, unknown)]);
    else unknown.add(`${path}.${name}`);
  }
  return Object.fromEntries(declared);
}
