// `make demo`: the whole loop in one terminal. Exit code 0 only if the checker (check.mjs), which reads nothing but the
// simulator's and the bots' own records, saw every step happen. DEMO_BREAK=route|sign|repair|token|delete breaks one thing
// on purpose; CLUSTER=1 does it on a real API server; KEEP=1 leaves it running to play with.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Checker } from './check.mjs';
import { tellStory } from './story.mjs';
import { startWorld } from './world.mjs';

const BREAKS = ['route', 'sign', 'repair', 'token', 'delete'];
const broken = process.env.DEMO_BREAK ?? '';
if (broken !== '' && !BREAKS.includes(broken)) {
  console.error(`DEMO_BREAK must be one of ${BREAKS.join(', ')}, not "${broken}"`);
  process.exit(2);
}

const started = performance.now();
const folder = mkdtempSync(join(tmpdir(), 'messenger-operator-demo-'));
const say = (text = '') => console.log(text);
const step = (number, title) => say(`\n[${((performance.now() - started) / 1000).toFixed(1).padStart(4)} s] ${number}. ${title}`);

let world;
let ok = false;
const stop = async () => {
  await world?.stop();
  if (ok) rmSync(folder, { recursive: true, force: true });
  else say(`The processes' logs are kept in ${folder}`);
};
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => void stop().then(() => process.exit(ok ? 0 : 130)));

try {
  world = await startWorld({ folder, broken, cluster: process.env.CLUSTER === '1', say, step });
  const checker = new Checker(world.facts, broken === '' ? 15_000 : 9_000);
  await tellStory({ world, checker, say, step, broken });
  ok = checker.report(say);
} catch (error) {
  say(`\nThe demo could not go on: ${error instanceof Error ? error.message : String(error)}`);
}

const seconds = ((performance.now() - started) / 1000).toFixed(1);
say(ok ? `\nAll of it really happened, in ${seconds} s.` : `\nNot all of it happened (${seconds} s).`);
if (process.env.KEEP === '1' && world !== undefined) {
  say(world.playWith());
} else {
  await stop();
  process.exit(ok ? 0 : 1);
}
