import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';

/** The part of a structural schema that the tests look at. */
export interface SchemaNode {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly additionalProperties?: SchemaNode;
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-validations'?: readonly { readonly rule: string; readonly message?: string }[];
}

interface CrdVersion {
  readonly name: string;
  readonly subresources: object;
  readonly selectableFields: readonly { readonly jsonPath: string }[];
  readonly additionalPrinterColumns: readonly { readonly name: string; readonly type: string; readonly priority?: number }[];
  readonly schema: { readonly openAPIV3Schema: SchemaNode };
}

export interface CrdFile {
  readonly kind: string;
  readonly names: { readonly plural: string; readonly shortNames: readonly string[]; readonly categories: readonly string[] };
  readonly version: CrdVersion;
}

export function readCrds(): readonly CrdFile[] {
  return readdirSync('crds')
    .sort()
    .map((file) => {
      const { spec } = parse(readFileSync(`crds/${file}`, 'utf8')) as {
        spec: { names: CrdFile['names'] & { kind: string }; versions: readonly CrdVersion[] };
      };
      const [version] = spec.versions;
      if (version === undefined) throw new Error(`${file} has no version`);
      return { kind: spec.names.kind, names: spec.names, version };
    });
}

/** A schema node with the path of its field, `spec.backend.accepts[]` for the items of a list. */
export interface FieldNode {
  readonly path: string;
  readonly node: SchemaNode;
}

/** Every node below `root` (itself excluded), fields and items alike. */
export function fieldsOf(root: SchemaNode, prefix = ''): readonly FieldNode[] {
  const found: FieldNode[] = Object.entries(root.properties ?? {}).map(([name, node]) => ({
    path: prefix === '' ? name : `${prefix}.${name}`,
    node,
  }));
  if (root.items !== undefined) found.push({ path: `${prefix}[]`, node: root.items });
  if (root.additionalProperties !== undefined) found.push({ path: `${prefix}{}`, node: root.additionalProperties });
  return found.flatMap((field) => [field, ...fieldsOf(field.node, field.path)]);
}

/** Every node of every kind, `Kind` in front of the path. */
export function allFields(): readonly FieldNode[] {
  return readCrds().flatMap(({ kind, version }) => fieldsOf(version.schema.openAPIV3Schema, kind));
}
