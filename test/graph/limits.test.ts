import { afterEach, describe, expect, it } from '@jest/globals';
import { tell } from './support/cold-start.js';
import { perPage } from './support/rates.js';
import { DAY_MS, GraphWorld, HOUR_MS, MINUTE_MS, type TestPage } from './support/world.js';

const PAGES = 60;
let world: GraphWorld;

afterEach(() => world.close());

async function settled(): Promise<readonly TestPage[]> {
  world = await GraphWorld.make();
  const pages = Array.from({ length: PAGES }, () => world.addPage({ subscribed: true }));
  world.start();
  await world.until(() => world.summary()['True'] === PAGES, MINUTE_MS);
  await world.clock.advance(HOUR_MS);
  return pages;
}

describe('a throttle of one page', () => {
  it('costs that page a call an interval at most, and the others nothing', async () => {
    const pages = await settled();
    const [first] = pages;
    world.sim.control.addFault({ pageId: first?.pageId ?? '', effect: { kind: 'throttle', code: 80001, regainMinutes: 45 } });
    const since = world.lastCall;
    await world.clock.advance(6 * HOUR_MS);
    const [throttled, ...others] = perPage(world.calls(since), pages);
    tell(
      `6 h of a throttle of 45 min: ${throttled?.reads} reads of that page, ${Math.min(...others.map(({ reads }) => reads))} to ${Math.max(...others.map(({ reads }) => reads))} of each other`,
    );

    expect(throttled?.reads).toBeLessThanOrEqual(9);
    expect(throttled?.reads).toBeGreaterThanOrEqual(6);
    for (const { reads } of others) expect(reads).toBeGreaterThanOrEqual(11);
    expect(world.summary()['True']).toBeGreaterThanOrEqual(PAGES - 1);
    expect(world.appCondition('Ready')?.status).toBe('True');

    world.sim.control.removeFault();
    await world.clock.advance(HOUR_MS);
    expect(world.summary()).toEqual({ True: PAGES });
    expect(world.events.filter(({ event }) => event.type === 'Warning')).toEqual([]);
  }, 60_000);
});

describe('a throttle of the whole app', () => {
  it('lets a probe a minute through, says it once at the app, and everything recovers', async () => {
    const pages = await settled();
    const statuses = world.pages.statusWrites.length;
    const fault = world.sim.control.addFault({ effect: { kind: 'throttle', code: 4 } });
    // The first minutes go by until somebody calls and is told.
    await world.until(() => world.appCondition('GraphReachable')?.status === 'False', 10 * MINUTE_MS);
    const since = world.lastCall;
    await world.clock.advance(45 * MINUTE_MS);
    const calls = world.calls(since).length;
    tell(`45 min of a throttle of the app with ${PAGES} pages: ${calls} calls (${PAGES * 1.5} without)`);

    expect(calls).toBeLessThanOrEqual(45);
    expect(world.appCondition('GraphReachable')?.reason).toBe('RateLimited');
    expect(world.summary()).toEqual({ True: PAGES });
    expect(world.pages.statusWrites).toHaveLength(statuses);

    world.sim.control.removeFault(fault.id);
    const healed = world.lastCall;
    const beganMs = world.clock.monotonicMs();
    await world.until(() => world.appCondition('GraphReachable')?.status === 'True', HOUR_MS);
    const minutes = (world.clock.monotonicMs() - beganMs) / MINUTE_MS;
    await world.clock.advance(90 * MINUTE_MS);
    const rates = perPage(world.calls(healed), pages);
    tell(
      `the app is well ${minutes.toFixed(1)} min after the throttle, each page has been read ${Math.min(...rates.map(({ reads }) => reads))} times or more 90 min later`,
    );
    expect(minutes).toBeLessThan(30);
    for (const { reads } of rates) expect(reads).toBeGreaterThanOrEqual(1);
    expect(world.summary()).toEqual({ True: PAGES });
  }, 60_000);
});

describe('a refused app secret', () => {
  it('parks all pages behind one probe, changes none of them, and is over with the new secret', async () => {
    await settled();
    const statuses = world.pages.statusWrites.length;
    world.sim.control.makeApp({ id: world.app().spec.appId, secret: 'another-secret-0123456789', requireProof: true });
    await world.until(() => world.appCondition('CredentialsValid')?.status === 'False', HOUR_MS);
    const since = world.lastCall;
    await world.clock.advance(6 * HOUR_MS);
    const calls = world.calls(since).length + world.requests(since).filter(({ shape }) => shape === '/ (batch)').length;
    tell(`6 h of a refused app secret with ${PAGES} pages: ${calls} calls`);

    expect(calls).toBeLessThanOrEqual(40);
    expect(world.appCondition('CredentialsValid')?.reason).toBe('AppSecretInvalid');
    // Not looked at for that long they are Unknown: one write each, and none that says anything is
    // wrong with them.
    expect(world.summary()).toEqual({ 'Unknown/GraphUnavailable': PAGES });
    expect(world.pages.statusWrites).toHaveLength(statuses + PAGES);
    expect(world.events.filter(({ name, event }) => name !== 'main' && event.type === 'Warning')).toEqual([]);

    world.secrets.put('bots/main', { appSecret: 'another-secret-0123456789', verifyToken: 'verify-me' });
    await world.clock.advance(MINUTE_MS);
    expect(world.appCondition('Ready')?.status).toBe('True');
    expect(world.summary()).toEqual({ True: PAGES });
  }, 60_000);
});

