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

  const PAD = `"pad":"${'x'.repeat(100_000)}"`;
  it.each<[string, string]>([
    ['the POST', `{${PAD},"object":"page","entry":[{"id":"${PAGE_ID}","time":17,"messaging":[ITEMS]}]}`],
    ['the entry', `{"object":"page","entry":[{"id":"${PAGE_ID}",${PAD},"time":17,"messaging":[ITEMS]}]}`],
    ['a key', `{"object":"page","entry":[{"id"${' '.repeat(100_000)}:"${PAGE_ID}","time":17,"messaging":[ITEMS]}]}`],
  ])('leaves a long member of %s out of many copies, and loses no event', (_, template) => {
    const items = Array.from({ length: 500 }, (_unused, i) => aMessage(`m${i}`));
    const text = template.replace('ITEMS', items.join());

    const found = bodies(text);

    expect(found.join('').length).toBeLessThan(6 * text.length);
    expect(found).toEqual(items.map((item) => `{"object":"page","entry":[{"id":"${PAGE_ID}","time":17,"messaging":[${item}]}]}`));
  });

  it('leaves a long member of the POST out of the copies for many entries', () => {
    const entries = Array.from({ length: 500 }, (_, i) => `{"id":"${PAGE_ID}","messaging":[${aMessage(`m${i}`)}]}`);
    const text = `{"object":"page",${PAD},"entry":[${entries.join()}]}`;

    expect(bodies(text)).toEqual(entries.map((entry) => `{"object":"page","entry":[${entry}]}`));
  });

  it('keeps a long member in a few copies', () => {
    const text = `{"object":"page",${PAD},"entry":[{"id":"${PAGE_ID}","messaging":[${aMessage('m1')},${aMessage('m2')},${aMessage('m3')}]}]}`;

    expect(bodies(text).filter((body) => body.includes(PAD))).toHaveLength(3);
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

describe('a list that is newer than the operator', () => {
  const call = (id: string, event: string, psid = '42'): string =>
    `{"id":"${id}","to":"${PAGE_ID}","from":"${psid}","event":"${event}","timestamp":1671644824}`;

  it('is split like any other, and a call comes once', () => {
    const text = `{"object":"page","entry":[{"id":"${PAGE_ID}","time":1,"messaging":[${aMessage('m1')},${aMessage('m2')}],"calls":[${call('c1', 'connect')}]}]}`;

    expect(only(text).items.map(({ channel }) => channel)).toEqual(['messaging', 'messaging', 'calls']);
    expect(bodies(text).filter((body) => body.includes('connect'))).toEqual([
      `{"object":"page","entry":[{"id":"${PAGE_ID}","time":1,"calls":[${call('c1', 'connect')}]}]}`,
    ]);
  });

  it.each([
    ['an unknown name', `"surveys":[{"sender":{"id":"1"}},{"timestamp":5}]`, ['surveys', 'surveys']],
    ['calls, whatever is in them', '"calls":[{},7]', ['calls', 'calls']],
    ['no events: no one and no time in them', '"hop_context":[{"app_id":7,"metadata":null}]', [undefined]],
    ['some that are no events', '"surveys":[{"timestamp":5},{"app_id":7}]', [undefined]],
    ['texts', '"changed_fields":["feed"]', [undefined]],
    ['nothing', '"surveys":[]', [undefined]],
    ['a name that no manifest can hold', `"${'x'.repeat(65)}":[{"timestamp":5}]`, [undefined]],
  ])('is one with %s', (_name, list, channels) => {
    const text = `{"object":"page","entry":[{"id":"${PAGE_ID}","time":1,${list}}]}`;
    expect(only(text).items.map(({ channel }) => channel)).toEqual(channels);
  });

  it.each([
    ['who calls', call('c1', 'connect'), `${PAGE_ID}/42`],
    ['who is called', `{"id":"c1","from":"${PAGE_ID}","to":"42","event":"connect"}`, `${PAGE_ID}/42`],
    ['who is told of it', '{"id":"c1","event":"call_status","recipient_id":42}', `${PAGE_ID}/42`],
    ['the call, where no one is named', '{"id":"c1","event":"media_update"}', `${PAGE_ID}/id/c1`],
  ])('orders by %s', (_name, item, conversation) => {
    expect(only(`{"object":"page","entry":[{"id":"${PAGE_ID}","calls":[${item}]}]}`).items[0]?.conversation).toBe(conversation);
  });
});

describe('an entry without id', () => {
  const entries = (text: string) => {
    const result = scan(Buffer.from(text));
    if (!result.ok) throw new Error(result.why);
    return (result.post.entries ?? []).map(({ id, channels }) => [id, channels.flatMap(({ items }) => items).length]);
  };
  const to = (page: string): string => `{"sender":{"id":"1"},"recipient":{"id":"${page}"},"message":{"mid":"m"}}`;

  it('belongs to the Page that its items name', () => {
    expect(entries(`{"object":"page","entry":[{"messaging":[${to('77')},${to('77')}]}]}`)).toEqual([['77', 2]]);
    expect(entries('{"object":"page","entry":[{"calls":[{"from":"1","to":"77"}]}]}')).toEqual([['77', 1]]);
  });

  it('belongs to the recipient that it names itself, and goes through as it is', () => {
    const text =
      '{"object":"page","entry":[{"sender":{"id":"1"},"recipient":{"id":"77"},"timestamp":1671644824,"call_permission_reply":{"response":"approve"}}]}';
    expect(entries(text)).toEqual([['77', 0]]);
    expect(bodies(text)).toEqual([text]);
    expect(only(text).items[0]).toMatchObject({ channel: undefined, conversation: `${PAGE_ID}/1`, timeMs: 1_671_644_824_000 });
  });

  it('belongs to the sender of an echo', () => {
    const echo = '{"sender":{"id":"77"},"recipient":{"id":"1"},"message":{"mid":"m","is_echo":true}}';
    expect(entries(`{"object":"page","entry":[{"messaging":[${echo}]}]}`)).toEqual([['77', 1]]);
  });

  it('is one entry for each Page that its items name, and never passes as it is', () => {
    const text = `{"object":"page","entry":[{"time":5,"messaging":[${to('77')},${to('88')}]}]}`;
    expect(entries(text)).toEqual([
      ['77', 1],
      ['88', 1],
    ]);
    expect(bodies(text)).toEqual(['77', '88'].map((page) => `{"object":"page","entry":[{"time":5,"messaging":[${to(page)}]}]}`));
  });

  it('belongs to no one where nothing names a Page', () => {
    expect(entries('{"object":"page","entry":[{"messaging":[{}]},{"time":1}]}')).toEqual([
      [undefined, 1],
      [undefined, 0],
    ]);
  });
});

describe('a body with equal keys', () => {
  const entry = (id: string, mid: string): string => `{"id":"${id}","time":1,"messaging":[${aMessage(mid)}]}`;

  it.each([
    ['two lists of entries', `{"object":"page","entry":[${entry('77', 'other')}],"entry":[${entry(PAGE_ID, 'm1')}]}`],
    ['a list of entries and something else before', `{"object":"page","entry":{"a":1},"entry":[${entry(PAGE_ID, 'm1')}]}`],
    ['two objects', `{"object":"user","object":"page","entry":[${entry(PAGE_ID, 'm1')}]}`],
    ['two ids of an entry', `{"object":"page","entry":[{"id":"77",${entry(PAGE_ID, 'm1').slice(1)}]}`],
    ['an id that is escaped', `{"object":"page","entry":[{"i\\u0064":"77",${entry(PAGE_ID, 'm1').slice(1)}]}`],
    ['two times', `{"object":"page","entry":[{"time":9,${entry(PAGE_ID, 'm1').slice(1)}]}`],
    ['two lists of one name', `{"object":"page","entry":[{"messaging":[${aMessage('other')}],${entry(PAGE_ID, 'm1').slice(1)}]}`],
    ['something else with the name of a list', `{"object":"page","entry":[{"messaging":5,${entry(PAGE_ID, 'm1').slice(1)}]}`],
  ])('is cut: %s', (_name, text) => {
    expect(bodies(text)).toEqual([`{"object":"page","entry":[${entry(PAGE_ID, 'm1')}]}`]);
  });

  it('is empty when its last list is, whatever came before', () => {
    expect(bodies(`{"object":"page","entry":[{"messaging":7,"messaging":[],"time":1,"id":"${PAGE_ID}"}]}`)).toEqual([]);
  });

  it('is cut when the entry has no list', () => {
    expect(bodies(`{"object":"page","entry":[{"id":"77","id":"${PAGE_ID}","changed_fields":["feed"]}]}`)).toEqual([
      `{"object":"page","entry":[{"id":"${PAGE_ID}","changed_fields":["feed"]}]}`,
    ]);
  });

  it('holds what is unknown byte for byte, even twice', () => {
    const text = `{"a":1,"a":2,"object":"page","entry":[{"é":1,"é":2,${entry(PAGE_ID, 'm1').slice(1)}]}`;
    expect(bodies(text)).toEqual([text]);
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

  it.each([
    ['a message', 'messaging', aMessage('m1')],
    ['a postback with a mid', 'messaging', '{"timestamp":5,"postback":{"mid":"m1","payload":"a"}}'],
    ['a reaction', 'messaging', '{"timestamp":1763856000000,"reaction":{"mid":"m1","action":"react"}}'],
    ['a receipt, by its watermark', 'messaging', '{"delivery":{"mids":["m1"],"watermark":1763856000000}}'],
    ['a read, by its watermark', 'standby', '{"read":{"watermark":1763856000000}}'],
    ['a call', 'calls', '{"id":"c1","event":"connect","timestamp":1671644824}'],
    ['a lead', 'changes', '{"field":"leadgen","value":{"leadgen_id":444,"created_time":1}}'],
    ['a new comment', 'changes', '{"field":"feed","value":{"item":"comment","verb":"add","comment_id":"1_2"}}'],
  ])('stays when Meta repeats %s with another entry.time', (_name, list, item) => {
    expect(key(item, '1763856000000', list)).toBe(key(item, '1763856999999', list));
  });

  it.each([
    ['an edited comment', 'changes', '{"field":"feed","value":{"item":"comment","verb":"edited","comment_id":"1_2"}}'],
    ['a change without an id', 'changes', '{"field":"parking"}'],
    ['an item without id and time', 'messaging', '{"policy_enforcement":{"action":"warning"}}'],
  ])('holds entry.time for %s: twice is better than never', (_name, list, item) => {
    expect(key(item, '1', list)).not.toBe(key(item, '2', list));
  });

  it.each([
    ['postbacks by their mid', '{"postback":{"mid":"m1"}}', '{"postback":{"mid":"m2"}}', 'messaging'],
    ['a postback from the message with its mid', '{"postback":{"mid":"m1"}}', '{"message":{"mid":"m1"}}', 'messaging'],
    [
      'a new comment from an edited one',
      '{"field":"feed","value":{"verb":"add","comment_id":"1"}}',
      '{"field":"feed","value":{"verb":"edited","comment_id":"1"}}',
      'changes',
    ],
    [
      'fields with one lead',
      '{"field":"leadgen","value":{"leadgen_id":1}}',
      '{"field":"leadgen_update","value":{"leadgen_id":1}}',
      'changes',
    ],
    ['events of one call', '{"id":"c1","event":"connect","timestamp":1}', '{"id":"c1","event":"terminate","timestamp":1}', 'calls'],
  ])('tells apart %s', (_name, one, other, list) => {
    expect(key(one, '1', list)).not.toBe(key(other, '1', list));
  });

  it('is the time and the bytes for what has neither id nor time and carries the mid of another event', () => {
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
