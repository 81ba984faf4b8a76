import { describe, expect, it } from '@jest/globals';
import { bodyOf, type EventEntry } from '../../../../src/core/domain/event.js';
import { scan } from '../../../../src/webhook/payload/scan.js';
import { Splitter } from '../../../../src/webhook/payload/split.js';
import { PAGE_ID, aBody, aMessage, aRoute } from '../fakes.js';

function split(text: string): (EventEntry | undefined)[] {
  const bytes = Buffer.from(text);
  const result = scan(bytes);
  if (!result.ok) throw new Error(result.why);
  const splitter = new Splitter(bytes, result.post);
  return (result.post.entries ?? []).map((entry) => splitter.entry(entry, aRoute()));
}

function only(text: string): EventEntry {
  const [entry] = split(text);
  if (entry === undefined) throw new Error('no entry');
  return entry;
}

/** One body an item, as a bot with the default settings gets them. */
function bodies(text: string): string[] {
  return split(text).flatMap((entry) => entry?.items.map((item) => bodyOf(entry, [item]).toString()) ?? []);
}

const ESCAPED = '\\u00e4\\u00f6\\u00e5 \\ud83d\\ude22 https:\\/\\/ \\u003C \\u0040 \\u0025';

describe('Splitter', () => {
  it('lets a POST of one entry with one item through as its original bytes, blanks and all', () => {
    const text = ` { "entry" : [ {"messaging":[ ${aMessage('m1', ESCAPED)} ] , "id":"${PAGE_ID}","new_key":1e400} ], "object":"page" } `;

    expect(bodies(text)).toEqual([text]);
  });

  it('cuts two items of one entry into two bodies, each with its raw bytes and the keys around it', () => {
    const [one, two] = [aMessage('m1', ESCAPED), aMessage('m2', 'x').replace('}', ' , "n":12345678901234567890.10e+5 }')];
    const text = `{"object":"page","hub":{"a":[1]},"entry":[{"id":"${PAGE_ID}","time":1763856000123,"flag":1.0,"messaging":[${one},${two}]}]}`;

    const found = bodies(text);

    expect(found).toEqual(
      [one, two].map(
        (item) => `{"object":"page","hub":{"a":[1]},"entry":[{"id":"${PAGE_ID}","time":1763856000123,"flag":1.0,"messaging":[${item}]}]}`,
      ),
    );
  });

  it('keeps all three channels of one entry apart, in the order in which they come', () => {
    const change = '{"field":"feed","value":{"item":"post","post_id":12345678901234567890}}';
    const text = `{"object":"page","entry":[{"id":"${PAGE_ID}","time":1,"standby":[${aMessage('s1')}],"messaging":[${aMessage('m1')},${aMessage('m2')}],"changes":[${change}]}]}`;
    const entry = only(text);

    expect(entry.items.map(({ channel }) => channel)).toEqual(['standby', 'messaging', 'messaging', 'changes']);
    for (const item of entry.items) {
      const parsed = JSON.parse(bodyOf(entry, [item]).toString()) as { entry: Record<string, unknown>[] };
      expect(Object.keys(parsed.entry[0] ?? {}).sort()).toEqual(['id', 'time', item.channel].sort());
      expect(bodyOf(entry, [item]).indexOf(item.bytes)).toBeGreaterThan(0);
    }
  });

  it('puts several items into one body for a bot that takes them', () => {
    const entry = only(aBody(aMessage('m1'), aMessage('m2'), aMessage('m3')));

    expect(bodyOf(entry, entry.items.slice(0, 2)).toString()).toBe(aBody(aMessage('m1'), aMessage('m2')));
    expect(bodyOf(entry, entry.items).toString()).toBe(aBody(aMessage('m1'), aMessage('m2'), aMessage('m3')));
  });

  it('gives each of several entries of one POST a body of its own', () => {
    const entry = (mid: string): string => `{"id":"${PAGE_ID}","time":1,"messaging":[${aMessage(mid)}]}`;

    expect(bodies(`{"object":"page","entry":[${entry('m1')},${entry('m2')}]}`)).toEqual(
      ['m1', 'm2'].map((mid) => `{"object":"page","entry":[${entry(mid)}]}`),
    );
  });

  it('passes an entry without any list on as it is', () => {
    const one = `{"id":"${PAGE_ID}","time":1,"changed_fields":["feed"]}`;
    const text = `{"object":"page","entry":[${one},{"id":"${PAGE_ID}"}]}`;

    expect(bodies(text)).toEqual([`{"object":"page","entry":[${one}]}`, `{"object":"page","entry":[{"id":"${PAGE_ID}"}]}`]);
  });

  it('passes items of a kind that it does not know, and a list that is none', () => {
    expect(bodies(`{"object":"page","entry":[{"id":"${PAGE_ID}","messaging":[7,{"new_kind":{}},null]}]}`)).toHaveLength(3);
    expect(bodies(`{"object":"page","entry":[{"id":"${PAGE_ID}","messaging":{"odd":1}}]}`)).toHaveLength(1);
  });

  it('never sends an empty list', () => {
    const text = `{"object":"page","entry":[{"id":"${PAGE_ID}","time":1,"messaging":[],"standby":[${aMessage('s1')}]},{"id":"${PAGE_ID}","time":1,"messaging":[],"extra":1},{"id":"${PAGE_ID}","messaging":[]}]}`;

    expect(bodies(text)).toEqual([
      `{"object":"page","entry":[{"id":"${PAGE_ID}","time":1,"standby":[${aMessage('s1')}]}]}`,
      `{"object":"page","entry":[{"id":"${PAGE_ID}","time":1,"extra":1}]}`,
    ]);
  });

  it('never sends an empty list, not even of the only entry of a POST', () => {
    expect(bodies(`{"object":"page","entry":[{"id":"${PAGE_ID}","time":1,"messaging":[],"extra":1}]}`)).toEqual([
      `{"object":"page","entry":[{"id":"${PAGE_ID}","time":1,"extra":1}]}`,
    ]);
  });

  it.each([
    ['the sender of a message', aMessage('m1', 'x', '42'), `${PAGE_ID}/42`],
    ['the recipient of an echo', `{"sender":{"id":"${PAGE_ID}"},"recipient":{"id":42}}`, `${PAGE_ID}/42`],
    ['the page, of an event without a sender', `{"recipient":{"id":"${PAGE_ID}"},"policy_enforcement":{}}`, PAGE_ID],
    ['the page, of an event with a user_ref only', `{"sender":{"user_ref":"r"},"recipient":{"id":"${PAGE_ID}"}}`, PAGE_ID],
    ['the page, of something odd', '5', PAGE_ID],
  ])('orders by %s', (_name, item, conversation) => {
    expect(only(aBody(item)).items[0]?.conversation).toBe(conversation);
  });

  it.each([
    ['milliseconds', '1763856000123', 1_763_856_000_123],
    ['seconds', '1763856000', 1_763_856_000_000],
    ['a string', '"1763856000"', 1_763_856_000_000],
    ['nothing sensible', '"soon"', undefined],
    ['zero', '0', undefined],
    ['null', 'null', undefined],
  ])('reads a time in %s', (_name, time, expected) => {
    expect(only(`{"object":"page","entry":[{"id":"${PAGE_ID}","time":${time},"messaging":[1]}]}`).timeMs).toBe(expected);
  });
});

