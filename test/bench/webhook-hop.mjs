// Measures the webhook hop beside raw node:http + undici: interleaved rounds, the hop alone on one core, medians and ratios.
// On a machine that does other work too, compare the CPU time a POST: the rate then says little.
//
//   node test/bench/webhook-hop.mjs [seconds a round = 3] [rounds = 5]
//
// Builds src into a temporary folder first. Needs two cores; `taskset` is used where it is there.
import { execFileSync, fork } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { load, startBot } from './wire.mjs';

const SECRET = 'bench-app-secret';
const CONNECTIONS = 32;
const root = fileURLToPath(new URL('../..', import.meta.url));
const [seconds = 3, rounds = 5] = process.argv.slice(2).map(Number);

const pageId = (i) => String(100_000_000_000_000 + i);
const stamp = Date.now();
let run = 0;
const entry = (page, n) =>
  `{"id":"${page}","time":${stamp},"messaging":[{"sender":{"id":"${7_000_000_000_000_000n + BigInt(n)}"},"recipient":{"id":"${page}"},"timestamp":${stamp},` +
  `"message":{"mid":"m_${run}_${n}_${'Ab3-'.repeat(20)}","text":"Gr\\u00fc\\u00dfe aus K\\u00f6ln, wann habt ihr heute offen? https:\\/\\/example.com\\/a"}}]}`;
const SHAPES = {
  'one message': (pages) => (n) => `{"object":"page","entry":[${entry(pageId(n % pages), n)}]}`,
  '50 entries of 50 pages': (pages) => (n) =>
    `{"object":"page","entry":[${Array.from({ length: 50 }, (_, i) => entry(pageId((n * 50 + i) % pages), n * 50 + i)).join(',')}]}`,
};

function buildOnce() {
  const dist = mkdtempSync(join(tmpdir(), 'messenger-bench-'));
  try {
    execFileSync('npx', ['tsc', '-p', 'tsconfig.build.json', '--outDir', dist], { cwd: root, stdio: 'ignore' });
  } catch {
    // Types that do not fit elsewhere do not keep the code from being emitted.
  }
  symlinkSync(join(root, 'node_modules'), join(dist, 'node_modules'));
  return dist;
}

const hasTaskset = (() => {
  try {
    execFileSync('taskset', ['-p', String(process.pid)], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

async function start(peer, options) {
  const child = fork(join(root, 'test/bench/peers', peer), [JSON.stringify(options)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  child.on('exit', (code) => {
    if (code !== null && code !== 0) throw new Error(`${peer} ended with ${code}`);
  });
  const ask = (message) =>
    new Promise((resolve) => {
      child.once('message', resolve);
      if (message !== undefined) child.send(message);
    });
  const { port } = await ask();
  if (hasTaskset) execFileSync('taskset', ['-a', '-p', '-c', '0', String(child.pid)], { stdio: 'ignore' });
  return { port, usage: () => ask('usage'), stop: () => child.kill() };
}

async function measure(hop, bot, bodyOf) {
  run++;
  await load({ port: hop.port, secret: SECRET, connections: CONNECTIONS, endsAt: performance.now() + 500, bodyOf });
  run++;
  const before = await hop.usage();
  const requestsBefore = bot.requests;
  const startMs = performance.now();
  const statuses = await load({ port: hop.port, secret: SECRET, connections: CONNECTIONS, endsAt: startMs + seconds * 1_000, bodyOf });
  const tookS = (performance.now() - startMs) / 1_000;
  const after = await hop.usage();
  const posts = Object.values(statuses).reduce((sum, n) => sum + n, 0);
  const cpuUs = after.cpu.user - before.cpu.user + after.cpu.system - before.cpu.system;
  const failed = posts - (statuses['200'] ?? 0);
  return {
    perSecond: posts / tookS,
    cpuUs: cpuUs / posts,
    busy: cpuUs / 1e6 / tookS,
    toBots: bot.requests - requestsBefore,
    failed,
    rss: after.rss,
  };
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;

const dist = buildOnce();
if (hasTaskset) execFileSync('taskset', ['-a', '-p', '-c', '1', String(process.pid)], { stdio: 'ignore' });
const bot = await startBot();
const base = { secret: SECRET, botPort: bot.port, dist };
const hops = {
  'raw node + undici': await start('raw-node.mjs', base),
  'operator, 10 pages': await start('operator.mjs', { ...base, pages: 10 }),
  'operator, 10000 pages': await start('operator.mjs', { ...base, pages: 10_000 }),
};
const pagesOf = (name) => (name.includes('10000') ? 10_000 : 10);

try {
  for (const [shape, make] of Object.entries(SHAPES)) {
    const results = {};
    for (let round = 0; round < rounds; round++) {
      for (const [name, hop] of Object.entries(hops)) (results[name] ??= []).push(await measure(hop, bot, make(pagesOf(name))));
    }
    console.log(`\n${shape}, ${rounds} rounds of ${seconds} s, ${CONNECTIONS} connections`);
    const raw = results['raw node + undici'];
    for (const [name, of] of Object.entries(results)) {
      const rate = median(of.map(({ perSecond }) => perSecond));
      const cpu = median(of.map(({ cpuUs }) => cpuUs));
      const ratio = rate / median(raw.map(({ perSecond }) => perSecond));
      const failed = of.reduce((sum, one) => sum + one.failed, 0);
      const busy = median(of.map((one) => one.busy));
      const bots = median(of.map((one) => one.toBots / seconds));
      console.log(
        `  ${name.padEnd(24)} ${rate.toFixed(0).padStart(6)} POST/s  ×${ratio.toFixed(2)}  ${cpu.toFixed(0).padStart(5)} µs CPU a POST  ` +
          `${bots.toFixed(0).padStart(6)} requests/s at the bot  busy ${busy.toFixed(2)}  not 200: ${failed}  ${(of.at(-1).rss / 1e6).toFixed(0)} MB`,
      );
    }
  }
} finally {
  for (const hop of Object.values(hops)) hop.stop();
  bot.close();
  rmSync(dist, { recursive: true, force: true });
}
process.exit(0);
