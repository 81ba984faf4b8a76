import { afterEach, describe, expect, it } from '@jest/globals';
import { DAY_MS, GraphWorld, HOUR_MS, MINUTE_MS } from './support/world.js';

let world: GraphWorld;

afterEach(() => world.close());

async function expiring(): Promise<Readonly<Record<string, number>>> {
  const text = await world.metrics.text();
  const found = [...text.matchAll(/^messenger_page_tokens_expiring\{within="(\w+)"\} (\d+)$/gm)];
  return Object.fromEntries(found.map(([, within = '', value]): [string, number] => [within, Number(value)]));
}

describe('a token that ends', () => {
  it('is told of 30, 7 and 1 days before, once each, while the page stays Ready', async () => {
    world = await GraphWorld.make();
    const page = world.addPage({ subscribed: true });
    world.addPage({ subscribed: true });
    const endsAt = world.clock.nowMs() + 40 * DAY_MS;
    world.sim.control.changeToken(page.alias, { expiresAt: endsAt / 1_000 });
    world.start({ intervalMs: 4 * HOUR_MS });
    await world.until(() => world.ready(page.name) === 'True', MINUTE_MS);
    expect(await expiring()).toEqual({ '1d': 0, '7d': 0, '30d': 0 });

    const told: number[] = [];
    for (const [day, within] of [
      [9, undefined],
      [11, '30d'],
      [32, '30d'],
      [34, '7d'],
      [39.2, '1d'],
    ] as const) {
      await world.clock.advance(day * DAY_MS - world.clock.monotonicMs());
      told.push(world.told(page.name).filter(({ type, reason }) => type === 'Warning' && reason === 'TokenExpiring').length);
      expect(await expiring()).toEqual({ '1d': 0, '7d': 0, '30d': 0, ...(within === undefined ? {} : { [within]: 1 }) });
      expect(world.ready(page.name)).toBe('True');
    }
    expect(told).toEqual([0, 1, 1, 2, 3]);

    await world.clock.advance(41 * DAY_MS - world.clock.monotonicMs());
    expect(world.ready(page.name)).toBe('False/TokenExpired');
    expect(await expiring()).toEqual({ '1d': 0, '7d': 0, '30d': 0 });
  }, 60_000);
});

describe("Graph's API version", () => {
  it('that ends soon, and then is served as another one, is told at the app', async () => {
    world = await GraphWorld.make({ graph: { version: 'v21.0' } });
    world.start({ intervalMs: 4 * HOUR_MS });
    await world.clock.advance(MINUTE_MS);
    const warnings = () => world.told('main').filter(({ reason }) => reason === 'GraphVersion');
    expect(world.appCondition('GraphReachable')).toMatchObject({ status: 'True' });
    expect(world.appCondition('GraphReachable')?.message).toContain('v21.0 only until 2027-01-21, within 90 days');
    expect(warnings().map(({ type }) => type)).toEqual(['Warning']);

    await world.clock.advance(12 * HOUR_MS);
    expect(warnings()).toHaveLength(1);
    await world.clock.advance(60 * DAY_MS);
    expect(world.appCondition('GraphReachable')?.message).toContain('Graph answers with API version v22.0 where v21.0 is asked for');
    expect(world.appCondition('Ready')?.status).toBe('True');
    expect(warnings().length).toBeLessThanOrEqual(4);
  }, 60_000);
});