describe('the key for duplicates', () => {
  const key = (item: string, time = '1', list = 'messaging'): string | undefined =>
    only(`{"object":"page","entry":[{"id":"${PAGE_ID}","time":${time},"${list}":[${item}]}]}`).items[0]?.dedupeKey;

  it('is the mid for a message, whatever else the POST holds', () => {
    expect(key(aMessage('m1', 'a'), '1')).toBe(key(aMessage('m1', 'b'), '2'));
    expect(key(aMessage('m1'))).not.toBe(key(aMessage('m2')));
    expect(key('{"message":{"mid":"m1"}}')).not.toBe(key('{"message":{"mid":"m1","is_echo":true}}'));
    expect(key('{"message":{"mid":"m1"}}')).not.toBe(key('{"message":{"mid":"m1","is_deleted":true}}'));
  });

  it('tells channels apart', () => {
    expect(key(aMessage('m1'))).not.toBe(key(aMessage('m1'), '1', 'standby'));
  });

  it('is the time and the bytes for everything else, which carries the mid of another event', () => {
    const reaction = '{"reaction":{"mid":"m1","action":"react"}}';

    expect(key(reaction)).toBe(key(reaction));
    expect(key(reaction)).not.toBe(key(reaction, '2'));
    expect(key(reaction)).not.toBe(key(reaction.replace('react"', 'unreact"')));
    expect(key('{"message_edit":{"mid":"m1","num_edit":1}}')).not.toBe(key('{"message_edit":{"mid":"m1","num_edit":2}}'));
  });

  it('stays short however long the mid is', () => {
    expect(key(aMessage('m'.repeat(5_000)))?.length).toBeLessThan(200);
  });
});
