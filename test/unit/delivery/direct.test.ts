import { createHmac } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { LogFields, Logger } from '../../../src/kit/log.js';
import { Secret } from '../../../src/core/secrets/secret.js';
import { PAGE_ID } from '../webhook/fakes.js';
import { TIMEOUT, aRig, aText, bodyAt } from './fakes.js';

const MINUTE = 60_000;

describe('what a bot gets', () => {
  it('gets both signatures over exactly its bytes, made with the app secret that verified', async () => {
    const { bots, deliver, clock } = aRig();

    await deliver(bodyAt(clock, aText('m1', 'one'), aText('m2', 'two')));

    expect(bots.sent).toHaveLength(2);
    for (const { headers, body } of bots.sent) {
      expect(headers['x-hub-signature-256']).toBe(`sha256=${createHmac('sha256', 'the-app-secret').update(body).digest('hex')}`);
      expect(headers['x-hub-signature']).toBe(`sha1=${createHmac('sha1', 'the-app-secret').update(body).digest('hex')}`);
    }
  });

  it('gets them made with its own signing secret if it has one', async () => {
    const { bots, deliver, clock } = aRig();

    await deliver(bodyAt(clock, aText('m1', 'one')), { signingSecret: new Secret('signing-secret', 'own') });

    const [sent] = bots.sent;
    expect(sent?.headers['x-hub-signature-256']).toBe(
      `sha256=${createHmac('sha256', 'own')
        .update(sent?.body ?? '')
        .digest('hex')}`,
    );
  });

  it('gets the headers of the list and no others', async () => {
    const { bots, deliver, clock } = aRig();

    await deliver(bodyAt(clock, aText('m1', 'one')));

    const headers = bots.sent[0]?.headers ?? {};
    expect(Object.keys(headers).sort()).toEqual(
      [
        'content-type',
        'traceparent',
        'user-agent',
        'x-hub-signature',
        'x-hub-signature-256',
        'x-messenger-app-id',
        'x-messenger-page-id',
      ].sort(),
    );
    expect(headers).toMatchObject({ 'x-messenger-page-id': PAGE_ID, traceparent: '00-aa-bb-00', 'content-type': 'application/json' });
  });

  it('gets no kind of event that its page does not accept; the others are answered all the same', async () => {
    const { bots, deliver, observed, clock } = aRig();
    const body = `{"object":"page","entry":[{"id":"${PAGE_ID}","time":${clock.nowMs()},"standby":[${aText('s1', 'aside')}],"messaging":[${aText('m1', 'one')}]}]}`;

    expect(await deliver(body, { accepts: new Set(['messaging']) })).toBe('done');
    expect(bots.texts).toEqual(['one']);
    expect(observed.counts).toMatchObject({ 'standby:not_accepted_by_spec': 1, 'messaging:accepted': 1 });
  });

  it.each([
    [1, 92_160, [1, 1, 1, 1, 1]],
    [2, 92_160, [2, 2, 1]],
    [0, 92_160, [5]],
    [0, 300, [2, 2, 1]],
    [0, 10, [1, 1, 1, 1, 1]],
  ])('gets at most %d items and %d bytes in a request', async (maxEventsPerRequest, maxRequestBytes, sizes) => {
    const { bots, deliver, clock } = aRig();
    const items = ['1', '2', '3', '4', '5'].map((n) => aText(`m${n}`, n));

    expect(await deliver(bodyAt(clock, ...items), { maxEventsPerRequest, maxRequestBytes, maxInFlight: 1 })).toBe('done');

    expect(bots.sent.map(({ body }) => (JSON.parse(body) as { entry: { messaging: unknown[] }[] }).entry[0]?.messaging.length)).toEqual(
      sizes,
    );
    expect(bots.texts).toEqual(['1', '2', '3', '4', '5']);
    if (maxRequestBytes > 100) for (const { body } of bots.sent) expect(body.length).toBeLessThanOrEqual(maxRequestBytes);
  });

  it('never gets messaging and standby in one request', async () => {
    const { bots, deliver, clock } = aRig();
    const body = `{"object":"page","entry":[{"id":"${PAGE_ID}","time":${clock.nowMs()},"messaging":[${aText('m1', '1')},${aText('m2', '2')}],"standby":[${aText('s1', '3')}]}]}`;

    await deliver(body, { maxEventsPerRequest: 0 });

    expect(bots.sent.map(({ body }) => [body.includes('"messaging"'), body.includes('"standby"')])).toEqual([
      [true, false],
      [false, true],
    ]);
  });
});

