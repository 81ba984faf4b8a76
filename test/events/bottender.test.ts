import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { APP_ID, BottenderWorld, type BottenderOptions, type BotRecord } from './support/bottender-world.js';
import { BottenderPosts, type SentItem } from './support/bottender-posts.js';

const BOTS: readonly BottenderOptions[] = [
  { name: 'plain', batch: false, sync: false },
  { name: 'sync', batch: false, sync: true },
  { name: 'batch', batch: true, sync: false },
  { name: 'batch-sync', batch: true, sync: true },
];
const POSTS = 1_050;
const AT_ONCE = 12;

let world: BottenderWorld;
let items: readonly SentItem[];
let records: ReadonlyMap<string, BotRecord>;
let statuses: number[];

beforeAll(async () => {
  world = await BottenderWorld.start(BOTS, 3);
  const posts = new BottenderPosts([...world.pages.keys()]);
  // Until every page has its route, and its token is proven.
  for (const page of world.pages.keys())
    await eventually(async () => (await post(posts.text(page))) === 200, 20_000, `page ${page} led to its bot`);
  statuses = [];
  let begun = 0;
  const work = async (): Promise<void> => {
    while (begun++ < POSTS) statuses.push(await post(posts.next()));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  items = posts.sent;
  const texts = items.filter(({ answered }) => answered).length;
  await eventually(() => world.sim.control.messages().length >= texts, 30_000, `${texts} replies`).catch(() => undefined);
  records = new Map(await Promise.all(BOTS.map(async ({ name }) => [name, await world.record(name)] as const)));
}, 170_000);

afterAll(async () => {
  await world.stop();
});

/** @returns the status */
async function post(body: unknown): Promise<number> {
  const { delivery } = await world.sim.control.send({ appId: APP_ID, body, retry: false });
  return delivery?.attempts[0]?.status ?? 0;
}

describe('Bottender 1.5.5 behind the operator', () => {
  it('gets POSTs of every shape, and Meta is told 200 for each', () => {
    expect(statuses).toHaveLength(POSTS);
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
    expect(items.length).toBeGreaterThan(2 * POSTS);
  });

  for (const { name, batch, sync } of BOTS) {
    it(`handles each item once, ${batch ? 'with' : 'without'} batchConfig and sync ${sync ? 'on' : 'off'}`, () => {
      const record = records.get(name);
      const sent = items.filter(({ page }) => world.pages.get(page) === name);
      const handled = record?.handled ?? [];

      expect(handled.map((one) => one.handled).sort()).toEqual(sent.map(({ timestamp }) => timestamp).sort());
      const standby = new Set(sent.filter((one) => one.standby).map(({ timestamp }) => timestamp));
      expect(handled.filter((one) => one.standby !== standby.has(one.handled))).toEqual([]);
      expect(new Set(record?.statuses)).toEqual(new Set([200]));
    });

    it(`answers each text once with its Page's token, ${batch ? 'with' : 'without'} batchConfig and sync ${sync ? 'on' : 'off'}`, () => {
      const texts = items.filter(({ page, answered }) => answered && world.pages.get(page) === name);
      const replies = world.sim.control.messages().filter(({ pageId }) => world.pages.get(pageId) === name);

      const wanted = texts.map(({ timestamp, page }) => `re ${timestamp} token-${page}`).sort();
      expect(replies.map(({ text, token }) => `${text ?? ''} ${token}`).sort()).toEqual(wanted);
    });
  }

  it('sent a right appsecret_proof with every call', () => {
    const calls = world.sim.control.calls().filter(({ shape, method }) => method === 'POST' && shape.endsWith('/messages'));
    expect(calls.length).toBeGreaterThan(0);
    expect(calls.filter(({ proof }) => proof !== 'right')).toEqual([]);
  });
});
