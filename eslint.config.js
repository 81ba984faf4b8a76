import tseslint from 'typescript-eslint';
import { commentWidth } from './scripts/lint/comment-width.mjs';
import { importBlock } from './scripts/lint/import-block.mjs';
import { WORDING } from './scripts/lint/wording.mjs';

const AMBIENT = [
  { selector: "MemberExpression[object.name='process'][property.name='env']", message: 'Read the environment in src/config only.' },
  { selector: "CallExpression[callee.object.name='process'][callee.property.name='exit']", message: 'Only src/main.ts ends the process.' },
  { selector: "CallExpression[callee.object.name='Date'][callee.property.name='now']", message: 'Take a Clock.' },
  { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'Take a Clock.' },
];

/** Comments wrap at 100 columns. */
const COMMENTS_WRAPPED = ['src/**/*.ts', 'test/**/*.ts'];

export default tseslint.config(
  { ignores: ['dist/**', '**/*.gen.ts', 'examples/**', 'test/clients/**'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['src/**/*.ts', 'test/**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { house: { rules: { 'comment-width': commentWidth, 'import-block': importBlock } } },
    rules: {
      // One import a module: `import type` where it brings types alone (erased), else `type` inline.
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-import-type-side-effects': 'error',
      'no-duplicate-imports': 'error',
      'house/import-block': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/prefer-readonly': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true, named: true, defaultFrom: true } }],
      'no-console': 'error',
      'max-lines': ['error', { max: 350, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
      complexity: ['error', 10],
      'max-depth': ['error', 3],
      'max-params': ['error', 4],
      eqeqeq: 'error',
    },
  },
  { files: COMMENTS_WRAPPED, rules: { 'house/comment-width': 'error' } },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/config/**', 'src/main.ts', 'src/kit/clock.ts'],
    rules: { 'no-restricted-syntax': ['error', ...AMBIENT, ...WORDING] },
  },
  { files: ['test/**/*.ts'], rules: { 'max-lines-per-function': 'off', '@typescript-eslint/require-await': 'off' } },
);
