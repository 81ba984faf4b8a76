import { describe, expect, it } from '@jest/globals';
import { bodyLengthOf, bodyOf } from '../../../src/core/domain/event.js';
import type { PostVerdict, RoutedPost } from '../../../src/core/ports/delivery.js';
import type { PageRoute } from '../../../src/core/ports/page-lookup.js';
import { silentLogger, type LogFields, type Logger } from '../../../src/kit/log.js';
import type { FakeClock } from '../../support/fake-clock.js';
import { aRig, aText, bodyAt, routed, verdictOf, type Rig } from './fakes.js';

type Named = Pick<PageRoute, 'key' | 'appId' | 'pageId' | 'owner'>;

function page(name: string, namespace: string, appId = 'app'): Named {
  return { key: `${appId}/${name}`, appId, pageId: name, owner: { namespace, name, uid: name } };
}

const GREEDY = page('1', 'greedy');
const VICTIM = page('2', 'victim');

/** A POST of so many messages, each of another person. */
function postOf(clock: FakeClock, to: Named, count: number, set: Partial<PageRoute> = {}): RoutedPost {
  const items = Array.from({ length: count }, () => aText(`${to.key}-${nextMid}`, 'x', `u${nextMid++}`));
  const body = bodyAt(clock, ...items);
  const post = routed(body, clock, { ...to, target: targetOf(to), ...set });
  return { ...post, verified: { bytes: Buffer.from(body), signature: '' } };
}
let nextMid = 0;

function targetOf({ pageId, owner }: Named): PageRoute['target'] {
  return { kind: 'service', namespace: owner.namespace, name: `bot-${pageId}`, port: 80, path: '/' };
}

/** The greedy page's bot takes 3.9 seconds. */
function slowGreed({ bots }: Rig): void {
  bots.answer = (sent) =>
    sent.request.target.kind === 'service' && sent.request.target.namespace === 'greedy' ? bots.after(3_900, 200) : 200;
}

function send({ delivery, clock }: Rig, to: Named, count: number, set?: Partial<PageRoute>): Promise<PostVerdict> {
  return verdictOf(delivery, postOf(clock, to, count, set));
}

describe('one POST of many events for a page with a slow bot', () => {
  it('costs no other page a 503, before and after it was answered itself', async () => {
    const rig = aRig();
    slowGreed(rig);
    const greedy = send(rig, GREEDY, 48_000, { maxInFlight: 1_000 });
    const verdicts: PostVerdict[] = [];
    for (let second = 0; second < 60; second++) {
      verdicts.push(await send(rig, VICTIM, 5));
      await rig.clock.advance(1_000);
    }

    expect(await greedy).toBe('unavailable');
    expect(verdicts.filter((verdict) => verdict !== 'done')).toEqual([]);
    expect(rig.observed.items).toBe(0);
  });

  it('fills the lane of its page up to its bound, counted in items, and delivers the rest in its retries', async () => {
    const { bots, deliver, observed, clock } = aRig({ limits: { laneDepth: 4 } });
    const items = Array.from({ length: 30 }, (_, i) => aText(`m${i}`, String(i), `u${i}`));
    const body = bodyAt(clock, ...items);
    bots.answer = () => bots.after(10, 200);
    const verdicts: PostVerdict[] = [];
    for (let i = 0; i < 4; i++) {
      const verdict = deliver(body, { maxInFlight: 2 });
      await clock.advance(4_000);
      verdicts.push(await verdict);
    }

    expect(verdicts).toEqual(['unavailable', 'unavailable', 'unavailable', 'done']);
    expect(observed.counts['why:lane_full']).toBe(22 + 14 + 6);
    expect(bots.texts).toEqual(items.map((_, i) => String(i)));
  });

  it('writes a few debug lines, and one that says how many were left out', async () => {
    const lines: [string, LogFields | undefined][] = [];
    const log: Logger = { ...silentLogger, debug: (message, fields) => lines.push([message, fields]) };
    const { deliver, clock } = aRig({ log, limits: { laneDepth: 1 } });
    const items = Array.from({ length: 1_000 }, (_, i) => aText(`m${i}`, 'x', `u${i}`));

    await deliver(bodyAt(clock, ...items), { maxInFlight: 1 });

    expect(lines).toHaveLength(21);
    expect(lines.at(-1)).toEqual(['left out debug lines about one POST', expect.objectContaining({ lines: 979 })]);
  });
});