describe('order', () => {
  it('is kept within a conversation and across its channels, while others go beside it', async () => {
    const { bots, deliver, clock } = aRig();
    bots.answer = (sent) => bots.after(sent.body.includes('"a') ? 100 : 10, 200);
    const body = `{"object":"page","entry":[{"id":"${PAGE_ID}","time":${clock.nowMs()},"messaging":[${aText('m1', 'a1', 'A')},${aText('m2', 'b1', 'B')},${aText('m3', 'a2', 'A')}],"standby":[${aText('m4', 'a3', 'A')}]}]}`;

    const verdict = deliver(body);
    await clock.advance(1_000);

    expect(await verdict).toBe('done');
    expect(bots.sent.map(({ atMs }, i) => [bots.texts[i], atMs])).toEqual([
      ['a1', 0],
      ['b1', 0],
      ['a2', 100],
      ['a3', 200],
    ]);
  });

  it('is kept from one POST to the next', async () => {
    const { bots, deliver, clock } = aRig();
    bots.answer = (sent) => bots.after(sent.body.includes('first') ? 500 : 1, 200);

    const both = [deliver(bodyAt(clock, aText('m1', 'first'))), deliver(bodyAt(clock, aText('m2', 'second')))];
    await clock.advance(100);
    expect(bots.texts).toEqual(['first']);
    await clock.advance(1_000);

    expect(await Promise.all(both)).toEqual(['done', 'done']);
    expect(bots.texts).toEqual(['first', 'second']);
  });

  it('lets nothing of a conversation overtake what failed before it', async () => {
    const { bots, deliver, observed, clock } = aRig();
    bots.answer = (sent) => (sent.body.includes('"1"') ? 500 : 200);

    expect(await deliver(bodyAt(clock, aText('m1', '1', 'A'), aText('m2', '2', 'A'), aText('m3', '3', 'B')))).toBe('unavailable');
    expect(bots.texts).toEqual(['1', '3']);
    expect(observed.counts['why:earlier_event_failed']).toBe(1);

    bots.answer = () => 200;
    expect(await deliver(bodyAt(clock, aText('m1', '1', 'A'), aText('m2', '2', 'A'), aText('m3', '3', 'B')))).toBe('done');
    expect(bots.texts).toEqual(['1', '3', '1', '2']);
  });

  it('runs no more conversations of a page at once than it allows', async () => {
    const { bots, deliver, clock } = aRig();
    bots.answer = () => bots.after(10, 200);
    const items = Array.from({ length: 20 }, (_, i) => aText(`m${i}`, String(i), `u${i}`));

    const verdict = deliver(bodyAt(clock, ...items), { maxInFlight: 3 });
    await clock.advance(1_000);

    expect(await verdict).toBe('done');
    expect(bots.mostRunning).toBe(3);
    expect(bots.sent).toHaveLength(20);
  });
});

