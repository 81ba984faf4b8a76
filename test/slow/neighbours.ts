import { neighbours, type Round } from '../events/support/neighbours.js';
import { median } from '../events/support/numbers.js';
import { list, none, report, scaled } from './row.js';

const { calm, disturbed, again, missing } = await neighbours({ rounds: 5, seconds: scaled(20), perSecond: 200 });
const of = (rounds: readonly Round[], key: keyof Round): number[] => rounds.map((round) => round[key]);
const ratio = median(of(disturbed, 'single')) / median(of(calm, 'single'));
const growth = (disturbed.at(-1)?.rssMb ?? 0) - (disturbed[0]?.rssMb ?? 0);
report([
  { what: 'single: p99 at the bot without bad ones, ms', value: list(of(calm, 'single')) },
  { what: 'single: p99 at the bot with bad ones, ms', value: list(of(disturbed, 'single')) },
  { what: 'single: ratio of the medians', value: ratio.toFixed(2), target: '<= 1.2', ok: ratio <= 1.2 },
  {
    what: 'single: answered 200 at once, with bad ones',
    value: list(of(disturbed, 'singleOk'), 4),
    target: '1',
    ok: of(disturbed, 'singleOk').every((share) => share === 1),
  },
  { what: 'mixed: p99 of the well part at its bot without bad ones, ms', value: list(of(calm, 'mixed')) },
  { what: 'mixed: p99 of the well part at its bot with bad ones, ms', value: list(of(disturbed, 'mixed')) },
  { what: 'mixed: answered 200 at once, with bad ones', value: list(of(disturbed, 'mixedOk'), 2) },
  { what: 'memory with bad ones, MB a round', value: list(of(disturbed, 'rssMb'), 0), target: 'flat', ok: growth < 40 },
  { what: 'well events delivered more than once', value: String(again), target: '0', ok: again === 0 },
  none('well events that did not come', Array<number>(missing).fill(0)),
]);
