import { rollingRestart } from '../events/support/rolling.js';
import { none, report, scaled } from './row.js';

const result = await rollingRestart({ seconds: scaled(300), perSecond: 220 });
const rate = result.posts / result.seconds;
report([
  { what: 'restarts', value: `${result.restarts} in ${result.seconds.toFixed(0)} s` },
  { what: 'POSTs a second', value: rate.toFixed(0), target: '>= 200', ok: rate >= 200 },
  { what: 'events', value: String(result.events) },
  { what: 'p99 of a POST, ms', value: String(result.p99Ms) },
  none('attempts not answered 200 (5xx, resets)', Object.entries(result.notOk)),
  none('acknowledged but lost', result.lost),
  none('misrouted', result.misrouted),
  none('out of order in their conversation', result.outOfOrder),
  { what: 'delivered more than once', value: String(result.again), target: '0', ok: result.again === 0 },
  none('warnings and errors of replicas', result.complaints),
]);
