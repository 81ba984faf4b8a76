/** Who may import whom. The table in ARCHITECTURE.md is the same rule in words; a test holds the two together. */
const MAY_IMPORT = {
  kit: [],
  api: [],
  core: ['kit', 'api'],
  config: ['kit', 'core'],
  runtime: ['kit', 'api', 'core'],
  relations: ['kit', 'api', 'core', 'runtime'],
  k8s: ['kit', 'api', 'core', 'runtime', 'net'],
  folder: ['kit', 'api', 'core', 'runtime'],
  controller: ['kit', 'api', 'core', 'runtime', 'relations'],
  routing: ['kit', 'api', 'core', 'runtime', 'relations'],
  net: ['kit', 'core'],
  graph: ['kit', 'core'],
  webhook: ['kit', 'core'],
  delivery: ['kit', 'core', 'net'],
  'pages-api': ['kit', 'core', 'net'],
  client: [],
  simulator: ['kit', 'core'],
  observability: ['kit', 'api', 'core'],
  release: ['kit', 'api', 'core', 'runtime', 'relations', 'k8s', 'controller', 'graph'],
  get: ['kit', 'api', 'core', 'runtime', 'k8s', 'folder'],
  cli: ['kit', 'api', 'core', 'config', 'release', 'get', 'app'],
};

/**
 * What counts sees what it counts: `observability` also imports types from every folder, and from each folder's `observer.ts`
 * the label values that are declared there. In the table of ARCHITECTURE.md these two stand behind the folders.
 */
const MAY_ALSO_IMPORT = { observability: ['types of every folder', 'observer.ts of every folder'] };
const OBSERVERS = '^src/[^/]+/observer\\.ts$';

/** package -> the only files that may import it */
const ONLY_IN = {
  '@kubernetes/client-node': '^src/k8s/kube-client\\.ts$',
  axios: '^src/graph/transport\\.ts$',
  undici: '^src/net/',
  express: '^src/(pages-api/server|app/admin-server)\\.ts$',
  'prom-client': '^src/observability/',
  '@opentelemetry/api': '^src/observability/',
  winston: '^src/observability/logger\\.ts$',
  ajv: '^src/folder/',
  '@marcbachmann/cel-js': '^src/folder/cel-rules\\.ts$',
  zod: '^src/config/value-types\\.ts$',
};

const layers = Object.entries(MAY_IMPORT).map(([folder, others]) => ({
  name: `${folder}-imports`,
  severity: 'error',
  comment: `src/${folder} may import only: ${[folder, ...others].join(', ')}`,
  from: { path: `^src/${folder}/` },
  to: {
    path: '^src/',
    pathNot: [`^src/(${[folder, ...others].join('|')})/`, ...(folder in MAY_ALSO_IMPORT ? [OBSERVERS] : [])],
    ...(folder in MAY_ALSO_IMPORT ? { dependencyTypesNot: ['type-only'] } : {}),
  },
}));

const packages = Object.entries(ONLY_IN).map(([name, files]) => ({
  name: `only-one-door-to-${name.replace(/\W+/g, '-')}`,
  severity: 'error',
  from: { path: '^src/', pathNot: files },
  to: { path: `node_modules/${name}/`, dependencyTypesNot: ['type-only'] },
}));

module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      comment: 'not by types alone either',
      from: { path: '^(src|scripts)/' },
      to: { circular: true },
    },
    {
      name: 'no-circular-test',
      severity: 'error',
      from: { path: '^test/' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    { name: 'main-imports-cli-only', severity: 'error', from: { path: '^src/main\\.ts$' }, to: { path: '^src/', pathNot: '^src/cli/' } },
    { name: 'src-never-imports-test', severity: 'error', from: { path: '^src/' }, to: { path: '^test/' } },
    { name: 'core-imports-no-package', severity: 'error', from: { path: '^src/(core|api|client)/' }, to: { path: 'node_modules/' } },
    {
      name: 'kinds-are-independent',
      severity: 'error',
      comment: 'one controller never reaches into another one',
      from: { path: '^src/controller/([^/]+)/' },
      to: { path: '^src/controller/[^/]+/', pathNot: '^src/controller/$1/' },
    },
    {
      name: 'bot-knows-no-post',
      severity: 'error',
      comment: 'the half of delivery that every mode uses knows none of the modes',
      from: { path: '^src/delivery/bot/' },
      to: { path: '^src/delivery/[^/]+/', pathNot: '^src/delivery/bot/' },
    },
    ...layers,
    ...packages,
  ],
  options: { tsConfig: { fileName: 'tsconfig.json' }, tsPreCompilationDeps: true, doNotFollow: { path: 'node_modules' } },
};

// For the test that holds ARCHITECTURE.md to it; not enumerable, since dependency-cruiser refuses keys that it does not know.
Object.defineProperty(module.exports, 'MAY_IMPORT', { value: MAY_IMPORT });
Object.defineProperty(module.exports, 'MAY_ALSO_IMPORT', { value: MAY_ALSO_IMPORT });
