import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { freePorts } from '../support/control-plane-process.js';
import { MoodyBot } from './support/bad-bots.js';
import { APP_SECRET, startEdge, type Edge } from './support/edge.js';
import { bodyOf, entryOf, pageId, PAGES } from './support/neighbours.js';
import { atRate } from './support/numbers.js';
import { send } from './support/send.js';

const [HANGING, DEAD, FAILING, SLOW] = [0, 1, 2, 3].map(pageId) as [string, string, string, string];
const WELL = Array.from({ length: PAGES - 4 }, (_, i) => pageId(i + 4));

let well: MoodyBot;
let moody: readonly MoodyBot[];
let edge: Edge;

beforeEach(async () => {
  well = await MoodyBot.start();
  moody = await Promise.all((['hanging', 'failing', 'slow'] as const).map(async (mood) => Object.assign(await MoodyBot.start(), { mood })));
  const [dead = 0] = await freePorts(1);
  const [hanging, failing, slow] = moody;
  const bad = new Map([
    [HANGING, hanging?.port ?? 0],
    [DEAD, dead],
    [FAILING, failing?.port ?? 0],
    [SLOW, slow?.port ?? 0],
  ]);
  edge = await startEdge({ pages: new Map([...bad, ...WELL.map((page) => [page, well.port] as const)]) });
});

afterEach(async () => {
  await edge.stop();
  await Promise.all([well, ...moody].map((bot) => bot.stop()));
});

const post = (...entries: readonly string[]): Promise<number> => send({ port: edge.port, secret: APP_SECRET }, bodyOf(...entries));

describe('200 pages, of which four have a bot that hangs, is dead, fails or takes 3.9 s', () => {
  it('answers the others at once, delivers each event once, and asks Meta to send the bad ones again', async () => {
    const took: number[] = [];
    const answers = new Map<string, number[]>();
    const statuses: number[] = [];

    await atRate(150, 6, async (n) => {
      if (n % 10 === 0) {
        const page = [HANGING, DEAD, FAILING, SLOW][(n / 10) % 4] ?? '';
        const status = await post(entryOf(page, `bad_${n}`));
        answers.set(page, [...(answers.get(page) ?? []), status]);
        return;
      }
      const began = performance.now();
      statuses.push(await post(entryOf(WELL[n % WELL.length] ?? '', `well_${n}`)));
      took.push(performance.now() - began);
    });

    expect(statuses.filter((status) => status !== 200)).toEqual([]);
    expect([...well.came.keys()].filter((mid) => mid.startsWith('well_'))).toHaveLength(statuses.length);
    expect(well.again).toEqual([]);
    // Far from the four seconds that a neighbour's bot takes, however slow the machine is.
    expect(Math.max(...took)).toBeLessThan(2_000);
    for (const page of [HANGING, DEAD, FAILING]) expect(new Set(answers.get(page))).toEqual(new Set([503]));
    expect(answers.get(SLOW)).toContain(200);
  }, 30_000);

  it('delivers the well part of a mixed POST at once and only once, however often Meta sends it', async () => {
    const mixed = [entryOf(WELL[0] ?? '', 'mixed_well'), entryOf(HANGING, 'mixed_hanging'), entryOf(FAILING, 'mixed_failing')];
    const began = performance.now();
    const first = post(...mixed);
    while (!well.came.has('mixed_well') && performance.now() - began < 2_000) await new Promise((resolve) => setTimeout(resolve, 5));

    expect(well.came.has('mixed_well')).toBe(true);
    expect(await first).toBe(503);
    for (const bot of moody) bot.mood = 'well';
    let status = 503;
    for (let i = 0; i < 20 && status !== 200; i++) {
      status = await post(...mixed);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }

    expect(status).toBe(200);
    expect(well.again).toEqual([]);
    expect(moody[0]?.came.has('mixed_hanging')).toBe(true);
    expect(moody[1]?.came.has('mixed_failing')).toBe(true);
  }, 30_000);
});
