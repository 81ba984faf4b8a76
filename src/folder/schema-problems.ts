import type { ErrorObject } from 'ajv';
import { nearest } from '../kit/nearest.js';
import type { Schema } from './crd.js';
import { fieldPath, pointerParts, schemaAt } from './json-schema.js';

/** A problem of one field, before it is known in which file. */
export interface FieldProblem {
  readonly field: string;
  readonly message: string;
}

const MAX_NAME = 32;

type Sentence = (error: ErrorObject, schema: Schema | undefined) => string;

const limit =
  (text: (limit: string) => string): Sentence =>
  ({ params }) =>
    text(String(params['limit']));

/**
 * Keyword of JSON Schema → what it says to a person. A string's own text is never repeated: it
 * might be a token in the wrong place.
 */
const SENTENCES: Readonly<Record<string, Sentence>> = {
  type: ({ params, data }) => wrongType(params['type'] as string | readonly string[], data),
  enum: ({ params }) => `must be one of ${(params['allowedValues'] as readonly unknown[]).join(', ')}`,
  pattern: (_, schema) => `does not have the right form; ${aboutField(schema)}`,
  minLength: limit((min) => (min === '1' ? 'must not be empty' : `must have at least ${min} characters`)),
  maxLength: limit((max) => `must have at most ${max} characters`),
  minimum: limit((min) => `must be at least ${min}`),
  maximum: limit((max) => `must be at most ${max}`),
  minItems: limit((min) => (min === '1' ? 'must not be an empty list; leave it out instead' : `must have at least ${min} items`)),
  maxItems: limit((max) => `must have at most ${max} items`),
  uniqueItems: ({ params }) => `has the same item twice, at ${String(params['i'])} and ${String(params['j'])}; remove one`,
};

/** The errors of the schema in sentences, one a field. */
export function schemaProblems(errors: readonly ErrorObject[], schema: Schema): readonly FieldProblem[] {
  const problems = new Map<string, FieldProblem>();
  for (const error of errors) {
    const problem = schemaProblem(error, schema);
    if (!problems.has(problem.field)) problems.set(problem.field, problem);
  }
  return [...problems.values()];
}

function schemaProblem(error: ErrorObject, root: Schema): FieldProblem {
  const parts = pointerParts(error.instancePath);
  const schema = schemaAt(root, error.instancePath);
  if (error.keyword === 'required') return missing(parts, String(error.params['missingProperty']), schema);
  if (error.keyword === 'additionalProperties') return unknown(parts, String(error.params['additionalProperty']), schema);
  const sentence = SENTENCES[error.keyword];
  return { field: fieldPath(parts), message: sentence?.(error, schema) ?? error.message ?? 'is not valid' };
}

function missing(parts: readonly string[], name: string, schema: Schema | undefined): FieldProblem {
  return { field: fieldPath([...parts, name]), message: `is missing; ${aboutField(schema?.properties?.[name])}` };
}

function unknown(parts: readonly string[], name: string, schema: Schema | undefined): FieldProblem {
  const known = Object.keys(schema?.properties ?? {});
  const near = nearest(name, known);
  const mend = near === undefined ? `the fields here are ${known.join(', ')}` : `did you mean ${near}?`;
  // No field of ours is that long: whatever it is, it may be a secret in the wrong place.
  const shown = name.length > MAX_NAME ? `${name.slice(0, 8)}…` : name;
  return { field: fieldPath([...parts, shown]), message: `is not a known field; ${mend}` };
}

function wrongType(wanted: string | readonly string[], data: unknown): string {
  const names = [wanted].flat().map((type) => TYPE_NAMES[type] ?? type);
  const quotes = [wanted].flat().includes('string') && ['number', 'boolean'].includes(typeof data) ? '; put it in quotes' : '';
  return `must be ${names.join(' or ')}, not ${kindOf(data)}${quotes}`;
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  object: 'a map of fields',
  array: 'a list',
};

function kindOf(data: unknown): string {
  if (data === null) return 'empty';
  if (Array.isArray(data)) return 'a list';
  return { string: 'text', number: 'a number', boolean: 'true or false', object: 'a map of fields' }[typeof data as string] ?? 'that';
}

/** The first sentence of the field's description. */
function aboutField(schema: Schema | undefined): string {
  const [first] = (schema?.description ?? 'see the documentation of this kind').split(/(?<=\.) /);
  return (first ?? '').replace(/\.$/, '');
}
