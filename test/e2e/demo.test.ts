import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from '@jest/globals';
import { run, type Finished } from '../support/control-plane-process.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const LIMIT_S = 60;
const DEADLINE_MS = 100_000;

const took = new Map<string, number>();

afterAll(() => {
  const lines = [...took].map(([name, seconds]) => `    measured: the demo (${name}) took ${seconds.toFixed(1)} s\n`);
  process.stderr.write(lines.join(''));
});

/** Runs the demo as `npm run demo` does, everything built before. */
async function demo(name: string, env: NodeJS.ProcessEnv = {}): Promise<Finished> {
  const began = performance.now();
  const main = `${ROOT}scripts/demo/main.mjs`;
  const args = ['--disable-warning=ExperimentalWarning', main];
  const finished = await run(process.execPath, args, { env: { ...process.env, ...env }, deadlineMs: DEADLINE_MS });
  took.set(name, (performance.now() - began) / 1_000);
  return finished;
}

const failedSteps = ({ stdout }: Finished): readonly string[] =>
  stdout
    .split('\n')
    .filter((line) => line.startsWith('     ✗ '))
    .map((line) => line.slice('     ✗ '.length));

describe('the demo', () => {
  it(
    'tells its whole story, truly, in less than a minute',
    async () => {
      const finished = await demo('standalone');

      expect({ failed: failedSteps(finished), code: finished.code, stderr: finished.stderr }).toEqual({ failed: [], code: 0, stderr: '' });
      const [, seconds] = /All of it really happened, in ([\d.]+) s\./.exec(finished.stdout) ?? [];
      expect(Number(seconds)).toBeLessThan(LIMIT_S);
      expect(finished.stdout).toMatch(/PAGE-ID +READY +REASON/);
    },
    DEADLINE_MS,
  );

  it.each([
    ['route', /each bot handled exactly its own/],
    ['sign', /each bot handled exactly its own/],
    ['repair', /five fields again/],
    ['token', /Pizza Roma is Ready again/],
    ['delete', /is unsubscribed at Graph/],
  ])(
    'notices when %s is broken on purpose',
    async (broken, step) => {
      const finished = await demo(`DEMO_BREAK=${broken}`, { DEMO_BREAK: broken });

      expect(finished.code).toBe(1);
      expect(failedSteps(finished)[0]).toMatch(step);
      // It fails for what was broken, not because something else did not even start.
      expect(finished.stdout).not.toContain('could not go on');
      expect(finished.stdout).toContain('✓ every Page says Ready');
    },
    DEADLINE_MS,
  );

  it(
    'tells the same story with three roles on a real API server',
    async () => {
      const finished = await demo('CLUSTER=1', { CLUSTER: '1' });

      expect({ failed: failedSteps(finished), code: finished.code }).toEqual({ failed: [], code: 0 });
    },
    DEADLINE_MS,
  );

  it(
    'refuses to break what it does not know',
    async () => {
      const { code, stderr } = await demo('DEMO_BREAK=nonsense', { DEMO_BREAK: 'nonsense' });

      expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('route, sign, repair, token, delete') as unknown });
    },
    DEADLINE_MS,
  );
});
