import { describe, expect, it } from '@jest/globals';
import { PAGE_ID } from '../webhook/fakes.js';
import { aRig, bodyAt } from './fakes.js';

const MINUTE = 60_000;

describe('dropping an event that stays unavailable', () => {
  it.each([
    ['a message', 'messaging', '{"message":{"mid":"m1"}}'],
    ['a postback', 'messaging', '{"timestamp":99999999999999,"postback":{"payload":"a"}}'],
    ['a receipt', 'messaging', '{"delivery":{"watermark":5}}'],
    ['a lead', 'changes', '{"field":"leadgen","value":{"leadgen_id":"5"}}'],
    ['a call', 'calls', '{"id":"c1","event":"connect"}'],
  ])('comes although Meta repeats %s with a new entry.time, and an accepted one is delivered once', async (_name, list, item) => {
    const { bots, deliver, clock } = aRig();
    const repeat = (one = item): Promise<string> =>
      deliver(`{"object":"page","entry":[{"id":"${PAGE_ID}","time":${clock.nowMs()},"${list}":[${one}]}]}`);
    bots.answer = () => 500;
    expect(await repeat()).toBe('unavailable');
    await clock.advance(20 * MINUTE - 1);
    expect(await repeat()).toBe('unavailable');
    await clock.advance(1);
    expect(await repeat()).toBe('done');

    bots.answer = () => 200;
    const other = item.replace(/(\w)("?\}+)$/, '$17$2');
    expect(other).not.toBe(item);
    expect([await repeat(other), await repeat(other)]).toEqual(['done', 'done']);
    expect(bots.sent).toHaveLength(4);
  });

  it('counts from the own time of a message where entry.time is later', async () => {
    const { bots, deliver, clock } = aRig();
    bots.answer = () => 500;
    const item = `{"timestamp":${clock.nowMs()},"message":{"mid":"m1"}}`;
    await clock.advance(20 * MINUTE);

    expect(await deliver(bodyAt(clock, item))).toBe('done');
    expect(bots.sent).toHaveLength(1);
  });

  it('does not count from the timestamp of a call, which is when the call began', async () => {
    const { bots, deliver, clock } = aRig();
    bots.answer = () => 500;
    const item = `{"id":"c1","event":"terminate","timestamp":${Math.floor(clock.nowMs() / 1_000)}}`;
    await clock.advance(60 * MINUTE);

    expect(await deliver(`{"object":"page","entry":[{"id":"${PAGE_ID}","time":${clock.nowMs()},"calls":[${item}]}]}`)).toBe('unavailable');
  });
});
