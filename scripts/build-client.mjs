// Builds the package messenger-operator-client out of src/client into dist-client: ESM and CommonJS with types for each,
// for Node 18 and newer, without dependencies. The version is the operator's.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OUT = join(ROOT, 'dist-client');
const { version, license } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

const MANIFEST = {
  name: 'messenger-operator-client',
  version,
  description: "The Pages and tokens of messenger-operator for a bot: Bottender's mapPageToAccessToken and the bot configs",
  license,
  type: 'module',
  engines: { node: '>=18' },
  main: './cjs/index.js',
  types: './cjs/index.d.ts',
  exports: {
    '.': {
      import: { types: './esm/index.d.ts', default: './esm/index.js' },
      require: { types: './cjs/index.d.ts', default: './cjs/index.js' },
    },
    './package.json': './package.json',
  },
  files: ['esm', 'cjs', 'README.md', 'LICENSE'],
};

compile('esm', ['--module', 'nodenext', '--moduleResolution', 'nodenext']);
compile('cjs', ['--module', 'commonjs', '--moduleResolution', 'bundler', '--verbatimModuleSyntax', 'false']);
writeJson(join(OUT, 'cjs', 'package.json'), { type: 'commonjs' });
writeJson(join(OUT, 'package.json'), MANIFEST);
copyFileSync(join(ROOT, 'src', 'client', 'README.md'), join(OUT, 'README.md'));
copyFileSync(join(ROOT, 'LICENSE'), join(OUT, 'LICENSE'));

function compile(folder, options) {
  rmSync(join(OUT, folder), { recursive: true, force: true });
  mkdirSync(OUT, { recursive: true });
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const common = [
    '--target',
    'es2022',
    '--lib',
    'es2023',
    '--types',
    'node',
    '--strict',
    '--declaration',
    '--skipLibCheck',
    '--ignoreConfig',
  ];
  const args = [tsc, ...common, ...options, '--rootDir', 'src/client', '--outDir', join('dist-client', folder), 'src/client/index.ts'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });
  if (status !== 0) {
    console.error(`the client does not compile as ${folder}:\n${stdout}${stderr}`);
    process.exit(1);
  }
}

function writeJson(path, value) {
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);
}
