import { Linter, type Rule } from 'eslint';
import { describe, expect, it } from '@jest/globals';

const { importBlock } = (await import(new URL('../../../scripts/lint/import-block.mjs', import.meta.url).href)) as {
  importBlock: Rule.RuleModule;
};

const CONFIG: Linter.Config = {
  plugins: { house: { rules: { 'import-block': importBlock } } },
  rules: { 'house/import-block': 'error' },
};

const ORDERED =
  "import { join } from 'node:path';\nimport yaml from 'yaml';\nimport { c } from '../../c.js';\nimport { a } from '../a.js';\nimport b from './b.js';\n";

describe('the import block', () => {
  it.each([
    ['the block itself', ORDERED],
    ['any order inside a rank', "import z from '../z.js';\nimport a from '../a.js';\n"],
    ['a comment above an import', "import a from '../a.js';\n// Why.\nimport b from './b.js';\n"],
    ['blank lines after it', "import a from '../a.js';\n\n\nconst x = a;\n"],
  ])('accepts %s', (_, text) => {
    expect(new Linter().verify(text, CONFIG)).toEqual([]);
  });

  it.each([
    ['blank lines', ORDERED.replace("'yaml';\n", "'yaml';\n\n"), 'No blank line'],
    ['the same folder before another one', ORDERED.replace(/^(.*)(import b[^\n]*\n)$/s, '$2$1'), 'in this order'],
    ['a package after a file', ORDERED.replace(/(import yaml[^\n]*\n)(.*)$/s, '$2$1'), 'in this order'],
    ['a near folder before a far one', ORDERED.replace(/(import \{ c \}.*\n)(import \{ a \}.*\n)/, '$2$1'), 'in this order'],
  ])('mends %s', (_, text, message) => {
    expect(new Linter().verify(text, CONFIG)).toMatchObject([{ message: expect.stringContaining(message) as unknown }]);
    expect(new Linter().verifyAndFix(text, CONFIG).output).toBe(ORDERED);
  });

  it('leaves the order to a person where comments stand between the imports', () => {
    const text = "import b from './b.js';\n// Why.\nimport a from '../a.js';\n";
    const { output, messages } = new Linter().verifyAndFix(text, CONFIG);
    expect([output, messages.length]).toEqual([text, 1]);
  });
});
