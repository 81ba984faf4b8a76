import { parse } from 'yaml';

/** The part of a structural schema (apiextensions.k8s.io/v1) that is read here. */
export interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly required?: readonly string[];
  readonly 'x-kubernetes-validations'?: readonly Rule[];
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-list-type'?: string;
  readonly [keyword: string]: unknown;
}

/** One CEL rule of a schema node. */
export interface Rule {
  readonly rule: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly fieldPath?: string;
}

/** One of `additionalPrinterColumns`. */
export interface Column {
  readonly name: string;
  readonly type: string;
  readonly jsonPath: string;
  /** 0: always shown; more: only in the wide table. */
  readonly priority: number;
}

/** What standalone needs of a CustomResourceDefinition. */
export interface Crd {
  readonly kind: string;
  readonly plural: string;
  /** `group/version` of the version that is stored. */
  readonly apiVersion: string;
  readonly names: readonly string[];
  readonly columns: readonly Column[];
  readonly schema: Schema;
}

interface CrdYaml {
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string; readonly plural: string; readonly singular?: string; readonly shortNames?: readonly string[] };
    readonly versions: readonly {
      readonly name: string;
      readonly storage: boolean;
      readonly schema: { readonly openAPIV3Schema: Schema };
      readonly additionalPrinterColumns?: readonly (Omit<Column, 'priority'> & { readonly priority?: number })[];
    }[];
  };
}

/** Reads the YAML of a CustomResourceDefinition. Ours: trusted to be one. */
export function parseCrd(text: string): Crd {
  const { group, names, versions } = (parse(text) as CrdYaml).spec;
  const version = versions.find(({ storage }) => storage);
  if (version === undefined) throw new Error(`the CustomResourceDefinition of ${names.kind} has no storage version`);
  return {
    kind: names.kind,
    plural: names.plural,
    apiVersion: `${group}/${version.name}`,
    names: [names.plural, names.singular ?? names.kind.toLowerCase(), ...(names.shortNames ?? [])],
    columns: (version.additionalPrinterColumns ?? []).map((column) => ({ ...column, priority: column.priority ?? 0 })),
    schema: version.schema.openAPIV3Schema,
  };
}
