import { describe, expect, it } from '@jest/globals';
import type { RoutedPost } from '../../../src/core/ports/delivery.js';
import type { BackendTarget } from '../../../src/core/ports/page-lookup.js';
import { flush } from '../../support/fake-clock.js';
import { PAGE_ID } from '../webhook/fakes.js';
import { TIMEOUT, aRig, aText, bodyAt, routed, verdictOf } from './fakes.js';

const KIB = 1_024;

/** As the webhook hands it on: the raw body is held by each of its items. */
function received(body: string, ...args: Parameters<typeof routed> extends [string, ...infer Rest] ? Rest : never): RoutedPost {
  return { ...routed(body, ...args), verified: { bytes: Buffer.from(body), signature: '' } };
}

describe('memory', () => {
  it('counts the whole body of a POST, although only a little of it is for somebody', async () => {
    const { bots, clock, delivery } = aRig({ limits: { maxHeldBytes: 100 * KIB } });
    bots.answer = () => bots.after(100, 200);
    const padded = (mid: string): string =>
      bodyAt(clock, aText(mid, 'x', mid)).replace('"object"', `"padding":"${'x'.repeat(60 * KIB)}","object"`);
    const held = verdictOf(delivery, received(padded('m1'), clock));

    expect(await verdictOf(delivery, received(padded('m2'), clock))).toBe('unavailable');
    await clock.advance(100);
    expect(await held).toBe('done');
  });

  it('bounds the bodies that are on their way, which repeat what stands around an item', async () => {
    const { bots, clock, delivery, observed } = aRig({ limits: { maxHeldBytes: 84 * KIB, circuitFailures: 1_000 } });
    bots.answer = () => bots.after(100, 200);
    const around = `"around":"${'x'.repeat(20 * KIB)}","time"`;
    const items = Array.from({ length: 8 }, (_, i) => aText(`m${i}`, 'x'.repeat(2_600), `u${i}`));
    const body = bodyAt(clock, ...items).replace('"time"', around);

    const first = verdictOf(delivery, received(body, clock, { maxInFlight: 8 }));
    await flush();
    expect(bots.running).toBe(3);
    await clock.advance(100);
    expect(await first).toBe('unavailable');
    expect(observed.counts['why:over_limit']).toBe(5);

    // Meta's retries bring the others, a few at a time, each once.
    for (let i = 0; i < 2; i++) {
      const again = verdictOf(delivery, received(body, clock, { maxInFlight: 8 }));
      await clock.advance(100);
      expect(await again).toBe(i === 0 ? 'unavailable' : 'done');
    }
    expect(bots.sent).toHaveLength(8);
  });
});

describe('a retry that joins', () => {
  it('lets nothing of a conversation overtake what failed before it', async () => {
    const { bots, deliver, clock } = aRig();
    bots.answer = (sent) => (sent.body.includes('"1"') ? bots.after(3_000, 500) : 200);
    const first = deliver(bodyAt(clock, aText('m1', '1')));
    await clock.advance(100);

    // Meta put them together this time.
    const second = deliver(bodyAt(clock, aText('m1', '1'), aText('m2', '2')));
    await clock.advance(3_000);

    expect(await first).toBe('unavailable');
    expect(await second).toBe('unavailable');
    expect(bots.texts).toEqual(['1']);
    bots.answer = () => 200;
    expect(await deliver(bodyAt(clock, aText('m1', '1'), aText('m2', '2')))).toBe('done');
    expect(bots.texts).toEqual(['1', '1', '2']);
  });
});

describe('the number of open circuits', () => {
  const backend = (name: string): BackendTarget => ({ kind: 'url', url: `https://${name}.example/` });

  it('forgets a backend that nobody tries any more, such as that of a page that was deleted', async () => {
    const { bots, deliver, clock, observed } = aRig();
    bots.answer = () => TIMEOUT;
    const fail = async (name: string): Promise<void> => {
      for (let i = 0; i < 5; i++) await deliver(bodyAt(clock, aText(`${name}${i}`, 'x')), { target: backend(name) });
    };
    await fail('gone');
    await clock.advance(60_000);
    await fail('down');
    expect(observed.open).toBe(2);

    await clock.advance(9 * 60_000);
    expect(observed.open).toBe(1);
    await deliver(bodyAt(clock, aText('probe', 'x')), { target: backend('down') });
    await clock.advance(9 * 60_000);
    expect(observed.open).toBe(1);

    bots.answer = () => 200;
    await deliver(bodyAt(clock, aText('probe', 'x')), { target: backend('down') });
    expect(observed.open).toBe(0);
    await clock.advance(4_000);
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('log lines', () => {
  it('carry the trace id that the bot got with the event', async () => {
    const lines: { level: string; traceId: unknown; page: unknown }[] = [];
    const line = (level: string) => (_message: string, fields?: Readonly<Record<string, unknown>>) => {
      lines.push({ level, traceId: fields?.['traceId'], page: fields?.['page'] });
    };
    const log = { error: line('error'), warn: line('warn'), info: line('info'), debug: line('debug'), child: () => log };
    const { bots, clock, delivery } = aRig({ log });
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const body = bodyAt(clock, aText('m1', 'private words'));
    const deliver = (): Promise<string> =>
      verdictOf(delivery, { ...routed(body, clock), traceparent: `00-${traceId}-b7ad6b7169203331-00` });
    bots.answer = () => 400;
    await deliver();
    bots.answer = () => ({ kind: 'none', why: 'address_refused' });
    await deliver();
    bots.answer = () => {
      throw new Error('a bug');
    };
    await clock.advance(30 * 60_000);
    await deliver();

    const page = 'bots/clinic-a';
    expect(lines).toEqual([
      { level: 'warn', traceId, page },
      { level: 'debug', traceId, page },
      { level: 'warn', traceId, page },
      { level: 'debug', traceId, page },
      { level: 'error', traceId, page: undefined },
      { level: 'warn', traceId, page },
      { level: 'debug', traceId, page },
    ]);
    expect(bots.sent[0]?.headers['traceparent']).toContain(traceId);
    expect(bots.sent[0]?.headers['x-messenger-page-id']).toBe(PAGE_ID);
  });
});
