// crds/*.yaml → src/api/v1alpha1/types.gen.ts
import { format, resolveConfig } from 'prettier';

/** Shapes that occur more than once get a name. `is` sees the field's name and its schema. */
const SHARED = [
  { name: 'SecretKeyRef', is: (field) => /(?:Secret|Token|token)Ref$|SecretRef$/.test(field) },
  { name: 'BackendService', is: (field) => field === 'service' },
  { name: 'Backend', is: (field) => field === 'backend' },
  {
    name: 'LabelSelector',
    is: (field, schema) => schema['x-kubernetes-map-type'] === 'atomic' && 'matchLabels' in (schema.properties ?? {}),
  },
];

/** The text of the types for these CustomResourceDefinitions. @throws when one name would stand for two shapes. */
export async function typesOf(crds, path) {
  const writer = new TypeWriter();
  const kinds = crds.map((crd) => writer.kind(crd)).join('\n');
  const text = `// Generated from crds/ by \`npm run generate\`. Do not edit.
import type { Condition, ObjectMeta } from '../meta.js';

${writer.sharedTypes().join('\n')}
${kinds}`;
  return format(text, { ...(await resolveConfig(path)), filepath: path });
}

class TypeWriter {
  /** name → { shape: for comparing, without comments; schema } */
  shared = new Map();

  kind(crd) {
    const { kind } = crd.spec.names;
    const [version, ...others] = crd.spec.versions;
    if (others.length > 0) throw new Error(`${kind}: more than one version is not supported yet`);
    const root = version.schema.openAPIV3Schema;
    const { spec, status } = root.properties;
    return `${comment(spec.description)}export interface ${kind}Spec ${this.body(spec)}

${comment(status.description)}export interface ${kind}Status ${this.body(status)}

${comment(root.description)}export interface ${kind} {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly spec: ${kind}Spec;
  readonly status?: ${kind}Status;
}
`;
  }

  body(schema) {
    const required = new Set(schema.required ?? []);
    const members = Object.entries(schema.properties).map(
      ([field, value]) => `${comment(value.description)}readonly ${field}${required.has(field) ? '' : '?'}: ${this.type(field, value)};`,
    );
    return `{\n${members.join('\n')}\n}`;
  }

  type(field, schema) {
    if (schema['x-kubernetes-int-or-string'] === true) return 'number | string';
    if (schema.enum !== undefined) return schema.enum.map((value) => `'${value}'`).join(' | ');
    switch (schema.type) {
      case 'string':
      case 'boolean':
        return schema.type;
      case 'integer':
        return 'number';
      case 'array':
        return field === 'conditions' ? 'readonly Condition[]' : `readonly (${this.type(field, schema.items)})[]`;
      case 'object':
        return this.object(field, schema);
      default:
        throw new Error(`${field}: a schema of type ${schema.type} has no TypeScript type here`);
    }
  }

  object(field, schema) {
    if (schema.additionalProperties !== undefined) return `Readonly<Record<string, ${this.type(field, schema.additionalProperties)}>>`;
    if (schema.properties === undefined) {
      if (schema['x-kubernetes-preserve-unknown-fields'] === true) return 'Readonly<Record<string, unknown>>';
      throw new Error(`${field}: an object without properties`);
    }
    const named = SHARED.find(({ is }) => is(field, schema));
    if (named === undefined) return this.body(schema);
    this.share(named.name, field, schema);
    return named.name;
  }

  share(name, field, schema) {
    const shape = this.body(schema).replaceAll(/\/\*\*.*?\*\/\s*/gs, '');
    const known = this.shared.get(name);
    if (known !== undefined && known.shape !== shape) throw new Error(`${field}: another shape than that of other places that use ${name}`);
    this.shared.set(name, { shape, schema: known === undefined ? schema : withCommonDescriptions(known.schema, schema) });
  }

  /** The shared types, in the order of the table. */
  sharedTypes() {
    const known = SHARED.filter(({ name }) => this.shared.has(name));
    return known.map(({ name }) => `export interface ${name} ${this.body(this.shared.get(name).schema)}\n`);
  }
}

/** A shared type says of its fields only what holds wherever it is used. */
function withCommonDescriptions(one, other) {
  const properties = Object.entries(one.properties).map(([field, value]) => {
    const { description, ...rest } = value;
    return [field, description === other.properties[field].description ? value : rest];
  });
  return { ...one, properties: Object.fromEntries(properties) };
}

const WIDTH = 120;

/** A description as a doc comment, wrapped: prettier leaves comments as they are. */
function comment(description) {
  if (description === undefined) return '';
  const lines = [''];
  for (const word of description.replaceAll('*/', '* /').split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== '' && last.length + word.length >= WIDTH) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines.length === 1 ? `/** ${lines[0]} */\n` : `/**\n${lines.map((line) => ` * ${line}`).join('\n')}\n */\n`;
}
