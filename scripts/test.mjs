// Runs every suite: unit first and alone, so that its result is seen early, then two at a time, each with a hard limit. Goes on
// after a failing suite, and ends with one plain line: `N passed, N failed`. `npm test -- unit contract` runs only those.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const out = mkdtempSync(join(tmpdir(), 'messenger-operator-test-'));

/**
 * needs: what to prepare first. limitMin: the suite is killed and counted as failed after it. In the order in which they
 * begin: the long ones first, so that the two at work end at about the same time.
 */
const SUITES = [
  { name: 'unit', paths: ['test/unit'], limitMin: 5, needs: [], workers: 2 },
  { name: 'integration', paths: ['test/integration'], limitMin: 35, needs: ['controlplane'] },
  { name: 'faults', paths: ['test/faults'], limitMin: 10, needs: ['controlplane'] },
  { name: 'graph', paths: ['test/graph', 'test/clients'], limitMin: 6, needs: ['clients', 'bottender'] },
  { name: 'simulation', paths: ['test/simulation'], limitMin: 12, needs: [] },
  { name: 'events', paths: ['test/events'], limitMin: 8, needs: ['build', 'client', 'bottender'] },
  { name: 'tenants', paths: ['test/tenants'], limitMin: 3, needs: [] },
  { name: 'e2e', paths: ['test/e2e'], limitMin: 12, needs: ['controlplane', 'build', 'client', 'bottender'] },
  { name: 'contract', paths: ['test/contract'], limitMin: 6, needs: ['controlplane'] },
];
const AT_ONCE = 2;

const COMMANDS = {
  controlplane: ['node', ['test/controlplane/build.mjs']],
  build: ['npm', ['run', '-s', 'build']],
  client: ['npm', ['run', '-s', 'build:client']],
  bottender: ['node', ['scripts/install-bottender.mjs']],
  clients: ['node', ['scripts/install-clients.mjs']],
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !SUITES.some((suite) => suite.name === name));
if (unknown.length > 0) {
  console.error(`there is no suite ${unknown.join(', ')}; there are ${SUITES.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}
const waiting = SUITES.filter(({ name, paths }) => (asked.length === 0 || asked.includes(name)) && existsSync(join(root, paths[0])));
/** Where the control planes of the tests leave what was asked of them: see scripts/check-grants.mjs. */
const grants = join(out, 'grants');
/** Why the grants cannot be judged: a suite that did not run may use what the others do not. */
const gaps = SUITES.filter((suite) => usesGrants(suite) && !waiting.includes(suite)).map(({ name }) => `suite ${name} did not run`);
const prepared = new Map();
const totals = { passed: 0, failed: 0, skipped: 0 };
const withGrants = waiting.some(usesGrants);

if (waiting[0]?.name === 'unit') await runSuite(waiting.shift());
await Promise.all(Array.from({ length: AT_ONCE }, runOneAfterTheOther));
if (withGrants) checkGrants();
rmSync(out, { recursive: true, force: true });
console.log(`${totals.passed} passed, ${totals.failed} failed${totals.skipped > 0 ? `, ${totals.skipped} skipped` : ''}`);
process.exitCode = totals.failed > 0 || totals.passed === 0 ? 1 : 0;

async function runOneAfterTheOther() {
  for (let suite = waiting.shift(); suite !== undefined; suite = waiting.shift()) await runSuite(suite);
}

async function runSuite(suite) {
  const started = Date.now();
  const problem = (await Promise.all(suite.needs.map(prepare))).find((text) => text !== undefined);
  const result = problem === undefined ? await runJest(suite) : { passed: 0, failed: 1, skipped: 0, note: problem };
  for (const key of Object.keys(totals)) totals[key] += result[key];
  if (usesGrants(suite) && result.note !== undefined) gaps.push(`suite ${suite.name} did not end by itself`);
  const seconds = Math.round((Date.now() - started) / 1000);
  process.stderr.write(result.text ?? '');
  console.log(
    `suite ${suite.name}: ${result.passed} passed, ${result.failed} failed in ${seconds} s (limit ${suite.limitMin} min)${result.note ? ` — ${result.note}` : ''}\n`,
  );
}

function usesGrants({ needs }) {
  return needs.includes('controlplane');
}

/** Counts as one test more, where it can be judged. */
function checkGrants() {
  const args = ['--disable-warning=ExperimentalWarning', '--import', './scripts/ts-hooks.mjs', 'scripts/check-grants.mjs', grants];
  if (gaps.length > 0) args.push(gaps.join(', '));
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status === 10) totals.passed += 1;
  else if (status !== 0) totals.failed += 1;
  console.log('');
}

/** Once each, however many suites need it. Resolves with what went wrong, undefined: nothing. */
function prepare(need) {
  if (!prepared.has(need)) prepared.set(need, runPreparation(need));
  return prepared.get(need);
}

function runPreparation(need) {
  const [command, args] = COMMANDS[need];
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => (text += chunk));
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(`could not prepare ${need}: ${error.message}`));
    child.on('close', (code) => resolve(code === 0 ? undefined : `could not prepare ${need}: ${text}`));
  });
}

/** What jest tells is kept until its suite has ended, so that two suites do not talk at once. */
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
  args.push(suite.workers === undefined ? '--runInBand' : `--maxWorkers=${suite.workers}`, ...suite.paths);
  return new Promise((resolve) => {
    const env = { ...process.env, TEST_GRANT_USAGE: grants };
    const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'ignore', 'pipe'], detached: true });
    let text = '';
    child.stderr.setEncoding('utf8').on('data', (chunk) => (text += chunk));
    const timer = setTimeout(() => process.kill(-child.pid, 'SIGKILL'), suite.limitMin * 60_000);
    child.on('exit', async (code, signal) => {
      clearTimeout(timer);
      // A process that a test left behind may hold the pipe open.
      await Promise.race([once(child, 'close'), sleep(1_000)]);
      resolve({ ...counts(file, code, signal, suite), text });
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
