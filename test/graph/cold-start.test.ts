import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { coldStart, tell } from './support/cold-start.js';
import { MINUTE_MS, type GraphWorld } from './support/world.js';

let world: GraphWorld;

afterEach(() => world.close());

describe('a start with 500 pages', () => {
  it.each([0, 100, 500])('%i of which have to be subscribed makes no more requests than documented', async (unsubscribed) => {
    const start = await coldStart(500, unsubscribed);
    world = start.world;
    tell(
      `500 pages, ${unsubscribed} to subscribe: ${start.requests} requests (${start.allowed} allowed), ${start.calls} calls, ${start.virtualSeconds} s`,
    );

    expect(start.requests).toBeLessThanOrEqual(start.allowed);
    expect(world.summary()).toEqual({ True: 500 });
    expect(world.calls().filter(({ method }) => method === 'POST')).toHaveLength(unsubscribed);
    expect(world.calls().filter(({ proof }) => proof !== 'right')).toEqual([]);
    expect(world.calls().filter(({ status }) => status !== 200)).toEqual([]);
  });

  it('makes no more requests where all objects are new, and learns the names of their Pages with the first checks', async () => {
    const start = await coldStart(500, 250, { ageMs: 0 });
    world = start.world;
    const named = () => world.pages.live.filter(({ status }) => status?.pageName !== undefined).length;
    tell(`500 new pages, 250 to subscribe: ${start.requests} requests (${start.allowed} allowed), ${named()} names by then`);
    expect(start.requests).toBeLessThanOrEqual(start.allowed + 5);
    expect(named()).toBeGreaterThan(0);
    expect(named()).toBeLessThan(50);

    await world.clock.advance(35 * MINUTE_MS);
    expect(named()).toBe(500);
    expect(world.calls().filter(({ shape }) => shape === '/{page-id}')).toHaveLength(500);
  });

  it('lets a new page go before the checks of all others', async () => {
    const { world: started } = await coldStart(500, 0);
    world = started;
    const since = world.lastCall;
    await world.halt();
    // A restart: 500 pages that are in order wait for their first check, and somebody makes one
    // more.
    world.start();
    // It watches once it has listed everything anew, which here takes no time.
    await setImmediate();
    const page = world.addPage({ ageMs: 0 });
    const beganMs = world.clock.monotonicMs();
    await world.until(() => world.ready(page.name) === 'True', MINUTE_MS, 10);

    const calls = world.calls(since);
    const own = calls.findLastIndex(({ pageId, method }) => pageId === page.pageId && method === 'POST');
    const others = calls.slice(0, own).filter(({ pageId, shape }) => pageId !== page.pageId && shape === '/{page-id}/subscribed_apps');
    tell(
      `a new page among 500 first checks: Ready after ${world.clock.monotonicMs() - beganMs} ms, behind ${others.length} reads of others`,
    );
    expect(own).toBeGreaterThan(0);
    expect(others.length).toBeLessThan(250);
  });
});
