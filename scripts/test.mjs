// Runs every suite, fast ones first so that their result is seen early, each with a hard limit. Goes on after a failing
// suite, and ends with one plain line: `N passed, N failed`. `npm test -- unit contract` runs only those.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const out = mkdtempSync(join(tmpdir(), 'messenger-operator-test-'));

/** needs: what to prepare first. limitMin: the suite is killed and counted as failed after it. */
const SUITES = [
  { name: 'unit', paths: ['test/unit'], limitMin: 5, needs: [] },
  { name: 'graph', paths: ['test/graph', 'test/clients'], limitMin: 6, needs: ['clients', 'bottender'] },
  { name: 'simulation', paths: ['test/simulation'], limitMin: 6, needs: [] },
  { name: 'contract', paths: ['test/contract'], limitMin: 6, needs: ['controlplane'], serial: true },
  { name: 'integration', paths: ['test/integration'], limitMin: 20, needs: ['controlplane'], serial: true },
  { name: 'events', paths: ['test/events'], limitMin: 8, needs: ['build', 'client', 'bottender'], serial: true },
  { name: 'e2e', paths: ['test/e2e'], limitMin: 12, needs: ['controlplane', 'build', 'client', 'bottender'], serial: true },
];

const asked = process.argv.slice(2);
const suites = SUITES.filter(({ name }) => asked.length === 0 || asked.includes(name));
const done = new Set();
const totals = { passed: 0, failed: 0, skipped: 0 };

for (const suite of suites) {
  if (!existsSync(join(root, suite.paths[0]))) continue;
  const started = Date.now();
  const problem = suite.needs.map(prepare).find((text) => text !== undefined);
  const result = problem === undefined ? await runJest(suite) : { passed: 0, failed: 1, skipped: 0, note: problem };
  for (const key of Object.keys(totals)) totals[key] += result[key];
  const seconds = Math.round((Date.now() - started) / 1000);
  console.log(
    `suite ${suite.name}: ${result.passed} passed, ${result.failed} failed in ${seconds} s (limit ${suite.limitMin} min)${result.note ? ` — ${result.note}` : ''}\n`,
  );
}
rmSync(out, { recursive: true, force: true });
console.log(`${totals.passed} passed, ${totals.failed} failed${totals.skipped > 0 ? `, ${totals.skipped} skipped` : ''}`);
process.exitCode = totals.failed > 0 || totals.passed === 0 ? 1 : 0;

function prepare(need) {
  if (done.has(need)) return undefined;
  done.add(need);
  const commands = {
    controlplane: ['node', ['test/controlplane/build.mjs']],
    build: ['npm', ['run', '-s', 'build']],
    client: ['npm', ['run', '-s', 'build:client']],
    bottender: ['node', ['scripts/install-bottender.mjs']],
    clients: ['node', ['scripts/install-clients.mjs']],
  };
  const [command, args] = commands[need];
  const { status, stdout } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' });
  return status === 0 ? undefined : `could not prepare ${need}: ${stdout}`;
}

function runJest(suite) {
  const file = join(out, `${suite.name}.json`);
  const args = [
    '--experimental-vm-modules',
    '--no-warnings',
    'node_modules/jest/bin/jest.js',
    '--json',
    `--outputFile=${file}`,
    '--silent=false',
  ];
  args.push(suite.serial ? '--runInBand' : '--maxWorkers=2', ...suite.paths);
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'], detached: true });
    const timer = setTimeout(() => process.kill(-child.pid, 'SIGKILL'), suite.limitMin * 60_000);
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      resolve(counts(file, code, signal, suite));
    });
  });
}

function counts(file, code, signal, { limitMin }) {
  if (signal !== null) return { passed: 0, failed: 1, skipped: 0, note: `stopped after ${limitMin} min` };
  if (!existsSync(file)) return { passed: 0, failed: 1, skipped: 0, note: `jest ended with ${code} and no result` };
  const json = JSON.parse(readFileSync(file, 'utf8'));
  const failed = json.numFailedTests + json.numRuntimeErrorTestSuites;
  return { passed: json.numPassedTests, failed: failed === 0 && code !== 0 ? 1 : failed, skipped: json.numPendingTests };
}
