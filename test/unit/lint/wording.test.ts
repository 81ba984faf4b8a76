import { Linter } from 'eslint';
import { describe, expect, it } from '@jest/globals';

const { WORDING } = (await import(new URL('../../../scripts/lint/wording.mjs', import.meta.url).href)) as {
  WORDING: readonly { readonly selector: string; readonly message: string }[];
};

const found = (code: string): number =>
  new Linter().verify(code, [{ rules: { 'no-restricted-syntax': ['error', ...WORDING] } }]).filter(({ fatal }) => fatal !== true).length;

describe('no decision by the wording of a message', () => {
  it.each([
    "was.message.startsWith('somebody')",
    "error.message.includes('it expires on')",
    "message.indexOf(' (Graph ')",
    'if (before?.message === after) stop()',
    'if (after !== before.message) stop()',
    'if (this.message === that.told) stop()',
    'const same = was?.message === text.message || other',
    '/Graph/.test(condition.message)',
  ])('finds %s', (code) => {
    expect(found(code)).toBeGreaterThan(0);
  });

  it.each([
    "typeof error.message === 'string'",
    'error.message === undefined',
    "row.message === '' ? 1 : 2",
    'report(error.message.slice(0, 200))',
    "text.startsWith('x')",
    'condition.reason === other.reason',
  ])('lets %s be', (code) => {
    expect(found(code)).toBe(0);
  });
});
