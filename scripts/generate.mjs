// Writes every generated file: `npm run generate`. With --check (`npm run verify:generated`) it writes nothing and fails
// when something would change, naming it. --root DIR works on another copy of the project, --without-helm leaves out what
// needs helm.
//
//   crds/*.yaml → src/api/v1alpha1/types.gen.ts, charts/messenger-operator/templates/crds/
//   the chart   → deploy/install.yaml (needs helm; without helm and Go to build it, this step is skipped)
//   its roles   → the tables of docs/security.md
//   src         → docs/reference/{config,metrics,graph-errors}.md
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parse } from 'yaml';
import { crdTemplate, installManifest } from './generate-chart.mjs';
import { withRoleTables } from './generate-rbac-docs.mjs';
import { typesOf } from './generate-types.mjs';

const { values: options } = parseArgs({
  options: { check: { type: 'boolean' }, root: { type: 'string' }, 'without-helm': { type: 'boolean' } },
});
const { check = false } = options;
const ROOT = options.root ?? fileURLToPath(new URL('..', import.meta.url));
const CHART_CRDS = 'charts/messenger-operator/templates/crds';
const INSTALL = 'deploy/install.yaml';
/** Functions of src that write a page of documentation. */
const REFERENCES = [
  { source: 'src/config/reference.ts', name: 'configReference', page: 'docs/reference/config.md' },
  { source: 'src/observability/metrics-reference.ts', name: 'metricsReference', page: 'docs/reference/metrics.md' },
  { source: 'src/graph/errors/markdown.ts', name: 'catalogueMarkdown', page: 'docs/reference/graph-errors.md' },
];
const changed = [];

await generate();
if (changed.length > 0) {
  console.log(`${check ? 'not as generated' : 'generated'}: ${changed.join(', ')}`);
  if (check) {
    console.log('run `npm run generate` and commit the result; generated files are never edited');
    process.exitCode = 1;
  }
}

async function generate() {
  const files = readdirSync(join(ROOT, 'crds'))
    .filter((name) => name.endsWith('.yaml'))
    .sort();
  const texts = files.map((name) => readFileSync(join(ROOT, 'crds', name), 'utf8'));
  const types = 'src/api/v1alpha1/types.gen.ts';
  put(
    types,
    await typesOf(
      texts.map((text) => parse(text)),
      join(ROOT, types),
    ),
  );
  files.forEach((name, index) => put(`${CHART_CRDS}/${name}`, crdTemplate(texts[index])));
  removeOthers(CHART_CRDS, files);
  await references();
  const install = installText();
  const security = 'docs/security.md';
  put(security, await withRoleTables(readFileSync(join(ROOT, security), 'utf8'), install, join(ROOT, security)));
}

/** What is written to deploy/install.yaml; what is there where helm is not to be had. */
function installText() {
  const helm = options['without-helm'] === true ? undefined : findHelm();
  if (helm === undefined) {
    console.log(`skipped ${INSTALL}: ${options['without-helm'] === true ? 'without helm' : 'no helm here, and no Go to build one'}`);
    return readFileSync(join(ROOT, INSTALL), 'utf8');
  }
  const text = installManifest(helm, ROOT);
  put(INSTALL, text);
  return text;
}

async function references() {
  await import('./ts-hooks.mjs');
  for (const { source, name, page } of REFERENCES) {
    // A copy of the project that has not all of src keeps its pages.
    if (!existsSync(join(ROOT, source))) continue;
    const module = await import(join(ROOT, source));
    put(page, await module[name]());
  }
}

function put(path, text) {
  const file = join(ROOT, path);
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return;
  changed.push(path);
  if (check) return;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

function removeOthers(folder, wanted) {
  for (const name of existsSync(join(ROOT, folder)) ? readdirSync(join(ROOT, folder)) : []) {
    if (wanted.includes(name)) continue;
    changed.push(`${folder}/${name} (surplus)`);
    if (!check) rmSync(join(ROOT, folder, name));
  }
}

/** helm of the machine, or the one that test/controlplane builds from its Go module; undefined without either and without Go. */
function findHelm() {
  const build = (args) => spawnSync(process.execPath, [join(ROOT, 'test/controlplane/build.mjs'), ...args], { encoding: 'utf8' });
  const where = () => JSON.parse(build(['--where']).stdout || '{}').helm ?? undefined;
  const found = where();
  if (found !== undefined || spawnSync('go', ['version']).status !== 0) return found;
  console.log('building helm from its Go module, once: this takes some minutes');
  const { status, stderr } = build(['--only', 'helm']);
  if (status !== 0) throw new Error(`helm cannot be built: ${stderr}`);
  return where();
}
