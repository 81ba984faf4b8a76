import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AppCredentialError, RateLimitedError } from '../../../src/core/domain/errors.js';
import { Secret } from '../../../src/core/secrets/secret.js';
import type { GraphOperation } from '../../../src/graph/operations.js';
import type { GraphResult } from '../../../src/graph/observer.js';
import { Throttle } from '../../../src/graph/throttle.js';
import { FakeClock } from '../../support/fake-clock.js';
import { APP_ID, graphWorld, PAGE_ID, rejection, type GraphWorld } from './world.js';

const MINUTE = 60_000;

let clock: FakeClock;
let world: GraphWorld;
let told: [GraphOperation, GraphResult][];

beforeEach(async () => {
  clock = new FakeClock();
  told = [];
  const observer = {
    call: (operation: GraphOperation, result: GraphResult) => told.push([operation, result]),
    request: () => undefined,
    otherVersion: () => undefined,
  };
  world = await graphWorld({ clock, observer });
});

afterEach(() => world.close());

const calls = (): number => world.sim.control.calls().length;
const observe = (pageId?: string) => world.graph.observe(world.page(pageId), world.options);

describe('a throttle of one page', () => {
  it('holds back that page for as long as Graph says, and no other', async () => {
    world.sim.control.addFault({ pageId: PAGE_ID, times: 1, effect: { kind: 'throttle', code: 80001, regainMinutes: 10 } });
    expect(await rejection(observe())).toMatchObject({ retryAfterMs: 10 * MINUTE, scope: 'page' });
    const sent = calls();

    await clock.advance(4 * MINUTE);
    const held = await rejection(observe());
    expect(held).toBeInstanceOf(RateLimitedError);
    expect(held).toMatchObject({ retryAfterMs: 6 * MINUTE, scope: 'page' });
    expect(calls()).toBe(sent);
    await expect(observe('777')).resolves.toMatchObject({ subscribed: false });

    await clock.advance(6 * MINUTE);
    await expect(observe()).resolves.toMatchObject({ subscribed: false });
    expect(told.map(([, result]) => result)).toEqual(['wait', 'blocked', 'success', 'success']);
  });

  it('doubles a wait that Graph does not name, up to an hour, and begins anew after a good call', async () => {
    const waits: number[] = [];
    const throttle = world.sim.control.addFault({ effect: { kind: 'error', code: 32 } });
    for (let i = 0; i < 6; i++) {
      const error = await rejection(observe());
      const ms = error instanceof RateLimitedError ? error.retryAfterMs : Number.NaN;
      waits.push(ms / MINUTE);
      await clock.advance(ms);
    }
    expect(waits).toEqual([5, 10, 20, 40, 60, 60]);
    world.sim.control.removeFault(throttle.id);
    await observe();
    world.sim.control.addFault({ times: 1, effect: { kind: 'error', code: 32 } });
    expect(await rejection(observe())).toMatchObject({ retryAfterMs: 5 * MINUTE });
  });

  it('holds it back too where a good answer says that its budget is spent', async () => {
    const throttle = new Throttle(clock);
    const call = (pageId: string) => ({ auth: { app: world.app }, pageId });
    const ticket = throttle.admit(call(PAGE_ID));
    throttle.observe({ appPercent: 10, pagePercent: 100, regainMs: 3 * MINUTE }, world.app, PAGE_ID);
    throttle.succeeded(ticket, world.app, PAGE_ID);
    expect(throttle.refuses(call(PAGE_ID))).toMatchObject({ retryAfterMs: 3 * MINUTE, scope: 'page' });
    expect(throttle.refuses(call('777'))).toBeUndefined();
    await clock.advance(3 * MINUTE);
    expect(throttle.refuses(call(PAGE_ID))).toBeUndefined();
  });
});

