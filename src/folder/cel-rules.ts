import { Environment } from '@marcbachmann/cel-js';
import { isRecord } from '../kit/narrow.js';
import type { Rule, Schema } from './crd.js';
import { fieldPath } from './json-schema.js';
import type { FieldProblem } from './schema-problems.js';

interface CompiledRule {
  readonly rule: Rule;
  /** Speaks of the object's former state: left out where there is none. */
  readonly transition: boolean;
  readonly holds: (context: Readonly<Record<string, unknown>>) => unknown;
  readonly message: ((context: Readonly<Record<string, unknown>>) => unknown) | undefined;
}

interface Node {
  readonly rules: readonly CompiledRule[];
  readonly type: string | undefined;
  readonly properties: ReadonlyMap<string, Node>;
  readonly items: Node | undefined;
  readonly values: Node | undefined;
}

/** A value of the object with the one that stood there before. */
interface Pair {
  readonly path: readonly string[];
  readonly self: unknown;
  readonly oldSelf: unknown;
}

/**
 * The `x-kubernetes-validations` of a schema, compiled once, evaluated as the API server does
 * (KEP-2876).
 */
export class CelRules {
  readonly #root: Node;

  /** @throws Error for a rule that does not parse: the CRD is ours, a test evaluates them all. */
  constructor(schema: Schema) {
    const env = new Environment({ unlistedVariablesAreDyn: true, homogeneousAggregateLiterals: false });
    this.#root = compile(schema, (text) => env.parse(text));
  }

  /**
   * The rules that `object` breaks, with their own messages. `old` is the object as it was accepted
   * last.
   */
  check(object: unknown, old: unknown): readonly FieldProblem[] {
    const problems: FieldProblem[] = [];
    walk(this.#root, { path: [], self: celValue(object), oldSelf: celValue(old) }, problems);
    return problems;
  }
}

type Parse = (text: string) => (context: Readonly<Record<string, unknown>>) => unknown;

function compile(schema: Schema, parse: Parse): Node {
  const { items, additionalProperties } = schema;
  return {
    type: schema.type,
    rules: (schema['x-kubernetes-validations'] ?? []).map((rule) => ({
      rule,
      transition: /\boldSelf\b/.test(rule.rule),
      holds: parse(rule.rule),
      message: rule.messageExpression === undefined ? undefined : parse(rule.messageExpression),
    })),
    properties: new Map(Object.entries(schema.properties ?? {}).map(([name, part]) => [name, compile(part, parse)])),
    items: items === undefined ? undefined : compile(items, parse),
    values: typeof additionalProperties === 'object' ? compile(additionalProperties, parse) : undefined,
  };
}

function walk(node: Node, pair: Pair, problems: FieldProblem[]): void {
  if (pair.self === undefined || pair.self === null || !fits(node.type, pair.self)) return;
  for (const rule of node.rules) {
    const message = broken(rule, pair);
    if (message !== undefined) problems.push({ field: fieldPath(pair.path) + (rule.rule.fieldPath ?? ''), message });
  }
  for (const [child, below] of children(node, pair)) walk(child, below, problems);
}

function children(node: Node, { path, self, oldSelf }: Pair): readonly (readonly [Node, Pair])[] {
  if (Array.isArray(self)) {
    const { items } = node;
    // Items of a list have no former self: nothing says which one an item was.
    return items === undefined
      ? []
      : self.map((item: unknown, i) => [items, { path: [...path, String(i)], self: item, oldSelf: undefined }] as const);
  }
  if (!isRecord(self)) return [];
  const before = isRecord(oldSelf) ? oldSelf : {};
  return Object.entries(self).flatMap(([name, value]) => {
    const child = node.properties.get(name) ?? node.values;
    return child === undefined ? [] : [[child, { path: [...path, name], self: value, oldSelf: before[name] }] as const];
  });
}

/** undefined: the rule holds, or does not apply. */
function broken({ rule, transition, holds, message }: CompiledRule, { self, oldSelf }: Pair): string | undefined {
  if (transition && oldSelf === undefined) return undefined;
  const context = transition ? { self, oldSelf } : { self };
  try {
    if (holds(context) === true) return undefined;
    const told = message?.(context);
    return typeof told === 'string' ? told : (rule.message ?? `must fulfil ${rule.rule}`);
  } catch {
    return `cannot be checked by the rule ${rule.rule}`;
  }
}

function fits(type: string | undefined, value: unknown): boolean {
  if (type === undefined) return true;
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return isRecord(value);
  if (type === 'integer') return typeof value === 'bigint';
  return typeof value === type;
}

/** CEL tells whole numbers from floating ones, JSON does not: whole ones become bigint. */
function celValue(value: unknown): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(celValue);
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, celValue(part)]));
}
