import { randomInt } from 'node:crypto';
import { fuzz } from '../events/fuzz/fuzz.js';
import { none, report, scaled } from './row.js';

const seed = Number(process.env['FUZZ_SEED'] ?? randomInt(2 ** 31));
const bodies = 2 * scaled(500_000);
const result = await fuzz({ bodies, seed });
const [early, late] = result.heapMb;
report([
  { what: 'FUZZ_SEED', value: String(seed) },
  { what: 'bodies', value: `${result.bodies} in ${result.seconds.toFixed(0)} s`, target: String(bodies), ok: result.bodies === bodies },
  { what: 'verified', value: String(result.verified), target: String(bodies / 2), ok: result.verified === bodies / 2 },
  { what: 'with items for bots', value: `${result.delivering} bodies, ${result.items} items` },
  none('wrong answers, items not the same in and out', result.wrong),
  { what: 'heap at a fifth and at the end, MB', value: `${early} ${late}`, target: 'flat', ok: late - early < 20 },
]);