describe('a throttle of the whole app', () => {
  it('lets one call a minute through as a probe, and everything once that is good', async () => {
    const throttle = world.sim.control.addFault({ effect: { kind: 'throttle', code: 4 } });
    expect(await rejection(observe())).toMatchObject({ retryAfterMs: 5 * MINUTE, scope: 'app' });
    const sent = calls();
    for (const pageId of ['1', '2', '3', '4']) expect(await rejection(observe(pageId))).toMatchObject({ scope: 'app' });
    expect(await rejection(world.graph.inspectToken(world.app, world.page().token, world.options))).toBeInstanceOf(RateLimitedError);
    expect(calls()).toBe(sent);

    for (let minute = 1; minute <= 3; minute++) {
      await clock.advance(MINUTE);
      for (const pageId of ['1', '2', '3', '4']) await rejection(observe(pageId));
      expect(calls() - sent).toBe(minute);
    }

    world.sim.control.removeFault(throttle.id);
    await clock.advance(MINUTE);
    await Promise.all(['1', '2', '3'].map((pageId) => observe(pageId).catch(() => undefined)));
    await Promise.all(['1', '2', '3'].map((pageId) => observe(pageId)));
  });

  it('leaves other apps alone', async () => {
    world.sim.control.makeApp({ id: '999', secret: 'other' });
    const other = { appId: '999', appSecret: new Secret('app-secret', 'other'), graphVersion: 'v25.0' };
    world.sim.control.addFault({ appId: APP_ID, effect: { kind: 'throttle', code: 4 } });
    await rejection(observe());
    await expect(world.graph.subscriptions(other, world.options)).resolves.toEqual([]);
  });

  it('is not lifted by a call that was under way when it began', async () => {
    const slow = await graphWorld();
    try {
      slow.sim.control.addFault({ pageId: '777', times: 1, effect: { kind: 'slow', ms: 100 } });
      slow.sim.control.addFault({ pageId: PAGE_ID, times: 1, effect: { kind: 'throttle', code: 4, regainMinutes: 60 } });
      const early = slow.graph.observe(slow.page('777'), slow.options);
      await rejection(slow.graph.observe(slow.page(), slow.options));
      await early;
      expect(await rejection(slow.graph.observe(slow.page(), slow.options))).toBeInstanceOf(RateLimitedError);
    } finally {
      await slow.close();
    }
  });
});

describe('a refused app credential', () => {
  const wrong = { appId: APP_ID, appSecret: new Secret('app-secret', 'not-the-secret'), graphVersion: 'v25.0' };

  it('parks the app behind one probe a minute, and is forgotten with the new secret', async () => {
    expect(await rejection(world.graph.subscriptions(wrong, world.options))).toMatchObject({ reason: 'AppSecretInvalid' });
    const sent = calls();
    for (const pageId of ['1', '2', '3']) {
      const error = await rejection(world.graph.observe({ ...world.page(pageId), app: wrong }, world.options));
      expect(error).toBeInstanceOf(AppCredentialError);
      expect(error).toMatchObject({ reason: 'AppSecretInvalid' });
    }
    expect(calls()).toBe(sent);
    await clock.advance(MINUTE);
    await rejection(world.graph.subscriptions(wrong, world.options));
    await rejection(world.graph.subscriptions(wrong, world.options));
    expect(calls()).toBe(sent + 1);

    await expect(world.graph.subscriptions(world.app, world.options)).resolves.toEqual([]);
    await expect(observe()).resolves.toBeDefined();
  });
});

describe('pressure', () => {
  it.each([
    [0, 1],
    [50, 1],
    [51, 2],
    [80, 2],
    [81, 6],
    [100, 6],
  ])('at %i %% of the app budget stretches intervals by %i', async (percent, factor) => {
    world.sim.control.config({ appUsage: { [APP_ID]: percent } });
    await observe();
    expect(world.graph.pressure(APP_ID)).toBe(factor);
    expect(world.graph.pressure('999')).toBe(1);
    await clock.advance(61 * MINUTE);
    expect(world.graph.pressure(APP_ID)).toBe(1);
  });
});
