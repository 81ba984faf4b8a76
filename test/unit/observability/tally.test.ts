import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Histogram, Registry } from 'prom-client';
import { distributions, level, MAX_APPS, tallies, talliesBy, talliesPerAppBy } from '../../../src/observability/tally.js';

const described = (registry: Registry) => ({ registry, name: 'x_seconds', help: 'What it is.' });

describe('tallies', () => {
  it('are what the counter says at every scrape, from 0 on', async () => {
    const registry = new Registry();
    const tallyOf = tallies(described(registry), { a: ['1', '2'], b: ['x'] });
    const text = () => registry.getSingleMetricAsString('x_seconds').then((all) => all.split('\n').slice(2));
    expect(await text()).toEqual(['x_seconds{a="1",b="x"} 0', 'x_seconds{a="2",b="x"} 0']);

    tallyOf('2', 'x').count += 3;
    expect(await text()).toEqual(['x_seconds{a="1",b="x"} 0', 'x_seconds{a="2",b="x"} 3']);
    tallyOf('2', 'x').count++;
    expect(await text()).toEqual(['x_seconds{a="1",b="x"} 0', 'x_seconds{a="2",b="x"} 4']);
  });

  it('may have no label, or one whose values name them', async () => {
    const registry = new Registry();
    const { yes, no } = talliesBy({ ...described(registry), name: 'y' }, 'answer', ['yes', 'no']);
    tallies(described(registry), {})().count = 7;
    yes.count = 1;
    expect(no.count).toBe(0);
    expect(await registry.metrics()).toContain('\nx_seconds 7\n');
    expect(await registry.metrics()).toContain('y{answer="yes"} 1\ny{answer="no"} 0');
  });

  it('may go up and down', async () => {
    const registry = new Registry();
    const tally = level(described(registry));
    expect(await registry.metrics()).toContain('\nx_seconds 0\n');
    tally.count = 5;
    expect(await registry.metrics()).toContain('# TYPE x_seconds gauge\nx_seconds 5\n');
    tally.count = 2;
    expect(await registry.metrics()).toContain('\nx_seconds 2\n');
  });

  it('are of closed sets', () => {
    expect(() => tallies(described(new Registry()), { a: ['1'] })('2')).toThrow('x_seconds has no series 2');
  });
});

describe('tallies of apps', () => {
  it('are bounded: what comes after the first apps counts as others', async () => {
    const registry = new Registry();
    const perApp = talliesPerAppBy(described(registry), 'answer', ['yes', 'no']);
    for (let app = 0; app < 3 * MAX_APPS; app++) for (let n = 0; n < 2; n++) perApp.of(String(app)).yes.count++;

    const lines = (await registry.getSingleMetricAsString('x_seconds')).split('\n').slice(2);
    expect(lines).toHaveLength(2 * (MAX_APPS + 1));
    expect(lines).toContain('x_seconds{app="0",answer="yes"} 2');
    expect(lines).toContain('x_seconds{app="0",answer="no"} 0');
    expect(lines).toContain(`x_seconds{app="${MAX_APPS - 1}",answer="yes"} 2`);
    expect(lines).toContain(`x_seconds{app="other",answer="yes"} ${4 * MAX_APPS}`);
  });
});

describe('distributions', () => {
  it("are exported exactly as prom-client's own histogram", async () => {
    const bounds = [0.01, 0.5, 1, 10];
    const value = fc.oneof(fc.constantFrom(...bounds), fc.double({ min: 0, max: 20, noNaN: true }));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.constantFrom(0, 1), value)), async (observed) => {
        const [ours, theirs] = [new Registry(), new Registry()];
        const series = distributions(described(ours), { labels: { status: ['200', '503'] }, bounds });
        const shape = { name: 'x_seconds', help: 'What it is.', labelNames: ['status'], buckets: bounds, registers: [theirs] };
        const histogram = new Histogram(shape);
        for (const status of ['200', '503']) histogram.zero({ status });
        for (const [at, seconds] of observed) {
          series[at]?.observe(seconds);
          histogram.observe({ status: at === 0 ? '200' : '503' }, seconds);
        }
        expect(await ours.metrics()).toBe(await theirs.metrics());
      }),
      { numRuns: 50 },
    );
  });
});
