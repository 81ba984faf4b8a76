import { Environment } from '@marcbachmann/cel-js';
import { describe, expect, it } from '@jest/globals';
import { allFields, type FieldNode } from './crd-files.js';

/** What both the API server and standalone's evaluator know. */
const FUNCTIONS = new Set(['has', 'size', 'all', 'exists', 'startsWith', 'matches', 'duration']);

interface Rule extends FieldNode {
  readonly rule: string;
  readonly message: string;
}

const rules: readonly Rule[] = allFields().flatMap((field) =>
  (field.node['x-kubernetes-validations'] ?? []).map(({ rule, message = '' }) => ({ ...field, rule, message })),
);

/**
 * What a rule calls beyond the allowed functions, and syntax that only one of the two evaluators
 * has.
 */
function foreignPartsOf(rule: string): readonly string[] {
  const bare = rule.replaceAll(/'[^']*'|"[^"]*"/g, "''");
  const calls = [...bare.matchAll(/([A-Za-z_]\w*)\s*\(/g)]
    .map(([, name = '']) => name)
    .filter((name) => !FUNCTIONS.has(name) && name !== 'in');
  return [...calls, ...(/\?\.|\[\?/.exec(bare) ?? []), ...(bare.match(/__\w+__|\.namespace\b/g) ?? [])];
}

describe('the CEL rules of the CustomResourceDefinitions', () => {
  it('are there', () => {
    expect(rules.length).toBeGreaterThan(30);
  });

  it.each(rules)('$path: $rule uses only what standalone evaluates too', ({ rule }) => {
    expect(foreignPartsOf(rule)).toEqual([]);
    expect(() => new Environment({ unlistedVariablesAreDyn: true }).parse(rule)).not.toThrow();
  });

  it.each(rules)('$path: $rule says what is wrong and how to mend it', ({ message }) => {
    expect(message.length).toBeGreaterThan(30);
    expect(message).not.toMatch(/self\b|has\(|\n|[.]$/);
    expect(message).toMatch(/must|needs?|cannot|set |leave|choose|is written/);
  });

  it('match by the same pattern as the schema of their field', () => {
    const different = rules.flatMap(({ path, node, rule }) => {
      const pattern = /^self\.matches\('(.*)'\)$/.exec(rule)?.[1];
      return pattern === undefined || pattern === node.pattern ? [] : [path];
    });

    expect(different).toEqual([]);
  });

  it('would be refused with functions that only the API server knows', () => {
    expect(foreignPartsOf('isURL(self.url)')).toEqual(['isURL']);
    expect(foreignPartsOf('self.?backend.orValue(1)')).toContain('orValue');
    expect(foreignPartsOf('has(self.a) && self.b?.c')).toEqual(['?.']);
    expect(foreignPartsOf("self.items.filter(i, i != 'has(x)')")).toEqual(['filter']);
    expect(foreignPartsOf('self.appRef.namespace == oldSelf.appRef.namespace')).toEqual(['.namespace', '.namespace']);
  });
});