describe('the three kinds of answer', () => {
  it.each([200, 201, 204, 299])('%d is accepted', async (status) => {
    const { bots, deliver, observed, clock } = aRig();
    bots.answer = () => status;

    expect(await deliver(bodyAt(clock, aText('m1', '1')))).toBe('done');
    expect(observed.counts).toMatchObject({ 'messaging:accepted': 1, latency: 1 });
  });

  it.each([400, 402, 405, 406, 409, 410, 413, 415, 422, 431, 451])('%d is refused: final and counted', async (status) => {
    const { bots, deliver, observed, clock, warmUp } = aRig();
    bots.answer = () => status;
    await warmUp();

    expect(await deliver(bodyAt(clock, aText('m1', '1')))).toBe('done');
    expect(await deliver(bodyAt(clock, aText('m1', '1')))).toBe('done');
    expect(bots.sent).toHaveLength(1);
    expect(observed.counts['messaging:refused']).toBe(1);
  });

  it.each([401, 403, 404, 407, 408, 425, 429, 500, 502, 503, 504, 301, 302, 307, 308])('%d is unavailable', async (status) => {
    const { bots, deliver, clock, warmUp } = aRig();
    bots.answer = () => status;
    await warmUp();

    expect(await deliver(bodyAt(clock, aText('m1', '1')))).toBe('unavailable');
  });

  it.each(['timeout', 'connect', 'reset', 'dns', 'address_refused', 'bad_target'] as const)(
    'no answer (%s) is unavailable',
    async (why) => {
      const { bots, deliver, observed, clock } = aRig();
      bots.answer = () => ({ kind: 'none', why });

      expect(await deliver(bodyAt(clock, aText('m1', '1')))).toBe('unavailable');
      expect(observed.counts[`why:${why}`]).toBe(1);
    },
  );

  it('halves what is too large for a bot, down to one item', async () => {
    const { bots, deliver, observed, clock, warmUp } = aRig();
    bots.answer = (sent) => ((sent.body.match(/"mid"/g) ?? []).length > 1 || sent.body.includes('huge') ? 413 : 200);
    await warmUp();

    const items = [aText('m1', '1'), aText('m2', 'huge'), aText('m3', '3')];
    expect(await deliver(bodyAt(clock, ...items), { maxEventsPerRequest: 0 })).toBe('done');

    expect(observed.counts).toMatchObject({ 'messaging:accepted': 3, 'messaging:refused': 1 });
    expect(bots.sent.map(({ body }) => (body.match(/"mid"/g) ?? []).length)).toEqual([3, 2, 1, 1, 1]);
  });

  it('does not believe the refusals of a bot that accepted nothing for ten minutes', async () => {
    const { bots, deliver, observed, clock, warmUp } = aRig();
    await warmUp();
    bots.answer = () => 400;

    await clock.advance(10 * MINUTE);
    expect(await deliver(bodyAt(clock, aText('m1', '1')))).toBe('done');
    await clock.advance(1);
    expect(await deliver(bodyAt(clock, aText('m2', '2')))).toBe('unavailable');
    expect(observed.counts).toMatchObject({ 'alert:refuses_everything': 1, 'messaging:refused': 1 });
  });

  it('does not believe more than five refusals in a row, until the bot accepts something again', async () => {
    const { bots, deliver, observed, clock, warmUp } = aRig();
    await warmUp();
    bots.answer = ({ body }) => (body.includes('good') ? 200 : 400);
    const send = (mid: string): Promise<string> => deliver(bodyAt(clock, aText(mid, mid, mid)));

    for (let i = 1; i <= 5; i++) expect(await send(`m${i}`)).toBe('done');
    expect(observed.counts['alert:refuses_everything']).toBeUndefined();
    expect(await send('m6')).toBe('unavailable');
    expect(await send('m7')).toBe('unavailable');
    expect(observed.counts).toMatchObject({ 'messaging:refused': 5, 'alert:refuses_everything': 2, 'why:refusals_not_trusted': 2 });

    expect(await send('good')).toBe('done');
    expect(await send('m6')).toBe('done');
    expect(observed.counts['messaging:refused']).toBe(6);
  });

  it('believes every refusal of a bot that accepts others in between', async () => {
    const { bots, deliver, observed, clock, warmUp } = aRig();
    await warmUp();
    bots.answer = ({ body }) => (body.includes('good') ? 200 : 400);

    for (let i = 0; i < 20; i++) {
      expect(await deliver(bodyAt(clock, aText(`bad-${i}`, 'bad'), aText(`good-${i}`, 'good')), { maxEventsPerRequest: 1 })).toBe('done');
    }
    expect(observed.counts).toMatchObject({ 'messaging:refused': 20, 'messaging:accepted': 21 });
  });

  it('does not believe a page with a wrong secret because its neighbour at the same bot is accepted', async () => {
    const { bots, deliver, clock, warmUp } = aRig();
    await warmUp();
    bots.answer = () => 400;

    expect(await deliver(bodyAt(clock, aText('m1', '1')), { signingSecret: new Secret('signing-secret', 'wrong') })).toBe('unavailable');
  });
});

