import { afterEach, describe, expect, it } from '@jest/globals';
import { tell } from './support/cold-start.js';
import { mean, perPage, perStep } from './support/rates.js';
import { APP_ID, DAY_MS, GraphWorld, HOUR_MS, MINUTE_MS, type TestPage } from './support/world.js';

let world: GraphWorld;

afterEach(() => world.close());

async function atRest(pages: number): Promise<readonly TestPage[]> {
  world = await GraphWorld.make();
  const made = Array.from({ length: pages }, () => world.addPage({ subscribed: true }));
  world.start();
  await world.until(() => world.summary()['True'] === pages, MINUTE_MS);
  return made;
}

describe('at rest', () => {
  it('a page costs no more calls a day than documented, over a week, and nothing is written', async () => {
    const pages = await atRest(40);
    await world.clock.advance(HOUR_MS);
    const statuses = world.pages.statusWrites.length + world.apps.statusWrites.length;
    const told = world.events.length;
    const days = [];
    for (let day = 0; day < 7; day++) {
      const since = world.lastCall;
      await world.clock.advance(DAY_MS);
      const calls = world.calls(since);
      days.push({ pages: perPage(calls, pages), app: calls.filter(({ shape }) => shape === '/{app-id}/subscriptions').length });
    }
    const all = days.flatMap((day) => day.pages);
    const most = (key: 'reads' | 'inspections' | 'others'): number => Math.max(...all.map((rates) => rates[key]));
    tell(
      `a page a day: at most ${most('reads')} reads (mean ${mean(all.map(({ reads }) => reads)).toFixed(1)}), ${most('inspections')} inspections, ${most('others')} others; the app ${Math.max(...days.map(({ app }) => app))}`,
    );

    expect(most('reads')).toBeLessThanOrEqual(50);
    expect(Math.min(...all.map(({ reads }) => reads))).toBeGreaterThanOrEqual(44);
    expect(most('inspections')).toBeLessThanOrEqual(2);
    expect(most('others')).toBe(0);
    for (const { app } of days) expect(app).toBeLessThanOrEqual(50);
    expect(world.pages.statusWrites.length + world.apps.statusWrites.length).toBe(statuses);
    expect(world.events).toHaveLength(told);
    expect(world.summary()).toEqual({ True: 40 });
  }, 120_000);

  it('an hour of drift checks writes nothing, neither to Kubernetes nor to Graph, and says nothing', async () => {
    await atRest(500);
    // The first check of a page that was found in order learns its name.
    await world.clock.advance(40 * MINUTE_MS);
    const versions = () => [...world.pages.live, ...world.apps.live].map(({ metadata }) => metadata.resourceVersion);
    const [before, since, told, lines] = [versions(), world.lastCall, world.events.length, world.logged.length];

    await world.clock.advance(HOUR_MS);

    const calls = world.calls(since);
    const looks = calls.filter(({ shape }) => shape === '/{page-id}/subscribed_apps').length;
    tell(`an hour at rest: ${looks} looks at 500 pages`);
    expect(looks).toBeGreaterThanOrEqual(950);
    expect(calls.filter(({ method }) => method !== 'GET')).toEqual([]);
    expect(versions()).toEqual(before);
    expect(world.events.slice(told)).toEqual([]);
    expect(world.logged.slice(lines)).toEqual([]);
  }, 60_000);

  it('the checks of many pages are spread evenly over the interval', async () => {
    await atRest(3_000);
    const fromMs = world.clock.nowMs();
    const since = world.lastCall;
    await world.clock.advance(HOUR_MS);
    const reads = world.calls(since).filter(({ shape }) => shape === '/{page-id}/subscribed_apps');
    const minutes = perStep(reads, { fromMs, toMs: world.clock.nowMs() }, MINUTE_MS);
    const highest = Math.max(...minutes) / mean(minutes);
    tell(`3,000 pages: ${mean(minutes).toFixed(1)} checks a minute, at most ${Math.max(...minutes)}, ${highest.toFixed(2)} of the mean`);

    expect(mean(minutes)).toBeCloseTo(3_000 / 30, -1);
    expect(highest).toBeLessThan(1.5);
  }, 120_000);

  it.each([
    [60, 2],
    [90, 6],
  ])('with %i %% of the budget used the checks come %i times as rarely', async (percent, factor) => {
    world = await GraphWorld.make();
    const pages = Array.from({ length: 20 }, () => world.addPage({ subscribed: true }));
    world.sim.control.config({ appUsage: { [APP_ID]: percent } });
    world.start();
    await world.clock.advance(12 * HOUR_MS);
    const since = world.lastCall;
    await world.clock.advance(DAY_MS);
    const rates = perPage(world.calls(since), pages);
    const reads = mean(rates.map((one) => one.reads));
    tell(`${percent} % used: ${reads.toFixed(1)} reads a page and day`);

    expect(reads).toBeGreaterThan((48 / factor) * 0.85);
    expect(reads).toBeLessThan((48 / factor) * 1.1);
    expect(world.summary()).toEqual({ True: 20 });
  });
});