describe('many POSTs for a page with a slow bot and a maxInFlight of 1,000', () => {
  it('do not take the places of another page', async () => {
    const rig = aRig({ limits: { maxPosts: 100 } });
    slowGreed(rig);
    const greedy = Array.from({ length: 100 }, () => send(rig, GREEDY, 1, { maxInFlight: 1_000 }));
    const victims = await Promise.all(Array.from({ length: 20 }, () => send(rig, VICTIM, 1)));

    expect(victims.filter((verdict) => verdict !== 'done')).toEqual([]);
    expect(rig.observed.counts['why:over_share']).toBe(33);
    await rig.clock.advance(4_000);
    expect((await Promise.all(greedy)).filter((verdict) => verdict === 'done')).toHaveLength(67);
    expect(await send(rig, VICTIM, 1)).toBe('done');
  });

  it('give their places back when Meta was answered, although requests go on', async () => {
    const rig = aRig({ limits: { maxPosts: 10 } });
    rig.bots.answer = () => rig.bots.after(7_000, 200);
    for (let i = 0; i < 6; i++) void send(rig, GREEDY, 1, { maxInFlight: 1_000 });
    await rig.clock.advance(4_000);

    rig.bots.answer = () => 200;
    const next = Array.from({ length: 6 }, () => send(rig, GREEDY, 1, { maxInFlight: 1_000 }));
    expect(new Set(await Promise.all(next))).toEqual(new Set(['done']));
  });
});

describe('bytes', () => {
  it.each<[string, Named]>([
    ['page', page('3', 'greedy')],
    ['namespace', VICTIM],
    ['app', page('2', 'victim', 'other')],
  ])('that a page may hold leave room for another %s', async (_, other) => {
    const rig = aRig({ limits: { maxHeldBytes: 300_000 } });
    slowGreed(rig);
    for (let i = 0; i < 40; i++) void send(rig, GREEDY, 100, { maxEventsPerRequest: 0, maxInFlight: 1_000 });
    rig.bots.answer = () => 200;

    expect(rig.observed.counts['why:over_share']).toBeGreaterThan(0);
    expect(await send(rig, other, 5)).toBe('done');
  });
});

describe('an entry that has no share left', () => {
  it('does not keep the other entries of its POST from their bots', async () => {
    const rig = aRig({ limits: { maxPosts: 8 } });
    slowGreed(rig);
    for (let i = 0; i < 8; i++) void send(rig, GREEDY, 1, { maxInFlight: 1_000 });
    const mixed = postOf(rig.clock, VICTIM, 1);
    const both = { ...mixed, entries: [...postOf(rig.clock, GREEDY, 1).entries, ...mixed.entries] };
    rig.bots.sent.length = 0;

    expect(await verdictOf(rig.delivery, both)).toBe('unavailable');
    expect(rig.bots.sent.map(({ request }) => request.target)).toEqual([targetOf(VICTIM)]);
  });
});

describe('the length of a body', () => {
  it.each<[string, string[], number]>([
    ['a body that goes through whole', ['m1', 'm2'], 2],
    ['a part of an entry', ['m1', 'm2', 'm3'], 2],
    ['one item', ['m1', 'm2', 'm3'], 1],
  ])('is known before it is made: %s', (_, mids, count) => {
    const { clock } = aRig();
    const entry = routed(bodyAt(clock, ...mids.map((mid) => aText(mid, 'x'))), clock).entries[0]?.entry;
    if (entry === undefined) throw new Error('no entry');
    const items = entry.items.slice(0, count);

    expect(bodyLengthOf(entry, items)).toBe(bodyOf(entry, items).length);
  });
});
