import { describe, expect, it } from '@jest/globals';
import { flush } from '../../support/fake-clock.js';
import { PAGE_ID } from '../webhook/fakes.js';
import { TIMEOUT, aRig, aText, bodyAt, routed } from './fakes.js';

const MINUTE = 60_000;

describe('four seconds', () => {
  it('answers unavailable 4.0 s after the last byte, goes on with what has begun, and the retry finds it done', async () => {
    const { bots, deliver, observed, clock, delivery } = aRig();
    bots.answer = (sent) => bots.after(sent.body.includes('"1"') ? 3_000 : 2_000, 200);
    const body = bodyAt(clock, aText('m1', '1'), aText('m2', '2'));
    let verdict: string | undefined;
    void deliver(body).then((v) => (verdict = v));

    await clock.advance(3_999);
    expect(verdict).toBeUndefined();
    await clock.advance(1);
    expect(verdict).toBe('unavailable');
    expect(delivery.postsInFlight).toBe(1);
    await clock.advance(1_000);
    expect(delivery.postsInFlight).toBe(0);

    expect(await deliver(body)).toBe('done');
    expect(bots.texts).toEqual(['1', '2']);
    expect(observed.counts['messaging:duplicate']).toBe(2);
  });

  it('lets a retry join what is still under way', async () => {
    const { bots, deliver, clock } = aRig();
    bots.answer = (sent) => bots.after(sent.body.includes('"1"') ? 3_000 : 2_500, 200);
    const body = bodyAt(clock, aText('m1', '1'), aText('m2', '2'));
    const first = deliver(body);
    await clock.advance(4_000);
    expect(await first).toBe('unavailable');

    const second = deliver(body);
    await clock.advance(1_500);

    expect(await second).toBe('done');
    expect(bots.texts).toEqual(['1', '2']);
  });

  it('leaves to the retry what has not begun by then', async () => {
    const { bots, deliver, observed, clock, delivery } = aRig({ limits: { circuitFailures: 1_000 } });
    bots.answer = () => bots.after(3_900, 200);
    const items = Array.from({ length: 20 }, (_, i) => aText(`m${i}`, String(i)));

    const body = bodyAt(clock, ...items);
    const verdict = deliver(body);
    await clock.advance(4_000);

    expect(await verdict).toBe('unavailable');
    expect(bots.sent).toHaveLength(2);
    expect(observed.counts['why:out_of_time']).toBe(18);
    await clock.advance(100_000);
    expect(bots.sent).toHaveLength(2);
    expect(delivery.postsInFlight).toBe(0);

    bots.answer = () => 200;
    expect(await deliver(body)).toBe('done');
    expect(bots.texts).toEqual(items.map((_, i) => String(i)));
  });

  it('gives a bot its own timeout, 4 s at most', async () => {
    const { bots, deliver, clock } = aRig();

    await deliver(bodyAt(clock, aText('m1', '1')), { timeoutMs: 1_500 });
    await deliver(bodyAt(clock, aText('m2', '2')), { timeoutMs: 30_000 });

    expect(bots.sent.map(({ request }) => request.timeoutMs)).toEqual([1_500, 4_000]);
  });
});

describe('duplicates', () => {
  it('are dropped once the first one was accepted', async () => {
    const { bots, deliver, observed, clock } = aRig();

    await deliver(bodyAt(clock, aText('m1', 'first')));
    await clock.advance(5_000);
    expect(await deliver(bodyAt(clock, aText('m1', 'again')))).toBe('done');

    expect(bots.texts).toEqual(['first']);
    expect(observed.counts['messaging:duplicate']).toBe(1);
  });

  it('are not dropped before the first one was accepted', async () => {
    const { bots, deliver, clock } = aRig();
    bots.answer = () => 500;
    await deliver(bodyAt(clock, aText('m1', '1')));
    bots.answer = () => 200;

    expect(await deliver(bodyAt(clock, aText('m1', '1')))).toBe('done');
    expect(bots.texts).toEqual(['1', '1']);
  });

  it('are not looked for within one POST', async () => {
    const { bots, deliver, clock } = aRig();
    const body = bodyAt(clock, aText('m1', '1'), aText('m1', '1'));

    expect(await deliver(body)).toBe('done');
    expect(await deliver(body)).toBe('done');
    expect(bots.texts).toEqual(['1', '1']);
  });

  it('are events again after the window', async () => {
    const { bots, deliver, clock } = aRig({ limits: { dedupeWindowMs: 1 } });
    await deliver(bodyAt(clock, aText('m1', '1')));

    await clock.advance(30 * MINUTE - 1);
    await deliver(bodyAt(clock, aText('m1', '1')));
    expect(bots.texts).toEqual(['1']);
    await clock.advance(1);
    await deliver(bodyAt(clock, aText('m1', '1')));
    expect(bots.texts).toEqual(['1', '1']);
  });
});

