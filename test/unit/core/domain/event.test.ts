import { deserialize, serialize } from 'node:v8';
import { describe, expect, it } from '@jest/globals';
import { bodyOf, type EventEntry } from '../../../../src/core/domain/event.js';
import { Secret } from '../../../../src/core/secrets/secret.js';
import { scan } from '../../../../src/webhook/payload/scan.js';
import { Splitter } from '../../../../src/webhook/payload/split.js';
import { PAGE_ID, aMessage, aRoute } from '../../webhook/fakes.js';

const TOLD = `"id":"${PAGE_ID}","time":1763856000123`;
const CHANGE = '{"field":"feed","value":{"post_id":12345678901234567890}}';
const BODIES: readonly [string, string][] = [
  ['one item, blanks and all', ` {"object":"page", "entry":[{${TOLD} ,"messaging":[ ${aMessage('m1')} ]}]}`],
  [
    'several items of one list',
    `{"object":"page","entry":[{${TOLD},"messaging":[${aMessage('m1')},${aMessage('m2')},${aMessage('m3')}]}]}`,
  ],
  [
    'several lists',
    `{"object":"page","entry":[{${TOLD},"messaging":[${aMessage('m1')}],"standby":[${aMessage('s1')}],"changes":[${CHANGE}]}]}`,
  ],
  [
    'several entries',
    `{"hub":1.0,"object":"page","entry":[{${TOLD},"messaging":[${aMessage('m1')}]},{${TOLD},"flag":1e400,"changes":[${CHANGE}]}]}`,
  ],
  [
    'an entry without a list',
    `{"object":"page","entry":[{${TOLD},"changed_fields":["feed"]},{${TOLD},"messaging":[]},{"id":"${PAGE_ID}"}]}`,
  ],
];

function entriesOf(text: string): EventEntry[] {
  const bytes = Buffer.from(text);
  const result = scan(bytes);
  if (!result.ok) throw new Error(result.why);
  const splitter = new Splitter(bytes, result.post);
  const route = aRoute({ signingSecret: new Secret('signing-secret', 'the-signing-secret') });
  return (result.post.entries ?? []).flatMap((scanned) => splitter.entry(scanned, route) ?? []);
}

/** The body of all items of each channel, and of each item. */
function bodiesOf(entry: EventEntry): string[] {
  const channels = [...new Set(entry.items.map(({ channel }) => channel))];
  const together = channels.map((channel) => entry.items.filter((item) => item.channel === channel));
  return [...together, ...entry.items.map((item) => [item])].map((items) => bodyOf(entry, items).toString());
}

describe('an entry with its events', () => {
  it.each(BODIES)('builds the same bodies after it was stored and read back: %s', (_name, text) => {
    for (const entry of entriesOf(text)) {
      const stored = serialize(entry);
      const read = deserialize(stored) as EventEntry;

      expect(bodiesOf(read)).toEqual(bodiesOf(entry));
      expect(read).toEqual(entry);
      expect(stored.includes('the-signing-secret')).toBe(false);
    }
  });

  it('is stored with all that delivery has to know later', () => {
    const [entry] = entriesOf(BODIES[0]?.[1] ?? '');
    const { appId, pageId, owner, epoch } = aRoute();

    expect(deserialize(serialize(entry))).toMatchObject({
      ...{ appId, pageId, owner, epoch, timeMs: 1_763_856_000_123 },
      items: [{ channel: 'messaging', conversation: `${PAGE_ID}/24680` }],
    });
  });

  it('hands on the very bytes of a POST that holds nothing else, without a copy', () => {
    const bytes = Buffer.from(BODIES[0]?.[1] ?? '');
    const result = scan(bytes);
    if (!result.ok) throw new Error(result.why);
    const [scanned] = result.post.entries ?? [];
    const entry = scanned && new Splitter(bytes, result.post).entry(scanned, aRoute());

    expect(entry && bodyOf(entry, entry.items)).toBe(bytes);
  });

  it('has a key of its own for each of two equal items of one POST, and the same two keys in the retry', () => {
    const item = '{"reaction":{"mid":"m1","action":"react"}}';
    const text = `{"object":"page","entry":[{${TOLD},"messaging":[${item},${item}]},{${TOLD},"messaging":[${item}]}]}`;
    const keys = (): string[] => entriesOf(text).flatMap(({ items }) => items.map(({ dedupeKey }) => dedupeKey));

    expect(new Set(keys()).size).toBe(3);
    expect(keys()).toEqual(keys());
  });
});
