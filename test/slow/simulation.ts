import { runBatch } from '../simulation/batch.js';
import { none, report, scaled } from './row.js';

/** Seeds that CI does not run; `SIMULATION_FIRST=300001` begins elsewhere. */
const { SIMULATION_FIRST = '100001' } = process.env;
const FIRST = Number(SIMULATION_FIRST);
const histories = scaled(10_000);

const started = performance.now();
const { failures, happened } = await runBatch(FIRST, histories);
const seconds = (performance.now() - started) / 1_000;

report([
  none('histories that break a property', failures),
  { what: 'histories of the controllers', value: `${histories}, from seed ${FIRST} on` },
  { what: 'milliseconds a history', value: ((1_000 * seconds) / histories).toFixed(0) },
  { what: 'what happened in them', value: JSON.stringify(happened) },
]);