describe('bounds', () => {
  it('answers unavailable at once when too much is under way', async () => {
    const { bots, deliver, observed, clock } = aRig({ limits: { maxItems: 2 } });
    bots.answer = () => bots.after(100, 200);
    const held = deliver(bodyAt(clock, aText('m1', '1', 'A'), aText('m2', '2', 'B')));

    expect(await deliver(bodyAt(clock, aText('m3', '3', 'C')))).toBe('unavailable');
    expect(observed.counts['why:over_limit']).toBe(1);
    await clock.advance(100);
    expect(await held).toBe('done');
    expect(observed.items).toBe(0);
    const later = deliver(bodyAt(clock, aText('m3', '3', 'C')));
    await clock.advance(100);
    expect(await later).toBe('done');
  });

  it('tries an overdue event once, although its page’s lane is full and its time is over', async () => {
    const { bots, deliver, observed, clock } = aRig({ limits: { laneDepth: 16, circuitFailures: 1_000 } });
    const old = bodyAt(clock, aText('old', 'old', 'Z'));
    await clock.advance(30 * MINUTE);
    bots.answer = () => bots.after(4_000, 200);
    const queue = deliver(bodyAt(clock, ...Array.from({ length: 16 }, (_, i) => aText(`m${i}`, String(i), `u${i}`))), { maxInFlight: 1 });
    const overdue = deliver(old, { maxInFlight: 1 });
    await clock.advance(70_000);

    expect(await queue).toBe('unavailable');
    expect(await overdue).toBe('unavailable');
    expect(bots.texts.at(-1)).toBe('old');
    expect(await deliver(old, { maxInFlight: 1 })).toBe('done');
    expect(observed.counts['why:lane_full']).toBeUndefined();
  });

  it('bounds the bytes that are under way too', async () => {
    const { bots, deliver, clock } = aRig({ limits: { maxHeldBytes: 500 } });
    bots.answer = () => bots.after(100, 200);
    const held = deliver(bodyAt(clock, aText('m1', 'x'.repeat(400))));

    expect(await deliver(bodyAt(clock, aText('m2', '2')))).toBe('unavailable');
    await clock.advance(100);
    expect(await held).toBe('done');
  });

  it('lets a page whose lane is full wait, and no other', async () => {
    const { bots, deliver, observed, clock, delivery } = aRig({ limits: { laneDepth: 2 } });
    bots.answer = () => bots.after(100, 200);
    const held = ['1', '2'].map((n) => deliver(bodyAt(clock, aText(`m${n}`, n, `u${n}`)), { maxInFlight: 1 }));

    expect(await deliver(bodyAt(clock, aText('m3', '3', 'C')), { maxInFlight: 1 })).toBe('unavailable');
    expect(observed.counts['why:lane_full']).toBe(1);
    const other = deliver(bodyAt(clock, aText('m4', '4')).replace(`"id":"${PAGE_ID}","time"`, '"id":"777","time"'), { maxInFlight: 1 });
    await clock.advance(200);
    expect(await Promise.all([...held, other])).toEqual(['done', 'done', 'done']);
    expect(delivery.postsInFlight).toBe(0);
  });

  it('keeps its memory of outcomes within its bound', async () => {
    const { deliver, bots, clock } = aRig({ limits: { maxRemembered: 10 } });
    for (let i = 0; i < 50; i++) await deliver(bodyAt(clock, aText(`m${i}`, 'x')));

    await deliver(bodyAt(clock, aText('m49', 'x')));
    expect(bots.sent).toHaveLength(50);
    await deliver(bodyAt(clock, aText('m0', 'x')));
    expect(bots.sent).toHaveLength(51);
  });

  it('survives a client that throws', async () => {
    const { bots, deliver, clock } = aRig();
    bots.answer = () => {
      throw new Error('a bug');
    };

    expect(await deliver(bodyAt(clock, aText('m1', '1')))).toBe('unavailable');
    bots.answer = () => 200;
    expect(await deliver(bodyAt(clock, aText('m1', '1')))).toBe('done');
  });
});

