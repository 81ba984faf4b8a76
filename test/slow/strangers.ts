import { median } from '../events/support/numbers.js';
import { underAbuse, type CalmAndAbused } from '../events/support/under-abuse.js';
import { list, report, scaled, type Row } from './row.js';

const load = { rounds: 3, seconds: scaled(10), perSecond: 100 };
const NONE = { idle: 0, slowHeaders: 0, slowBodies: 0, junk: 0 };

function rows(name: string, { calmP99, abusedP99, notOk, maxRssMb, counts, leastOpen }: CalmAndAbused, wantOpen?: number): Row[] {
  const ratio = median(abusedP99) / median(calmP99);
  return [
    { what: `${name}: p99 in calm, ms`, value: list(calmP99) },
    { what: `${name}: p99 under it, ms`, value: list(abusedP99) },
    { what: `${name}: ratio of the medians`, value: ratio.toFixed(2), target: '<= 1.5', ok: ratio <= 1.5 },
    { what: `${name}: not answered 200`, value: String(notOk), target: '0', ok: notOk === 0 },
    ...(wantOpen === undefined
      ? []
      : [{ what: `${name}: open at least`, value: String(leastOpen), target: `>= ${wantOpen}`, ok: leastOpen >= wantOpen }]),
    { what: `${name}: memory at most, MB`, value: maxRssMb.toFixed(0) },
    {
      what: `${name}: open connections, junk, answers`,
      value: `${counts.open}, ${(counts.junkBytes / 1e6).toFixed(0)} MB, ${JSON.stringify(counts.answers)}`,
    },
  ];
}

report([
  // Some are always on their way back after they were ended.
  ...rows('10,000 idle connections', await underAbuse({ ...NONE, idle: 11_000 }, { ...load, settleMs: 4_000 }), 10_000),
  ...rows(
    '1,000 headers and 1,000 bodies a byte a second',
    await underAbuse({ ...NONE, slowHeaders: 1_000, slowBodies: 1_000 }, { ...load, settleMs: 2_000 }),
  ),
  ...rows('8 MiB of junk on 8 connections', await underAbuse({ ...NONE, junk: 8 }, { ...load, settleMs: 1_000 })),
]);
