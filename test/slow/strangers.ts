import { median } from '../events/support/numbers.js';
import { underAbuse, type CalmAndAbused } from '../events/support/under-abuse.js';
import { list, report, scaled, type Row } from './row.js';

const load = { rounds: 5, seconds: scaled(10), perSecond: 100, settleSeconds: 2, beside: false };
const NONE = { idle: 0, slowHeaders: 0, slowBodies: 0, junk: 0 };

interface Wanted {
  readonly open?: number;
  /** undefined: only told. */
  readonly ratio?: number;
}

function rows(name: string, seen: CalmAndAbused, wanted: Wanted): Row[] {
  const { calmP99, besideP99, abusedP99, notOk, maxRssMb, maxLoopMs, counts, leastOpen } = seen;
  const toCalm = median(abusedP99) / median(calmP99);
  const toBeside = median(abusedP99) / median(besideP99);
  const { ratio: most, open } = wanted;
  const judged = (ratio: number): Pick<Row, 'target' | 'ok'> => (most === undefined ? {} : { target: `<= ${most}`, ok: ratio <= most });
  const wasBeside = besideP99.length > 0;
  return [
    { what: `${name}: p99 in calm, ms`, value: list(calmP99) },
    ...(wasBeside ? [{ what: `${name}: p99 while they are at another listener, ms`, value: list(besideP99) }] : []),
    { what: `${name}: p99 under it, ms`, value: list(abusedP99) },
    // What so many sockets cost the machine itself is no work of the listener's, and more than its
    // own on a small one.
    { what: `${name}: ratio to calm`, value: toCalm.toFixed(2), ...(wasBeside ? {} : judged(toCalm)) },
    ...(wasBeside ? [{ what: `${name}: ratio to the other listener`, value: toBeside.toFixed(2), ...judged(toBeside) }] : []),
    { what: `${name}: not answered 200`, value: String(notOk), target: '0', ok: notOk === 0 },
    ...(open === undefined
      ? []
      : [{ what: `${name}: open at least`, value: String(leastOpen), target: `>= ${open}`, ok: leastOpen >= open }]),
    { what: `${name}: memory at most, MB; longest turn of the loop, ms`, value: `${maxRssMb.toFixed(0)}; ${maxLoopMs.toFixed(0)}` },
    {
      what: `${name}: open connections, junk, answers`,
      value: `${counts.open}, ${(counts.junkBytes / 1e6).toFixed(0)} MB, ${JSON.stringify(counts.answers)}`,
    },
  ];
}

const idle = { ...NONE, idle: 11_000 };
const slow = { ...NONE, slowHeaders: 1_000, slowBodies: 1_000 };
const junk = { ...NONE, junk: 8 };

report([
  // Some are always on their way back after they were ended.
  ...rows('10,000 idle connections', await underAbuse(idle, { ...load, settleSeconds: 8, beside: true }), { open: 10_000, ratio: 1.5 }),
  ...rows('2,000 headers and bodies a byte a second', await underAbuse(slow, load), { ratio: 1.5 }),
  // Harsher than strangers who know nothing of each other, and than what a network leaves of it.
  ...rows('the same, all in one millisecond', await underAbuse({ ...slow, inStep: true }, load), {}),
  ...rows('8 MiB of junk on 8 connections', await underAbuse(junk, load), { ratio: 1.5 }),
]);
