import { describe, expect, it } from '@jest/globals';
import { configMapContent, type DataResult, secretContent } from '../../../src/folder/data-object.js';

const texts = (result: DataResult): unknown =>
  'content' in result ? Object.fromEntries([...result.content.data].map(([key, value]) => [key, Buffer.from(value).toString()])) : result;

describe('the content of Secrets and ConfigMaps', () => {
  it('decodes data, and lets stringData win', () => {
    expect(texts(secretContent({ data: { a: 'QQ==', b: 'Qg==' }, stringData: { b: 'plain' } }))).toEqual({ a: 'A', b: 'plain' });
    expect(texts(configMapContent({ data: { a: 'x' }, binaryData: { b: 'Qg==' } }))).toEqual({ a: 'x', b: 'B' });
  });

  it('gives a Secret the type of a Secret without one', () => {
    expect(secretContent({})).toEqual({ content: { type: 'Opaque', data: new Map() } });
    expect(secretContent({ type: 'messenger-operator.dev/bot-key' })).toMatchObject({
      content: { type: 'messenger-operator.dev/bot-key' },
    });
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['plain text under data', { data: { token: 'EAAcanary_canary' } }, 'data["token"]'],
    ['a number', { stringData: { token: 12345678901234 } }, 'stringData["token"]'],
    ['a list', { stringData: ['EAAcanary'] }, 'stringData'],
    ['an odd key', { stringData: { 'a b': 'EAAcanary' } }, 'stringData'],
    ['too much', { stringData: { token: 'EAAcanary'.repeat(200_000) } }, 'data'],
    ['a type that is no text', { type: 5 }, 'type'],
  ])('refuses %s without repeating it', (_, object, field) => {
    const result = secretContent(object);
    expect(result).toMatchObject({ problems: [{ field }] });
    expect(JSON.stringify(result)).not.toContain('EAAcanary');
    expect(JSON.stringify(result)).not.toContain('12345678901234');
  });
});
