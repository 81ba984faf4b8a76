import { killsUnderLoad } from '../events/support/kills.js';
import { none, report, scaled } from './row.js';

const kills = scaled(20);
const events = scaled(100_000);
const result = await killsUnderLoad({ kills, traffic: { events, connections: 48, perSecond: 0 }, deadlineMs: 1_500_000 });
report([
  { what: 'kill -9 of replicas', value: String(result.kills.replicas), target: `${kills}`, ok: result.kills.replicas >= kills },
  { what: 'kill -9 of bots', value: String(result.kills.bots), target: `${kills}`, ok: result.kills.bots >= kills },
  { what: 'events acknowledged', value: String(result.events), target: `>= ${events}`, ok: result.events >= events },
  { what: 'POSTs', value: `${result.posts} in ${result.seconds.toFixed(0)} s, ${result.retried} sent again` },
  { what: 'attempts not answered 200', value: JSON.stringify(result.notOk) },
  { what: 'delivered more than once (at-least-once)', value: String(result.again) },
  none('acknowledged but lost', result.lost),
  none('misrouted', result.misrouted),
  none('out of order in their conversation', result.outOfOrder),
  none('given up', result.givenUp),
]);
