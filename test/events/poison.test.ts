import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startSimulator, type RunningSimulator } from '../../src/simulator/simulator.js';
import { RecordingBot } from '../support/bot-server.js';
import { APP_ID, APP_SECRET, startEdge, type Edge } from './support/edge.js';
import { VirtualClock } from './support/virtual-clock.js';

// Not one of the pauses between two attempts, so that the clock can tell them apart.
const META_WAITS_MS = 4_999;
const MINUTE = 60_000;
const [SICK, WELL, OTHER] = ['104500000000001', '104500000000002', '104500000000003'] as const;
const PAGES = [SICK, WELL, OTHER];

let clock: VirtualClock;
let sim: RunningSimulator;
let bot: RecordingBot;
let sickBot: RecordingBot;
let edge: Edge;
let sent: string[];

beforeEach(async () => {
  clock = new VirtualClock(META_WAITS_MS);
  [sim, bot, sickBot] = await Promise.all([startSimulator({ clock }), RecordingBot.start(APP_SECRET), RecordingBot.start(APP_SECRET)]);
  const ports = new Map(PAGES.map((page) => [page, page === SICK ? sickBot.port : bot.port]));
  edge = await startEdge({ clock, pages: ports });
  sim.control.makeApp({ id: APP_ID, secret: APP_SECRET });
  sim.control.config({ deliveryTimeoutMs: META_WAITS_MS });
  sim.control.setAppSubscription(APP_ID, 'page', { callbackUrl: `http://127.0.0.1:${edge.port}/webhooks/messenger`, fields: ['messages'] });
  for (const id of PAGES) {
    sim.control.makePage({ id });
    sim.control.setFields(APP_ID, id, ['messages']);
  }
  sent = [];
});

afterEach(async () => {
  await sim.stop();
  await edge.stop();
  await Promise.all([bot.stop(), sickBot.stop()]);
});

function item(page: string, user: string, mid: string): unknown {
  sent.push(mid);
  return { sender: { id: user }, recipient: { id: page }, timestamp: clock.nowMs(), message: { mid, text: mid } };
}

function entry(page: string, ...items: readonly unknown[]): { id: string; time: number; messaging: readonly unknown[] } {
  return { id: page, time: clock.nowMs(), messaging: items };
}

/** Every minute one message of each page, in a POST of its own. */
async function traffic(minutes: number, from: number): Promise<void> {
  for (let i = from; i < from + minutes; i++) {
    for (const page of PAGES) sim.control.startSending({ appId: APP_ID, entries: [entry(page, item(page, `9${i % 7}`, `${page}-${i}`))] });
    await clock.pass(MINUTE);
  }
}

function arrived(): string[] {
  return [...bot.mids(), ...sickBot.mids()].sort();
}

