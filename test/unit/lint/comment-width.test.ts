import { describe, expect, it } from '@jest/globals';
import { Linter, type Rule } from 'eslint';

const { commentWidth } = (await import(new URL('../../../scripts/lint/comment-width.mjs', import.meta.url).href)) as {
  commentWidth: Rule.RuleModule;
};

const CONFIG: Linter.Config = {
  plugins: { house: { rules: { 'comment-width': commentWidth } } },
  rules: { 'house/comment-width': 'error' },
};

const words = (count: number): string => Array.from({ length: count }, (_, i) => `word${i % 10}`).join(' ');
const WIDE = words(20);

describe('the width of comments', () => {
  it.each([
    ['a comment of 100 columns', `// ${'x'.repeat(97)}\nf();\n`],
    ['a word that is too long', `// ${'x'.repeat(120)}\nf();\n`],
    ['code with a comment behind it', `f(${'1, '.repeat(40)}1); // why\n`],
    ['a string that looks like one', `const text = \`\n// ${WIDE}\n/** ${WIDE} */\n\`;\n`],
    ['a directive', `// eslint-disable-next-line no-undef -- ${WIDE}\nf();\n`],
    ['a picture', `/**\n *   ${WIDE}\n */\nf();\n`],
  ])('accepts %s', (_, text) => {
    expect(new Linter().verify(text, CONFIG).filter(({ ruleId }) => ruleId === 'house/comment-width')).toEqual([]);
  });

  it.each([
    ['a line comment', `  // ${WIDE}\n  f();\n`, `  // ${words(16)}\n  // word6 word7 word8 word9\n  f();\n`],
    ['a doc comment of one line', `/** ${WIDE} */\nf();\n`, `/**\n * ${words(16)}\n * word6 word7 word8 word9\n */\nf();\n`],
    [
      'only the paragraph that is too wide',
      `/**\n * Short,\n * and short.\n *\n * ${WIDE}\n * @param x ${WIDE}\n */\nf();\n`,
      `/**\n * Short,\n * and short.\n *\n * ${words(16)}\n * word6 word7 word8 word9\n * @param x ${words(14)}\n * word4 word5 word6 word7 word8 word9\n */\nf();\n`,
    ],
    ['an item of a list', `/**\n * - ${WIDE}\n */\nf();\n`, `/**\n * - ${words(16)}\n *   word6 word7 word8 word9\n */\nf();\n`],
  ])('wraps %s', (_, text, wrapped) => {
    expect(new Linter().verifyAndFix(text, CONFIG).output).toBe(wrapped);
    expect(new Linter().verify(wrapped, CONFIG)).toEqual([]);
  });
});
