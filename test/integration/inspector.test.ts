import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { builtOperator } from '../support/operator-build.js';

let main: string;
let running: ChildProcess | undefined;

beforeAll(async () => {
  main = await builtOperator();
}, 180_000);

afterEach(() => {
  running?.kill('SIGKILL');
});

/** A process of the operator that needs nothing else, and what it wrote. */
function start(nodeArgs: readonly string[], script: readonly string[]) {
  const child = spawn(process.execPath, [...nodeArgs, ...script], { stdio: ['ignore', 'pipe', 'pipe'] });
  running = child;
  const seen = { text: '' };
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (seen.text += chunk.toString()));
  return { child, seen };
}

const entrypoint = /^ENTRYPOINT (.*)$/m.exec(readFileSync('Dockerfile', 'utf8'))?.[1] ?? '[]';
const imageArgs = (JSON.parse(entrypoint) as readonly string[]).slice(1, -1);
const DEBUGGER = /Debugger listening|Starting inspector/;

describe('SIGUSR1', () => {
  it.each([
    ['as it is started by hand', []],
    ['as the image starts it', imageArgs],
  ])(
    'opens no inspector in the operator %s',
    async (_how, nodeArgs) => {
      const { child, seen } = start(['--inspect-port=0', ...nodeArgs], [main, 'simulator', '--port', '0']);
      await eventually(() => seen.text.includes('simulator listening'), 20_000);
      const url = /"control":"([^"]+)"/.exec(seen.text)?.[1] ?? '';

      child.kill('SIGUSR1');
      // The signal comes before the request, and the process still runs.
      for (let n = 0; n < 20; n++) expect((await fetch(`${url}/health`)).ok).toBe(true);
      child.kill('SIGTERM');
      await once(child, 'exit');

      expect(seen.text).not.toMatch(DEBUGGER);
    },
    60_000,
  );

  it('would open one in a process that does nothing about it', async () => {
    const { child, seen } = start(['--inspect-port=0'], ['-e', 'setInterval(() => {}, 1_000); console.log("up")']);
    await eventually(() => seen.text.includes('up'));
    child.kill('SIGUSR1');
    await eventually(() => DEBUGGER.test(seen.text));
  }, 30_000);
});
