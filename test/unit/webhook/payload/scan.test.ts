import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MAX_ITEMS, scan, type ScannedEntry, type ScannedPost } from '../../../../src/webhook/payload/scan.js';

function scanned(text: string): ScannedPost {
  const result = scan(Buffer.from(text));
  if (!result.ok) throw new Error(`not scanned: ${result.why}`);
  return result.post;
}

function firstEntry(text: string): ScannedEntry {
  const entry = scanned(text).entries?.[0];
  if (entry === undefined) throw new Error('no entry');
  return entry;
}

function isJson(bytes: Buffer): boolean {
  try {
    // Byte for byte, as the scanner reads it: JSON.parse over UTF-8 would take a byte order mark
    // away first.
    JSON.parse(bytes.toString('latin1'));
    return true;
  } catch {
    return false;
  }
}

describe('scan', () => {
  it.each([
    ['nothing', ''],
    ['a blank', ' '],
    ['a cut-off object', '{"object":"page"'],
    ['bytes behind the end', '{} {}'],
    ['a comma too many in an object', '{"a":1,}'],
    ['a comma too many in a list', '[1,]'],
    ['a missing colon', '{"a" 1}'],
    ['a key without quotes', '{a:1}'],
    ['single quotes', "{'a':1}"],
    ['a leading zero', '[01]'],
    ['a lone minus', '[-]'],
    ['a number that ends in a point', '[1.]'],
    ['a number that ends in an exponent', '[1e]'],
    ['a plus', '[+1]'],
    ['NaN', '[NaN]'],
    ['a cut-off literal', '[tru]'],
    ['a line feed in a string', '["\n"]'],
    ['a NUL in a string', '["\u0000"]'],
    ['an unknown escape', '["\\x41"]'],
    ['a short unicode escape', '["\\u12"]'],
    ['an escape at the very end', '["\\'],
    ['a byte order mark', '\uFEFF{}'],
    ['a comment', '{/**/}'],
    ['a form feed as a blank', '\f{}'],
    ['brackets that do not match', '[}'],
  ])('refuses %s', (_name, text) => {
    expect(scan(Buffer.from(text))).toEqual({ ok: false, why: 'not_json' });
  });

  it('takes nesting up to its bound and refuses one level more', () => {
    const nested = (levels: number): Buffer => Buffer.from('['.repeat(levels) + ']'.repeat(levels));

    expect(scan(nested(256)).ok).toBe(true);
    expect(scan(nested(257)).ok).toBe(false);
    expect(scan(Buffer.from('['.repeat(1_000_000))).ok).toBe(false);
  });

  it('keeps ids as digits, whether they are strings or numbers, far beyond 2^53', () => {
    const entry = firstEntry(
      '{"object":"page","entry":[{"id":12345678901234567890,"time":1,"messaging":[{"sender":{"id":98765432109876543210},"recipient":{"id":"12345678901234567890"}}]}]}',
    );

    expect(entry.id).toBe('12345678901234567890');
    expect(entry.channels[0]?.items[0]).toMatchObject({
      facts: { sender: '98765432109876543210', recipient: '12345678901234567890' },
    });
  });

  it('compares keys by their value, however they are escaped', () => {
    expect(firstEntry('{"obj\\u0065ct":"page","entr\\u0079":[{"\\u0069d":"7\\u0038"}]}').id).toBe('78');
  });

  it('lets the last of two equal keys win, as JSON.parse does', () => {
    const post = scanned(
      '{"object":"user","entry":[{"id":"1"}],"object":"page","entry":[{"id":"2","id":"3","messaging":[1],"messaging":[2,3]}]}',
    );

    expect(post.object).toBe('page');
    expect(post.entries).toHaveLength(1);
    expect(post.entries?.[0]?.id).toBe('3');
    expect(post.entries?.[0]?.channels.map(({ items }) => items.length)).toEqual([2]);
  });

  it('reads items with each key twice, whatever its values are', () => {
    const keys = ['id', 'sender', 'recipient', 'from', 'to', 'recipient_id', 'timestamp', 'message', 'postback', 'read', 'delivery'];
    const values = ['1', '"a"', 'null', '[]', '{}', '{"id":"1","mid":"m","watermark":5,"is_echo":true}'];
    const twice = [...keys, 'field', 'value', 'unknown'].flatMap((key) =>
      values.flatMap((one) => values.map((other) => `"${key}":${one},"${key}":${other}`)),
    );
    for (const list of ['messaging', 'calls', 'changes', 'newer']) {
      for (const members of twice) {
        const text = `{"object":"page","entry":[{"${list}":[{"timestamp":5,${members}}]}]}`;
        expect([text, scan(Buffer.from(text)).ok]).toEqual([text, true]);
      }
    }
  });

  it('drops a list that a later equal key replaces by something else', () => {
    expect(firstEntry('{"object":"page","entry":[{"messaging":[1],"messaging":null}]}').channels).toEqual([]);
  });

  it('passes over invalid UTF-8 and lone surrogates inside strings', () => {
    const bytes = Buffer.concat([
      Buffer.from('{"object":"page","entry":[{"id":"1","x":"'),
      Buffer.from([0xff, 0xc0, 0x80]),
      Buffer.from('\\ud800"}]}'),
    ]);

    expect(scan(bytes).ok).toBe(true);
  });

  it('knows a message by its mid, and what is echoed or deleted', () => {
    const [channel] = firstEntry(
      '{"object":"page","entry":[{"messaging":[{"message":{"mid":"m1","is_echo":true}},{"message":{"mid":"m2","is_deleted": true}},{"reaction":{"mid":"m3"}},{"message":"odd"}]}]}',
    ).channels;

    expect(channel?.items.map(({ facts }) => [facts?.eventId, facts?.isEcho])).toEqual([
      ['message.echo|m1', true],
      ['message.deleted|m2', false],
      [undefined, false],
      [undefined, false],
    ]);
  });

  it('refuses more entries than it may hold', () => {
    const text = `{"object":"page","entry":[${Array.from({ length: 20_001 }, () => '0').join(',')}]}`;

    expect(scan(Buffer.from(text))).toEqual({ ok: false, why: 'too_many_entries' });
  });

  it('takes as many items as it may hold', () => {
    const text = `{"object":"page","entry":[{"id":"1","time":2,"messaging":[${'{},'.repeat(MAX_ITEMS - 2)}{}]}]}`;

    expect(scan(Buffer.from(text)).ok).toBe(true);
  });

  it.each([
    ['items of one entry', `{"object":"page","entry":[{"id":"1","messaging":[${'{},'.repeat(MAX_ITEMS)}{}]}]}`],
    ['items of a list of changes', `{"object":"page","entry":[{"id":"1","changes":[${'0,'.repeat(MAX_ITEMS)}0]}]}`],
    ['items of several entries', `{"entry":[${`{"messaging":[${'{},'.repeat(25_000)}{}]},`.repeat(2)}{}]}`],
    ['members of an entry', `{"entry":[{${'"a":1,'.repeat(MAX_ITEMS)}"b":1}]}`],
    ['members of the POST', `{${'"a":1,'.repeat(MAX_ITEMS)}"b":1}`],
  ])('refuses more %s than it may hold', (_name, text) => {
    expect(scan(Buffer.from(text))).toEqual({ ok: false, why: 'too_many_items' });
  });

  it('calls JSON what JSON.parse calls JSON, and finds the same items, over random and damaged bodies', () => {
    const event = fc.record({ sender: fc.record({ id: fc.string() }), message: fc.jsonValue(), extra: fc.jsonValue() });
    const entry = fc.record(
      {
        id: fc.oneof(fc.string(), fc.nat()),
        time: fc.nat(),
        messaging: fc.array(event),
        standby: fc.jsonValue(),
        changes: fc.array(fc.jsonValue()),
      },
      { requiredKeys: [] },
    );
    const body = fc.record(
      { object: fc.constantFrom('page', 'instagram'), entry: fc.array(entry, { maxLength: 4 }), ['__proto__']: fc.jsonValue() },
      { requiredKeys: ['entry'] },
    );
    const damage = fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      byte: fc.nat(255),
      kind: fc.constantFrom('none', 'set', 'cut', 'insert'),
    });

    fc.assert(
      fc.property(body, damage, fc.constantFrom(undefined, 1), (value, { at, byte, kind }, indent) => {
        const whole = Buffer.from(JSON.stringify(value, undefined, indent));
        const offset = Math.floor(at * whole.length);
        const bytes = damaged(whole, kind, offset, byte);
        const result = scan(bytes);

        expect(result.ok).toBe(isJson(bytes));
        if (result.ok) expectSameItems(bytes, result.post);
      }),
      { seed: 20261123, numRuns: 3_000, interruptAfterTimeLimit: 5_000 },
    );
  });
});