describe('circuits', () => {
  it('open after failures in a row, fail at once, and close with the first answered probe', async () => {
    const { bots, deliver, observed, clock } = aRig();
    let n = 0;
    const next = (): Promise<string> => deliver(bodyAt(clock, aText(`m${n++}`, 'x')));
    bots.answer = () => TIMEOUT;
    for (let i = 0; i < 5; i++) await next();
    expect(observed.open).toBe(1);

    expect(await next()).toBe('unavailable');
    expect(bots.sent).toHaveLength(5);
    await clock.advance(1_000);
    await next();
    expect(bots.sent).toHaveLength(6);
    await clock.advance(1_999);
    await next();
    expect(bots.sent).toHaveLength(6);
    await clock.advance(1);
    bots.answer = () => 200;
    expect(await next()).toBe('done');
    expect(await next()).toBe('done');
    expect(observed.open).toBe(0);
  });

  it('let one probe at a time through', async () => {
    const { bots, deliver, clock } = aRig();
    bots.answer = () => TIMEOUT;
    for (let i = 0; i < 5; i++) await deliver(bodyAt(clock, aText(`m${i}`, 'x')));
    await clock.advance(1_000);
    bots.answer = () => bots.after(100, 200);

    const probes = ['A', 'B', 'C'].map((sender) => deliver(bodyAt(clock, aText(`p${sender}`, 'x', sender))));
    await flush();

    expect(bots.running).toBe(1);
    await clock.advance(100);
    expect(await Promise.all(probes)).toEqual(['done', 'unavailable', 'unavailable']);
  });

  it('stay closed for a bot that answers 500 to one event for ever', async () => {
    const { bots, deliver, clock } = aRig();
    bots.answer = (sent) => (sent.body.includes('poison') ? 500 : 200);
    for (let i = 0; i < 20; i++) await deliver(bodyAt(clock, aText('p', 'poison', 'A')));

    expect(await deliver(bodyAt(clock, aText('m1', 'fine', 'B')))).toBe('done');
  });

  it('are each backend’s own', async () => {
    const { bots, deliver, clock } = aRig();
    bots.answer = ({ request }) => (request.target.kind === 'url' ? 200 : TIMEOUT);
    for (let i = 0; i < 6; i++) await deliver(bodyAt(clock, aText(`m${i}`, 'x')));

    expect(await deliver(bodyAt(clock, aText('m9', 'x')), { target: { kind: 'url', url: 'https://bot.example/' } })).toBe('done');
  });
});

describe('stopping and listing', () => {
  it('finishes what is in flight and takes nothing new', async () => {
    const { bots, deliver, clock, delivery } = aRig();
    bots.answer = () => bots.after(500, 200);
    const held = deliver(bodyAt(clock, aText('m1', '1')));
    let drained = false;
    void delivery.drain(10_000).then(() => (drained = true));

    expect(await deliver(bodyAt(clock, aText('m2', '2')))).toBe('unavailable');
    await clock.advance(400);
    expect(drained).toBe(false);
    await clock.advance(200);
    expect(drained).toBe(true);
    expect(await held).toBe('done');
  });

  it('waits no longer than it was told', async () => {
    const { bots, deliver, clock, delivery } = aRig();
    bots.answer = () => new Promise(() => undefined);
    void deliver(bodyAt(clock, aText('m1', '1')));
    let drained = false;
    void delivery.drain(1_000).then(() => (drained = true));

    await clock.advance(1_100);

    expect(drained).toBe(true);
  });

  it('lists how each page does', async () => {
    const { bots, deliver, clock, delivery } = aRig();
    await deliver(bodyAt(clock, aText('m1', '1')));
    const acceptedMs = clock.nowMs();
    await clock.advance(5_000);
    bots.answer = () => TIMEOUT;
    await deliver(bodyAt(clock, aText('m2', '2')));

    expect(delivery.pageStates()).toEqual([
      {
        appId: routed(bodyAt(clock), clock).appId,
        pageId: PAGE_ID,
        owner: 'bots/clinic-a',
        lastEventMs: clock.nowMs(),
        lastAcceptedMs: acceptedMs,
        lastFailure: { atMs: clock.nowMs(), why: 'timeout' },
      },
    ]);
  });

  it('leaves no timer behind', async () => {
    const { deliver, clock } = aRig();
    await deliver(bodyAt(clock, aText('m1', '1')));
    await clock.advance(4_000);

    expect(clock.pendingTimers).toBe(0);
  });
});
