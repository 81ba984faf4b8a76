import { parse } from '@marcbachmann/cel-js';
import { describe, expect, it } from '@jest/globals';
import { CelRules } from '../../../src/folder/cel-rules.js';
import type { Schema } from '../../../src/folder/crd.js';
import { APP_CRD, PAGE_CRD } from './fixtures.js';

const COMMON = new Set(['has', 'size', 'all', 'exists', 'startsWith', 'matches', 'duration']);

function rulesOf(schema: Schema): readonly string[] {
  const below = [...Object.values(schema.properties ?? {}), schema.items, schema.additionalProperties].filter(
    (part) => typeof part === 'object',
  );
  return [...(schema['x-kubernetes-validations'] ?? []).map(({ rule }) => rule), ...below.flatMap(rulesOf)];
}

describe('CelRules', () => {
  it.each([...rulesOf(APP_CRD.schema), ...rulesOf(PAGE_CRD.schema)])('knows every function of the rule %s', (rule) => {
    const withoutStrings = rule.replace(/'[^']*'|"[^"]*"/g, "''");
    const called = [...withoutStrings.matchAll(/([A-Za-z_]\w*)\(/g)].map(([, name]) => name ?? '');
    expect(called.filter((name) => !COMMON.has(name))).toEqual([]);
    expect(withoutStrings).not.toContain('?.');
    expect(() => parse(rule)).not.toThrow();
  });

  it('leaves a transition rule out where there was nothing before', () => {
    const schema: Schema = {
      type: 'object',
      properties: { id: { type: 'string', 'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'fixed' }] } },
    };
    const rules = new CelRules(schema);

    expect(rules.check({ id: 'a' }, undefined)).toEqual([]);
    expect(rules.check({ id: 'a' }, {})).toEqual([]);
    expect(rules.check({ id: 'b' }, { id: 'a' })).toEqual([{ field: 'id', message: 'fixed' }]);
  });

  it('counts in whole numbers where the value is one', () => {
    const schema: Schema = {
      type: 'object',
      properties: { n: { type: 'integer', 'x-kubernetes-validations': [{ rule: 'self % 2 == 0', message: 'odd' }] } },
    };

    expect(new CelRules(schema).check({ n: 4 }, undefined)).toEqual([]);
    expect(new CelRules(schema).check({ n: 5 }, undefined)).toEqual([{ field: 'n', message: 'odd' }]);
  });

  it('lets a messageExpression and a fieldPath speak', () => {
    const rule = { rule: 'self.a == self.b', messageExpression: '"a is " + self.a', fieldPath: '.b' };
    const schema: Schema = {
      type: 'object',
      'x-kubernetes-validations': [rule],
      properties: { a: { type: 'string' }, b: { type: 'string' } },
    };

    expect(new CelRules(schema).check({ a: 'x', b: 'y' }, undefined)).toEqual([{ field: '.b', message: 'a is x' }]);
  });

  it('takes a rule that cannot be evaluated as broken, never as kept', () => {
    const schema: Schema = { type: 'object', 'x-kubernetes-validations': [{ rule: 'self.missing > 3' }] };

    expect(new CelRules(schema).check({}, undefined)).toEqual([{ field: '', message: 'cannot be checked by the rule self.missing > 3' }]);
  });
});