describe('over three hours', () => {
  it('gives up one poisoned event, and nothing else comes to harm', async () => {
    let tried = 0;
    sickBot.answer = ({ body }) => {
      if (!body.includes('"poison"')) return { status: 200 };
      tried++;
      return { status: 500 };
    };
    await traffic(5, 0);
    // Around it: the same conversation before and after, another one of its page, other pages, its
    // page once more.
    sim.control.startSending({
      appId: APP_ID,
      entries: [
        entry(WELL, item(WELL, '11', 'well')),
        entry(SICK, item(SICK, '12', 'before'), item(SICK, '12', 'poison'), item(SICK, '12', 'after'), item(SICK, '13', 'aside')),
        entry(OTHER, item(OTHER, '14', 'other')),
        entry(SICK, item(SICK, '12', 'last')),
      ],
    });
    await traffic(175, 5);

    expect(tried).toBeGreaterThan(5);
    expect(edge.counts.delivery.counts['messaging:dropped']).toBe(1);
    expect(edge.counts.delivery.counts['alert:dropped']).toBe(1);
    expect(edge.counts.delivery.counts['messaging:refused']).toBeUndefined();
    expect(arrived().filter((mid) => mid !== 'poison')).toEqual(sent.filter((mid) => mid !== 'poison').sort());
    expect(sickBot.mids().filter((mid) => ['before', 'after', 'last'].includes(mid))).toEqual(['before', 'after', 'last']);
    const deliveries = sim.control.deliveries();
    expect(new Set(deliveries.map(({ state }) => state))).toEqual(new Set(['delivered']));
    expect(deliveries.every(({ at, attempts }) => (attempts.at(-1)?.at ?? 0) - at < 60 * MINUTE)).toBe(true);
    for (const page of PAGES) expect(sim.control.fields(APP_ID, page)).toEqual(['messages']);
  }, 120_000);

  it('loses nothing of a bot that refuses everything for less than the give-up time, and raises its alert', async () => {
    await traffic(5, 0);
    // It accepts nothing more, as with a wrong secret; its neighbours go on. After ten minutes its
    // refusals mean nothing.
    sickBot.answer = () => ({ status: 503 });
    await traffic(11, 5);
    sickBot.answer = () => ({ status: 400 });
    await traffic(8, 16);
    const counted = { ...edge.counts.delivery.counts };
    sickBot.answer = () => ({ status: 200 });
    const before = sickBot.mids().length;
    await traffic(60, 24);

    expect(counted['alert:refuses_everything']).toBeGreaterThan(0);
    expect(counted['why:refusals_not_trusted']).toBeGreaterThan(0);
    expect(edge.counts.delivery.counts['messaging:refused']).toBeUndefined();
    expect(edge.counts.delivery.counts['messaging:dropped']).toBeUndefined();
    const accepted = new Set([...bot.mids(), ...sickBot.mids().slice(before)]);
    const early = Array.from({ length: 5 }, (_, i) => `${SICK}-${i}`);
    expect(sent.filter((mid) => !accepted.has(mid) && !early.includes(mid))).toEqual([]);
    expect(new Set(sim.control.deliveries().map(({ state }) => state))).toEqual(new Set(['delivered']));
  }, 120_000);

  it('loses no more than five events of a bot that was well until a rollout gave it a wrong secret', async () => {
    await traffic(5, 0);
    sickBot.answer = () => ({ status: 400 });
    await traffic(15, 5);
    const refused = edge.counts.delivery.counts['messaging:refused'];
    sickBot.answer = () => ({ status: 200 });
    const before = sickBot.mids().length;
    await traffic(60, 20);

    expect(refused).toBe(5);
    expect(edge.counts.delivery.counts['messaging:refused']).toBe(5);
    expect(edge.counts.delivery.counts['messaging:dropped']).toBeUndefined();
    expect(edge.counts.delivery.counts['alert:refuses_everything']).toBeGreaterThan(0);
    const late = sickBot.mids().slice(before);
    const ofRollout = Array.from({ length: 15 }, (_, i) => `${SICK}-${i + 5}`);
    expect(ofRollout.filter((mid) => !late.includes(mid))).toEqual(ofRollout.slice(0, 5));
    expect(new Set(sim.control.deliveries().map(({ state }) => state))).toEqual(new Set(['delivered']));
  }, 120_000);

  it('gives up what a bot with a wrong secret refuses for longer, before Meta unsubscribes the page', async () => {
    sickBot.answer = () => ({ status: 400 });
    await traffic(90, 0);
    await clock.pass(60 * MINUTE);

    const { counts } = edge.counts.delivery;
    expect(counts['alert:refuses_everything']).toBeGreaterThan(0);
    expect(counts['messaging:dropped']).toBe(90);
    expect(new Set(sim.control.deliveries().map(({ state }) => state))).toEqual(new Set(['delivered']));
    expect(sim.control.fields(APP_ID, SICK)).toEqual(['messages']);
    expect([...bot.mids()].sort()).toEqual(sent.filter((mid) => !mid.startsWith(SICK)).sort());
  }, 120_000);
});
