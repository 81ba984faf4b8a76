import { median } from '../events/support/numbers.js';
import { underAbuse, type CalmAndAbused } from '../events/support/under-abuse.js';
import { list, report, scaled, type Row } from './row.js';

const load = { rounds: 5, seconds: scaled(10), perSecond: 100 };
const NONE = { idle: 0, slowHeaders: 0, slowBodies: 0, junk: 0 };

interface Wanted {
  readonly open?: number;
  /** undefined: only told. */
  readonly ratio?: number;
}

function rows(name: string, seen: CalmAndAbused, wanted: Wanted): Row[] {
  const { calmP99, abusedP99, notOk, maxRssMb, maxLoopMs, counts, leastOpen } = seen;
  const ratio = median(abusedP99) / median(calmP99);
  const { ratio: most, open } = wanted;
  return [
    { what: `${name}: p99 in calm, ms`, value: list(calmP99) },
    { what: `${name}: p99 under it, ms`, value: list(abusedP99) },
    {
      what: `${name}: ratio of the medians`,
      value: ratio.toFixed(2),
      ...(most === undefined ? {} : { target: `<= ${most}`, ok: ratio <= most }),
    },
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
  ...rows('10,000 idle connections', await underAbuse(idle, { ...load, settleMs: 4_000 }), { open: 10_000, ratio: 1.5 }),
  ...rows('2,000 headers and bodies a byte a second', await underAbuse(slow, { ...load, settleMs: 2_000 }), { ratio: 1.5 }),
  // Harsher than strangers who know nothing of each other, and than what a network leaves of it.
  ...rows('the same, all in one millisecond', await underAbuse({ ...slow, inStep: true }, { ...load, settleMs: 2_000 }), {}),
  ...rows('8 MiB of junk on 8 connections', await underAbuse(junk, { ...load, settleMs: 1_000 }), { ratio: 1.5 }),
]);
