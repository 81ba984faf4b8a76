// Starts the hops that are compared, each alone on core 0, and tells what they cost.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const peers = join(root, 'test/bench/peers');
const works = (command, args) => spawnSync(command, args, { stdio: 'ignore' }).status === 0;
const hasTaskset = works('taskset', ['-c', '0', 'true']);

/** The sender and the bot share the other core. */
export function moveToCore(core) {
  if (hasTaskset) execFileSync('taskset', ['-a', '-p', '-c', String(core), String(process.pid)], { stdio: 'ignore' });
  return hasTaskset;
}

/** A folder for what is built, gone when `remove` is called. */
export function workshop() {
  const folder = mkdtempSync(join(tmpdir(), 'messenger-bench-'));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Compiles src. Types that do not fit elsewhere do not keep the code from being emitted. */
export function buildOperator(folder) {
  const dist = join(folder, 'dist');
  spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json', '--noCheck', '--outDir', dist], {
    cwd: root,
    stdio: 'ignore',
  });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  return dist;
}

/** The Go proxy's binary; undefined where there is no Go. */
export function buildGoProxy(folder) {
  const binary = join(folder, 'go-proxy');
  const built = spawnSync('go', ['build', '-o', binary, '.'], { cwd: join(peers, 'go-proxy'), stdio: ['ignore', 'ignore', 'inherit'] });
  return built.status === 0 ? binary : undefined;
}

/** Whether the example bot's Bottender is there, or could be installed. */
export function installBottender() {
  return works(process.execPath, [join(root, 'scripts/install-bottender.mjs')]);
}

async function start(command, args, { env = {}, cwd = root } = {}) {
  const [program, ...rest] = hasTaskset ? ['taskset', '-c', '0', command, ...args] : [command, ...args];
  const child = spawn(program, rest, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
  const port = await new Promise((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      if (line.startsWith('port ')) resolve(Number(line.slice(5)));
    });
    child.once('exit', (code) => reject(new Error(`${command} ${args[0] ?? ''} ended with ${code}`)));
  });
  const stop = () =>
    new Promise((resolve) => {
      child.once('exit', resolve);
      child.kill();
    });
  return { port, usage: () => usageOf(child.pid), stop };
}

/** `profile`: a folder where Node writes a CPU profile of it. */
export const startNode = (peer, options, profile) =>
  start(process.execPath, [
    ...(profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`, '--cpu-prof-interval=200']),
    join(peers, peer),
    JSON.stringify(options),
  ]);

export const startGo = (binary, options) => start(binary, [JSON.stringify(options)], { env: { GOMAXPROCS: '1' } });

export const startBottender = (options) =>
  start(process.execPath, [join(peers, 'bottender/server.js'), JSON.stringify(options)], {
    cwd: join(peers, 'bottender'),
    env: { NODE_ENV: 'production' },
  });

/** CPU seconds so far of all its threads, and resident bytes, of any process alike, as the kernel counts them. */
function usageOf(pid) {
  const tasks = readdirSync(`/proc/${pid}/task`);
  const nanoseconds = tasks.map((task) => Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'latin1').split(' ')[0]));
  const pages = Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]);
  return { cpuSeconds: nanoseconds.reduce((all, one) => all + one, 0) / 1e9, rss: pages * pageBytes };
}

const pageBytes = Number(spawnSync('getconf', ['PAGESIZE'], { encoding: 'utf8' }).stdout || 4096);
