import { takeover } from '../support/takeover.js';
import { none, report, scaled } from './row.js';

const pages = scaled(2_000);
const seen = await takeover({ pages, finishDeadlineMs: 300_000 });
const once = seen.graphWrites[1] ?? 0;
report([
  { what: 'pages', value: String(seen.pages) },
  { what: 'subscribed when the leader was killed', value: `${seen.writtenBefore}, and ${seen.writtenInFlight} by requests under way` },
  { what: 'the second leads after, s', value: (seen.ledAfterMs / 1_000).toFixed(1), target: '<= 20', ok: seen.ledAfterMs <= 20_000 },
  { what: 'every page Ready after, s', value: (seen.readyAfterMs / 1_000).toFixed(1) },
  {
    what: 'POSTs of subscribed_apps a page → pages',
    value: JSON.stringify(seen.graphWrites),
    target: `{"1":${pages}}`,
    ok: once === pages,
  },
  { what: 'status writes a page → pages', value: JSON.stringify(seen.statusWrites) },
  none('pages whose row is not what their spec says', seen.wrongAtGraph),
  none("requests of the operator's accounts that were refused", seen.refusals),
]);
