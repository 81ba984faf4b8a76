import { Ajv, type ValidateFunction } from 'ajv';
import { CelRules } from './cel-rules.js';
import type { Crd } from './crd.js';
import { toJsonSchema } from './json-schema.js';
import { type FieldProblem, schemaProblems } from './schema-problems.js';

/**
 * Judges the spec of one kind as the API server would: by the schema and the CEL rules of its CRD.
 */
export class KindValidator {
  readonly crd: Crd;
  readonly #validate: ValidateFunction;
  readonly #rules: CelRules;

  constructor(crd: Crd) {
    this.crd = crd;
    const whole = toJsonSchema(crd.schema);
    // The API server knows apiVersion, kind and metadata of every kind, whatever its schema says,
    // and ignores a status.
    const known = { apiVersion: {}, kind: {}, metadata: {}, status: {} };
    const schema = { ...whole, properties: { ...(whole['properties'] as object), ...known } };
    this.#validate = new Ajv({ allErrors: true, strict: false, validateFormats: false, verbose: true, logger: false }).compile(schema);
    this.#rules = new CelRules(crd.schema);
  }

  /**
   * What is wrong with `object`; `old` is the same object as it was accepted last, for what may not
   * change.
   */
  check(object: object, old: object | undefined): readonly FieldProblem[] {
    const errors = this.#validate(object) ? [] : (this.#validate.errors ?? []);
    const bySchema = schemaProblems(errors, this.crd.schema);
    const byRule = firstPerField(this.#rules.check(specOnly(object), old === undefined ? undefined : specOnly(old)));
    // A rule's message was written for people, a pattern was not: it speaks where both do.
    return [...bySchema.filter(({ field }) => !byRule.some((rule) => rule.field === field)), ...byRule];
  }
}

function specOnly(object: object): object {
  return 'spec' in object ? { spec: object.spec } : {};
}

function firstPerField(problems: readonly FieldProblem[]): readonly FieldProblem[] {
  return [...new Map([...problems].reverse().map((problem) => [problem.field, problem])).values()].reverse();
}