describe('giving up', () => {
  it('comes after the bound, counted from entry.time, and is final', async () => {
    const { bots, deliver, observed, clock, delivery } = aRig();
    bots.answer = () => 500;
    const body = bodyAt(clock, aText('m1', '1'));

    expect(await deliver(body)).toBe('unavailable');
    await clock.advance(20 * MINUTE - 1);
    expect(await deliver(body)).toBe('unavailable');
    await clock.advance(1);
    expect(await deliver(body)).toBe('done');

    bots.answer = () => 200;
    expect(await deliver(body)).toBe('done');
    expect(bots.sent).toHaveLength(3);
    expect(observed.counts).toMatchObject({ 'messaging:dropped': 1, 'alert:dropped': 1, retried: 2 });
    expect(delivery.pageStates()[0]?.lastFailure?.why).toBe('dropped');
  });

  it('takes one real attempt, however old the event is', async () => {
    const { bots, deliver, observed, clock } = aRig();
    const body = bodyAt(clock, aText('m1', '1'));
    await clock.advance(60 * MINUTE);

    expect(await deliver(body)).toBe('done');
    expect(bots.texts).toEqual(['1']);
    expect(observed.counts['messaging:accepted']).toBe(1);
  });

  it('takes one real attempt even while the circuit is open', async () => {
    const { bots, deliver, observed, clock } = aRig();
    const old = bodyAt(clock, aText('old', 'old'));
    await clock.advance(30 * MINUTE);
    bots.answer = () => TIMEOUT;
    for (let i = 0; i < 5; i++) await deliver(bodyAt(clock, aText(`m${i}`, 'new')));
    expect(await deliver(bodyAt(clock, aText('m9', 'new')))).toBe('unavailable');
    expect(observed.counts['why:circuit_open']).toBe(1);

    expect(await deliver(old)).toBe('done');
    expect(bots.texts.at(-1)).toBe('old');
    expect(observed.counts['messaging:dropped']).toBe(1);
  });

  it('reads a time in seconds as seconds', async () => {
    const { bots, deliver, clock } = aRig();
    bots.answer = () => 500;
    const body = `{"object":"page","entry":[{"id":"${PAGE_ID}","time":${Math.floor(clock.nowMs() / 1_000)},"changes":[{"field":"feed"}]}]}`;

    expect(await deliver(body)).toBe('unavailable');
    await clock.advance(20 * MINUTE);
    expect(await deliver(body)).toBe('done');
  });

  it('counts from the first arrival if there is no time', async () => {
    const { bots, deliver, clock } = aRig();
    bots.answer = () => 500;
    const body = `{"object":"page","entry":[{"id":"${PAGE_ID}","messaging":[${aText('m1', '1')}]}]}`;

    expect(await deliver(body)).toBe('unavailable');
    await clock.advance(20 * MINUTE - 1);
    expect(await deliver(body)).toBe('unavailable');
    await clock.advance(1);
    expect(await deliver(body)).toBe('done');
  });

  it('does not wait longer for a time that is yet to come', async () => {
    const { bots, deliver, clock } = aRig();
    bots.answer = () => 500;
    const body = bodyAt(clock, aText('m1', '1')).replace(/"time":\d+/, `"time":${clock.nowMs() + 600 * MINUTE}`);

    expect(await deliver(body)).toBe('unavailable');
    await clock.advance(20 * MINUTE);
    expect(await deliver(body)).toBe('done');
  });

  it('logs one line a minute and page, without what was said', async () => {
    const lines: { message: string; fields: LogFields | undefined }[] = [];
    const nothing = (): void => undefined;
    const log: Logger = {
      error: nothing,
      info: nothing,
      debug: nothing,
      warn: (message, fields) => lines.push({ message, fields }),
      child: () => log,
    };
    const { bots, deliver, clock } = aRig({ log });
    bots.answer = () => 500;
    const bodies = ['1', '2', '3'].map((n) => bodyAt(clock, aText(`m${n}`, 'private words', `u${n}`)));
    await clock.advance(20 * MINUTE);

    for (const body of bodies) await deliver(body);

    expect(lines).toHaveLength(1);
    expect(JSON.stringify(lines)).not.toContain('private words');
    expect(lines[0]?.fields).toMatchObject({ page: 'bots/clinic-a' });
  });
});
