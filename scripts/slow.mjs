// Runs the long versions of what the suites show in short, one after the other, and prints each one's table.
// `npm run slow -- fuzz rolling` runs only those; a number scales counts and times: `npm run slow -- kills 0.1`.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
/** limitMin: the whole process group is killed and counted as failed after it. */
const ALL = [
  { name: 'simulation', limitMin: 60 },
  { name: 'faults', limitMin: 75 },
  { name: 'fuzz', limitMin: 40 },
  { name: 'kills', limitMin: 30 },
  { name: 'rolling', limitMin: 10 },
  { name: 'neighbours', limitMin: 10 },
  { name: 'strangers', limitMin: 20 },
  { name: 'graph', limitMin: 60 },
  { name: 'takeover', limitMin: 20 },
  { name: 'rest', limitMin: 20 },
  { name: 'secrets', limitMin: 30 },
];

const args = process.argv.slice(2);
const scale = args.find((arg) => Number(arg) > 0) ?? '1';
const names = args.filter((arg) => !(Number(arg) > 0));
const unknown = names.filter((name) => !ALL.some((one) => one.name === name));
if (unknown.length > 0) {
  console.error(`there is no slow test ${unknown.join(', ')}; there are ${ALL.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}

let failed = 0;
for (const one of ALL.filter(({ name }) => names.length === 0 || names.includes(name))) {
  if (!existsSync(`${root}/test/slow/${one.name}.ts`)) continue;
  const started = performance.now();
  const { rows, code } = await run(one);
  console.log(`\n${one.name}${scale === '1' ? '' : ` × ${scale}`} (${Math.round((performance.now() - started) / 1_000)} s)`);
  const width = Math.max(0, ...rows.map(({ what }) => what.length));
  for (const { what, value, target, ok } of rows) {
    const judged = target === undefined ? '' : `   [target ${target}: ${ok ? 'met' : 'MISSED'}]`;
    console.log(`  ${what.padEnd(width)}  ${value}${judged}`);
  }
  if (code !== 0) {
    failed++;
    console.log(`  ${one.name} FAILED${rows.length === 0 ? ` with ${code}` : ''}`);
  }
}
console.log(failed === 0 ? '\nall targets met' : `\n${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

function run({ name, limitMin }) {
  const hooks = new URL('ts-hooks.mjs', import.meta.url).href;
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--import', hooks, `${root}/test/slow/${name}.ts`, scale],
    {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    },
  );
  const timer = setTimeout(() => process.kill(-child.pid, 'SIGKILL'), limitMin * 60_000);
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => (text += chunk));
  return new Promise((resolve) => {
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const lines = text.split('\n').filter((line) => line.startsWith('{'));
      resolve({ rows: lines.map((line) => JSON.parse(line)), code: signal ?? code });
    });
  });
}
