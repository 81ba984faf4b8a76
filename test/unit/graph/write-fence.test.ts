import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { NotLeaderError, TransientError } from '../../../src/core/domain/errors.js';
import type { GraphCallOptions } from '../../../src/core/ports/graph.js';
import { eventually } from '../../support/eventually.js';
import { FakeClock } from '../../support/fake-clock.js';
import { graphWorld, rejection, type GraphWorld } from './world.js';

/** As the election's: the lease was last renewed at 0. */
const RENEW_DEADLINE_MS = 10_000;

let clock: FakeClock;
let world: GraphWorld;
const results: string[] = [];
const background: GraphCallOptions = { signal: new AbortController().signal, priority: 'background' };

beforeEach(async () => {
  clock = new FakeClock();
  results.length = 0;
  const fence = {
    check: () => {
      if (clock.monotonicMs() >= RENEW_DEADLINE_MS) throw new NotLeaderError();
    },
  };
  const observer = {
    call: (operation: string, result: string) => results.push(`${operation} ${result}`),
    request: () => undefined,
    otherVersion: () => undefined,
  };
  world = await graphWorld({ clock, observer, fence, maxConcurrent: 1 });
});

afterEach(() => world.close());

const writes = () => world.sim.control.calls().filter(({ method, shape }) => method !== 'GET' && shape.endsWith('/subscribed_apps'));

describe('a write to Graph', () => {
  it.each([
    ['subscribe', () => world.graph.subscribe(world.page(), ['messages'], world.options)],
    ['unsubscribe', () => world.graph.unsubscribe(world.page(), world.options)],
    ['subscribe in the background', () => world.graph.subscribe(world.page(), ['messages'], background)],
  ] as const)('does not go out when it has waited for a place for too long: %s', async (_name, write) => {
    world.page();
    const hang = world.sim.control.addFault({ operation: 'subscriptions', effect: { kind: 'hang' } });
    const stop = new AbortController();
    const taking = rejection(world.graph.subscriptions(world.app, { signal: stop.signal }));
    await eventually(() => world.sim.control.calls().length === 1);
    const waiting = rejection(write());
    await clock.advance(RENEW_DEADLINE_MS);
    world.sim.control.removeFault(hang.id);
    stop.abort(new Error('enough'));
    await taking;

    expect(await waiting).toBeInstanceOf(NotLeaderError);
    expect(writes()).toEqual([]);
    expect(results.at(-1)).toMatch(/^(un)?subscribe aborted$/);
  });

  it('does not go out when the lead ended while its batch was collected', async () => {
    await clock.advance(RENEW_DEADLINE_MS - 20);
    const page = world.page();
    const pending = [
      rejection(world.graph.subscribe(page, ['messages'], background)),
      rejection(world.graph.subscribe(world.page('1000'), ['messages'], background)),
    ];
    await clock.advance(50);
    for (const error of await Promise.all(pending)) expect(error).toBeInstanceOf(NotLeaderError);
    expect(world.sim.control.calls()).toEqual([]);
  });

  it('goes out with the fence open, and reads go whether it is open or not', async () => {
    await world.graph.subscribe(world.page(), ['messages'], world.options);
    await clock.advance(RENEW_DEADLINE_MS);
    expect((await world.graph.observe(world.page(), world.options)).subscribed).toBe(true);
  });

  it.each([
    ['alone', 'subscribed_apps', 1],
    ['in a batch', 'batch', 2],
  ] as const)('is cut off %s after 4.5 s, its outcome unknown', async (_name, operation, count) => {
    world.sim.control.addFault({ operation, effect: { kind: 'hang' } });
    const pending = Array.from({ length: count }, (_, i) =>
      rejection(world.graph.subscribe(world.page(String(1_000 + i)), ['messages'], background)),
    );
    await clock.advance(50);
    await eventually(() => world.sim.control.calls().length > 0);
    await clock.advance(4_500);
    for (const error of await Promise.all(pending)) {
      expect(error).toBeInstanceOf(TransientError);
      expect(error.message).toContain('no answer within 4.5 s');
    }
  });
});
