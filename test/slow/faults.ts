import { converged } from '../faults/support/converged.js';
import { runCase, share, tableOf, type FaultCase, type FaultResult } from '../faults/support/fault-case.js';
import { FaultWorld } from '../faults/support/fault-world.js';
import { KINDS, watchersOf } from '../faults/support/kinds.js';
import {
  apiServerKilled,
  etcdRestored,
  secretsRecreated,
  serversRestarted,
  tokensReplaced,
  verbsRemoved,
} from '../faults/support/other-cases.js';
import { LOUD, proxyCase, SILENT, together } from '../faults/support/proxy-cases.js';
import { Writes } from '../faults/support/writes.js';
import { report, scale, scaled, type Row } from './row.js';

const PAGES = Math.max(20, scaled(300));
const LOUD_MS = 4_000;
const SILENT_MS = 25_000;
const AWAY_MS = scaled(50) * 1_000;

const faults = await FaultWorld.start(PAGES);
const writes = new Writes(faults);
const results: FaultResult[] = [];

async function show(what: string, one: FaultCase): Promise<void> {
  const came = await runCase(faults, writes, one).catch((error: unknown): readonly FaultResult[] => [failed(one, error)]);
  for (const result of came.map((part) => ({ ...part, fault: `${what}${part.fault}` }))) {
    results.push(result);
    report([rowOf(result)]);
  }
}

async function silentOneByOne(turn: number): Promise<void> {
  const one = SILENT[turn];
  if (one !== undefined) for (const kind of KINDS) await show(`${kind}: `, proxyCase(faults, one, watchersOf(kind), SILENT_MS));
}

/** Three turns, in each of which every kind has one of the three: 25 minutes less. */
async function silentTogether(turn: number): Promise<void> {
  const shares = SILENT.map((one, index) => {
    const kinds = KINDS.filter((_, at) => (at + turn) % SILENT.length === index);
    return { one: { ...one, name: `${kinds.join(' and ')}: ${one.name}` }, watchers: kinds.flatMap(watchersOf) };
  });
  await show('', together(faults, shares, SILENT_MS));
}

function rowOf(result: FaultResult): Row {
  const { fault, allMs, served, problems } = result;
  const value = `converged after ${(allMs / 1_000).toFixed(1)} s, ${served.posts} POSTs ${share(served)}`;
  return { what: fault, value: problems.length === 0 ? value : problems.join('; '), target: 'all right', ok: problems.length === 0 };
}

function failed({ parts }: FaultCase, error: unknown): FaultResult {
  const served = { posts: 0, statuses: {}, lost: [] };
  const fault = parts.map(({ name }) => name).join(', ');
  return { fault, storesMs: Infinity, allMs: Infinity, served, moved: {}, watchers: 0, problems: [String(error)] };
}

try {
  for (const kind of KINDS) {
    for (const one of LOUD) await show(`${kind}: `, proxyCase(faults, one, watchersOf(kind), LOUD_MS));
    for (const verb of ['list', 'watch'])
      await show(`${kind}: `, verbsRemoved(faults, { resources: [kind], verbs: [verb], duringMs: LOUD_MS }));
  }
  await show('', verbsRemoved(faults, { resources: ['messengerpages/status'], verbs: ['patch'], duringMs: LOUD_MS }));
  await show('', tokensReplaced(faults, LOUD_MS));
  await show('', secretsRecreated(faults, AWAY_MS));
  await show('', apiServerKilled(faults));
  let [copy, forget] = ['', (): void => undefined];
  const restarted = serversRestarted(faults, (folder) => {
    copy = folder;
    forget = writes.remember();
  });
  await show('', restarted);
  for (let round = 0; round < 3; round++) await writes.round();
  await converged(faults, writes, 60_000);
  await show('', etcdRestored(faults, copy, forget));
  for (const turn of SILENT.keys()) await (scale >= 1 ? silentOneByOne(turn) : silentTogether(turn));
} finally {
  await faults.stop();
  process.stderr.write(`${tableOf(results)}\n`);
}
