import { coldStart } from '../graph/support/cold-start.js';
import { mean, perPage, perStep } from '../graph/support/rates.js';
import { DAY_MS, HOUR_MS, MINUTE_MS, type GraphWorld, type TestPage } from '../graph/support/world.js';
import { report, scaled, type Row } from './row.js';

const PAGES = Math.max(500, scaled(5_000));
const DAYS = Math.max(1, scaled(7));

interface Day {
  readonly mostReads: number;
  readonly meanReads: number;
  readonly mostInspections: number;
  /** Calls of each minute, of edges, not requests. */
  readonly minutes: readonly number[];
}

/** Hour by hour, so that the simulator's records, which are bounded, hold all of it. */
async function aDay(world: GraphWorld, pages: readonly TestPage[]): Promise<Day> {
  const sums = new Map(pages.map(({ pageId }) => [pageId, { reads: 0, inspections: 0 }]));
  const minutes: number[] = [];
  for (let hour = 0; hour < 24; hour++) {
    const [since, fromMs] = [world.lastCall, world.clock.nowMs()];
    await world.clock.advance(HOUR_MS);
    const calls = world.calls(since);
    minutes.push(...perStep(calls, { fromMs, toMs: world.clock.nowMs() }, MINUTE_MS));
    perPage(calls, pages).forEach(({ reads, inspections }, index) => {
      const sum = sums.get(pages[index]?.pageId ?? '');
      if (sum === undefined) return;
      sum.reads += reads;
      sum.inspections += inspections;
    });
  }
  const reads = [...sums.values()].map((sum) => sum.reads);
  const mostInspections = Math.max(...[...sums.values()].map(({ inspections }) => inspections));
  return { mostReads: Math.max(...reads), meanReads: mean(reads), mostInspections, minutes };
}

const rows: Row[] = [];
for (const unsubscribed of [0, PAGES / 5, PAGES]) {
  const { world, requests, calls, allowed } = await coldStart(PAGES, unsubscribed);
  const what = `a start with ${PAGES} pages, ${unsubscribed} to subscribe: requests`;
  rows.push({ what, value: `${requests} for ${calls} calls`, target: `<= ${allowed}`, ok: requests <= allowed });
  if (unsubscribed < PAGES) {
    await world.close();
    continue;
  }
  const pages = world.pages.live.map(({ metadata: { name }, spec: { pageId } }) => ({
    name,
    pageId,
    alias: name.replace('page', 'token'),
  }));
  await world.clock.advance(HOUR_MS);
  const days: Day[] = [];
  for (let day = 0; day < DAYS; day++) days.push(await aDay(world, pages));
  const minutes = days.flatMap((day) => day.minutes);
  const [reads, inspections] = [Math.max(...days.map(({ mostReads }) => mostReads)), Math.max(...days.map((day) => day.mostInspections))];
  const peak = Math.max(...minutes) / mean(minutes);
  const meanReads = mean(days.map((day) => day.meanReads));
  rows.push(
    { what: `${DAYS} days at rest: reads a page and day, mean`, value: meanReads.toFixed(2), target: '<= 50', ok: meanReads <= 50 },
    { what: 'reads of one page on one day, most', value: String(reads), target: '<= 51', ok: reads <= 51 },
    { what: 'inspections of one token on one day, most', value: String(inspections), target: '<= 2', ok: inspections <= 2 },
    { what: 'calls a minute, mean', value: mean(minutes).toFixed(1) },
    // With few pages chance alone makes some minute busier than that.
    { what: 'the busiest minute, of the mean', value: peak.toFixed(2), ...(PAGES < 3_000 ? {} : { target: '<= 1.5', ok: peak <= 1.5 }) },
    { what: 'virtual time', value: `${(world.clock.monotonicMs() / DAY_MS).toFixed(1)} days` },
  );
  await world.close();
}
report(rows);