describe('Graph down for a day', () => {
  it('flips no page to False, costs no more than documented, and all is well within an interval of healing', async () => {
    const pages = await settled();
    const [statuses, appStatuses] = [world.pages.statusWrites.length, world.apps.statusWrites.length];
    const seen = new Set<string>();
    world.sim.control.addFault({ effect: { kind: 'http', status: 503 } });
    const since = world.lastCall;
    for (let hour = 0; hour < 24; hour++) {
      await world.clock.advance(HOUR_MS);
      for (const text of Object.keys(world.summary())) seen.add(text);
    }
    const calls = world.calls(since);
    const rates = perPage(calls, pages).map(({ reads, inspections }) => reads + inspections);
    const ofApp = calls.filter(({ shape }) => shape === '/{app-id}/subscriptions').length;
    tell(`a day without Graph: at most ${Math.max(...rates)} calls a page, ${ofApp} of the app`);

    expect([...seen].sort()).toEqual(['True', 'Unknown/GraphUnavailable']);
    expect(Math.max(...rates)).toBeLessThanOrEqual(104);
    expect(ofApp).toBeLessThanOrEqual(300);
    // One write a page, and few of the app, which counts its pages.
    expect(world.pages.statusWrites).toHaveLength(statuses + PAGES);
    expect(world.apps.statusWrites.length - appStatuses).toBeLessThan(PAGES + 5);
    expect(world.appCondition('GraphReachable')?.reason).toBe('GraphUnavailable');

    world.sim.control.removeFault();
    const beganMs = world.clock.monotonicMs();
    await world.until(() => world.summary()['True'] === PAGES && world.appCondition('Ready')?.status === 'True', 30 * MINUTE_MS);
    tell(`all is well ${((world.clock.monotonicMs() - beganMs) / MINUTE_MS).toFixed(1)} min after healing`);
    expect(world.calls(since).filter(({ method }) => method !== 'GET')).toEqual([]);
    expect(world.events.filter(({ name, event }) => name !== 'main' && event.type === 'Warning')).toEqual([]);
  }, 60_000);

  it('and one page that fails alone costs no more than twice a page at rest', async () => {
    const pages = await settled();
    const [first] = pages;
    world.sim.control.addFault({ pageId: first?.pageId ?? '', effect: { kind: 'error', code: 2 } });
    const since = world.lastCall;
    await world.clock.advance(DAY_MS);
    const [failing] = perPage(world.calls(since), pages);
    const app = world.calls(since).filter(({ shape }) => shape === '/{app-id}/subscriptions').length;
    tell(`a day of one failing page: ${failing?.reads} reads of it, ${app} of the app`);

    expect(failing?.reads).toBeLessThanOrEqual(100);
    expect(failing?.inspections).toBeLessThanOrEqual(4);
    expect(world.ready(first?.name ?? '')).toBe('Unknown/GraphUnavailable');
    expect(world.summary()['True']).toBe(PAGES - 1);
  }, 60_000);
});

describe("a refusal of the app's credentials in calls about one Page", () => {
  it('sets that page aside with a reason of its own; the app and all other pages are Ready', async () => {
    world = await GraphWorld.make();
    const pages = Array.from({ length: PAGES }, () => world.addPage({ subscribed: true }));
    const [first] = pages;
    world.sim.control.addFault({
      inspectedPageId: first?.pageId ?? '',
      effect: { kind: 'error', code: 190, message: 'Invalid OAuth access token' },
    });
    world.start();
    await world.until(() => world.summary()['True'] === PAGES - 1, MINUTE_MS);
    await world.clock.advance(2 * HOUR_MS);

    expect(world.summary()).toEqual({ True: PAGES - 1, 'False/TokenMalformed': 1 });
    expect(world.ready(first?.name ?? '')).toBe('False/TokenMalformed');
    expect(world.appCondition('CredentialsValid')?.status).toBe('True');

    world.sim.control.removeFault();
    await world.clock.advance(2 * HOUR_MS);
    expect(world.summary()).toEqual({ True: PAGES });
  });
});
