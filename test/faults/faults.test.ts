import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { tell } from '../support/page-world.js';
import { converged } from './support/converged.js';
import { runCase, tableOf, type FaultCase, type FaultResult } from './support/fault-case.js';
import { FaultWorld } from './support/fault-world.js';
import { KINDS, WATCHERS } from './support/kinds.js';
import { etcdRestored, secretsRecreated, serversRestarted, tokensReplaced, verbsRemoved } from './support/other-cases.js';
import { LOUD, proxyCase, SILENT, together } from './support/proxy-cases.js';
import { Writes } from './support/writes.js';

const PAGES = 300;
const LOUD_MS = 2_500;
const SILENT_MS = 25_000;
const CASE_LIMIT_MS = 180_000;
const ROUNDS_TO_UNDO = 3;

let started: FaultWorld | undefined;
let faults: FaultWorld;
let writes: Writes;
const results: FaultResult[] = [];

beforeAll(async () => {
  const began = performance.now();
  faults = started = await FaultWorld.start(PAGES);
  writes = new Writes(faults);
  tell(`${PAGES} pages Ready after ${Math.round((performance.now() - began) / 1_000)} s`);
}, 300_000);

afterAll(async () => {
  await started?.stop();
  process.stderr.write(`${tableOf(results)}\n`);
}, 60_000);

async function survives(one: FaultCase): Promise<void> {
  const came = await runCase(faults, writes, one);
  results.push(...came);
  for (const { fault, allMs, problems } of came) tell(`${fault}: ${(allMs / 1_000).toFixed(1)} s ${problems.join('; ')}`);
  expect(came.flatMap(({ problems }) => problems)).toEqual([]);
}

describe('all watches of all roles at once', () => {
  it.each(LOUD)('$name', async (one) => survives(proxyCase(faults, one, WATCHERS, LOUD_MS)), CASE_LIMIT_MS);

  it(
    'half-open, stalled and swallowing, each for a third of them',
    async () => {
      const share = (index: number) => WATCHERS.filter((_, at) => at % SILENT.length === index);
      const shares = SILENT.map((one, index) => ({ one, watchers: share(index) }));
      await survives(together(faults, shares, SILENT_MS));
    },
    CASE_LIMIT_MS,
  );
});

describe('the API server and what it grants', () => {
  it('token files replaced', async () => survives(tokensReplaced(faults, LOUD_MS)), CASE_LIMIT_MS);

  it(
    'the right to list and watch removed and given back',
    async () => survives(verbsRemoved(faults, { resources: KINDS, verbs: ['list', 'watch'], duringMs: LOUD_MS })),
    CASE_LIMIT_MS,
  );

  it(
    'the right to write statuses removed and given back',
    async () => survives(verbsRemoved(faults, { resources: ['messengerpages/status'], verbs: ['patch'], duringMs: LOUD_MS })),
    CASE_LIMIT_MS,
  );

  it('Secrets deleted and made again', async () => survives(secretsRecreated(faults, 10_000)), CASE_LIMIT_MS);

  it(
    'restarted, and restored to an older revision',
    async () => {
      let [copy, forget] = ['', (): void => undefined];
      await survives(
        serversRestarted(faults, (folder) => {
          copy = folder;
          forget = writes.remember();
        }),
      );
      for (let round = 0; round < ROUNDS_TO_UNDO; round++) await writes.round();
      expect((await converged(faults, writes, 60_000)).wrong).toEqual([]);
      await survives(etcdRestored(faults, copy, forget));
    },
    2 * CASE_LIMIT_MS,
  );
});
