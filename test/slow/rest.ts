import { MINUTE_MS } from '../graph/support/world.js';
import { RestWorld } from '../support/rest-world.js';
import { none, report, scaled } from './row.js';

const PAGES = 20;
const rest = await RestWorld.start(PAGES);
try {
  const seen = await rest.rest(scaled(10 * MINUTE_MS));
  const looks = 3 * PAGES;
  report([
    { what: 'rest, minutes', value: (seen.seconds / 60).toFixed(1) },
    { what: `drift checks of ${PAGES} pages`, value: String(seen.looks), target: `>= ${looks}`, ok: seen.looks >= looks },
    { what: 'messages, and the POSTs that each webhook answered', value: `${seen.messages}: ${seen.byReplica.join(' and ')}` },
    { what: 'tokens served by the Pages API', value: String(seen.asked) },
    ...Object.entries(seen.requests)
      .sort()
      .map(([what, count]) => ({ what: `audit log: ${what}`, value: String(count) })),
    none('writes in the audit log besides Leases and reviews', seen.writes),
    none('writes at Graph', seen.graphWrites),
    none('log lines of level info and above', seen.lines),
    none('messages not answered 200 at once, or not delivered', seen.notOk),
    none('answers of the Pages API other than 200', seen.refusedAnswers),
    none("requests of the operator's accounts that were refused", await rest.world.refusals()),
  ]);
} finally {
  await rest.stop();
}