function damaged(whole: Buffer, kind: string, at: number, byte: number): Buffer {
  if (kind === 'cut') return whole.subarray(0, at);
  if (kind === 'insert') return Buffer.concat([whole.subarray(0, at), Buffer.from([byte]), whole.subarray(at)]);
  const copy = Buffer.from(whole);
  if (kind === 'set' && copy.length > 0) copy[at] = byte;
  return copy;
}

/**
 * Against an independent parser: every range that the scanner names holds the value that the parser
 * finds there.
 */
function expectSameItems(bytes: Buffer, post: ScannedPost): void {
  const parsed: unknown = JSON.parse(bytes.toString('latin1'));
  const entries: unknown = isObject(parsed) ? parsed['entry'] : undefined;
  if (!Array.isArray(entries)) {
    expect(post.entries).toBeUndefined();
    return;
  }
  const objects = entries.filter(isObject);
  expect(post.entries).toHaveLength(objects.length);
  for (const [i, entry] of (post.entries ?? []).entries()) {
    for (const { channel, items } of entry.channels) {
      const expected = objects[i]?.[channel];
      const found = items.map(({ start, end }) => JSON.parse(bytes.toString('latin1', start, end)) as unknown);
      expect(JSON.stringify(found)).toBe(JSON.stringify(expected));
    }
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
