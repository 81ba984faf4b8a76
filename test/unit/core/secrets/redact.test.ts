import { describe, expect, it } from '@jest/globals';
import { KnownSecrets } from '../../../../src/core/secrets/known-secrets.js';
import { Redactor } from '../../../../src/core/secrets/redact.js';
import { Secret } from '../../../../src/core/secrets/secret.js';

const VALUE = 'canary/ü+"x|9-0123456789-abcdefghij';

function knownOf(...values: readonly string[]): KnownSecrets {
  const known = new KnownSecrets();
  for (const value of values) known.add(new Secret('bearer', value));
  return known;
}

function redactorWith(...values: readonly string[]): Redactor {
  return new Redactor({ known: knownOf(...values) });
}

describe('Redactor', () => {
  it.each([
    ['raw', VALUE],
    ['URL-encoded', encodeURIComponent(VALUE)],
    ['URL-encoded in lower case', encodeURIComponent(VALUE).replace(/%../g, (hex) => hex.toLowerCase())],
    ['form-encoded', new URLSearchParams([['', VALUE]]).toString().slice(1)],
    ['JSON-escaped', JSON.stringify(VALUE).slice(1, -1)],
    ['JSON-escaped as PHP does', JSON.stringify(VALUE).slice(1, -1).replaceAll('/', '\\/').replace('ü', '\\u00fc')],
  ])('replaces a known value: %s', (_name, written) => {
    expect(redactorWith(VALUE).text(`before ${written} after`)).toBe('before [redacted] after');
  });

  it.each([0, 1, 2, 3, 4])('replaces a known value within base64 that begins %i bytes earlier', (before) => {
    const base64 = Buffer.from(`${'.'.repeat(before)}${VALUE}tail`).toString('base64');
    // What stays are the characters that the bytes around the value have a part in.
    expect(redactorWith(VALUE).text(`x ${base64} y`)).toMatch(/^x .{0,7}\[redacted\].{0,8} y$/);
  });

  it('replaces the longer of two values of which one begins the other', () => {
    expect(redactorWith('abcdefgh', 'abcdefghIJKL').text('see abcdefghIJKL and abcdefgh')).toBe('see [redacted] and [redacted]');
  });

  it.each([
    ['a page token', 'bad EAAGm0PX4ZCpsBAKZC1234 here', 'bad [redacted] here'],
    ['a token parameter', 'GET /me?access_token=abc.def&x=1', 'GET /me?access_token=[redacted]&x=1'],
    ['a token parameter in JSON', '{"access_token": "abc.def"}', '{"access_token": "[redacted]"}'],
    ['a proof', 'appsecret_proof=0123abcd failed', 'appsecret_proof=[redacted] failed'],
    ['an app token', 'with 1517776481860111|s3cretvalue!', 'with [redacted]!'],
    ['an encoded app token', 'with 1517776481860111%7Cs3cretvalue', 'with [redacted]'],
    ['a bearer header', 'authorization: Bearer abc.defghijk', 'authorization: Bearer [redacted]'],
  ])('replaces what looks like %s', (_name, text, want) => {
    expect(new Redactor().text(text)).toBe(want);
  });

  it("leaves Meta's challenge header and ordinary words alone", () => {
    const text = 'OAuth "Facebook Platform" "invalid_request" the parameter subscribed_fields is required';
    expect(new Redactor().text(text)).toBe(text);
  });

  it('removes control and invisible characters, also within a secret', () => {
    expect(redactorWith('longsecretvalue').text('a\u0007b\nc long\u200bsecret\u0000value')).toBe('ab c [redacted]');
  });

  it('cuts to the maximum and never through a character', () => {
    const cut = new Redactor({ max: 10 }).text('12345678😀901234');
    expect(cut).toBe('12345678…');
    expect(new Redactor().text('x'.repeat(5_000))).toHaveLength(256);
  });

  it('shows no beginning of a secret that a very long text cuts in two', () => {
    const secret = 's'.repeat(10) + 'ecret0123456789';
    const text = `${' '.repeat(1)}${'y '.repeat(8_185)}${secret}`;
    expect(redactorWith(secret).text(`${text.slice(0, 16_380)}${secret}`)).not.toContain('ssssecret');
    expect(new Redactor({ max: 20_000 }).text(`${'y '.repeat(8_188)}${secret}`)).not.toContain('sss');
  });

  it.each([
    ['two that overlap', ['abcdefghij', 'ghijklmnop'], 'x abcdefghijklmnop y', 'x [redacted] y'],
    ['two that touch', ['abcdefghij', 'klmnopqrst'], 'x abcdefghijklmnopqrst y', 'x [redacted][redacted] y'],
    ['one that repeats itself', ['ababab'], 'x ababababab y', 'x [redacted] y'],
  ])('leaves no piece of %s', (_which, values, text, want) => {
    expect(redactorWith(...values).text(text)).toBe(want);
  });

  it('takes no guessable value out of our own words, and none at all out of an identity', () => {
    const redactor = redactorWith('clinic', '0123456789abcdef0123456789abcdef');
    const text = 'clinic 0123456789abcdef0123456789abcdef EAAGm0PX4ZCpsBAKZC1234';
    expect(redactor.text(text, [], 'all')).toBe('[redacted] [redacted] [redacted]');
    expect(redactor.text(text, [], 'unguessable')).toBe('clinic [redacted] [redacted]');
    expect(redactor.text(text, [], 'none')).toBe('clinic 0123456789abcdef0123456789abcdef [redacted]');
  });

  it('takes a guessable value of the call itself out, though a search for all would not', () => {
    expect(redactorWith('clinic').text('a clinic', [new Secret('page-token', 'clinic')], 'unguessable')).toBe('a [redacted]');
  });

  it('replaces values of the call itself without anybody having added them', () => {
    expect(new Redactor().text('x onlythiscall', [new Secret('page-token', 'onlythiscall'), undefined])).toBe('x [redacted]');
  });

  it('looks at a very long text once, not once for each of its words', () => {
    const before = process.cpuUsage();
    new Redactor().text(`${'x'.repeat(16_000)} ${'y'.repeat(10)}${' z'.repeat(10_000)}`);
    // The square of 16,000 steps takes longer on any machine.
    expect(process.cpuUsage(before).user).toBeLessThan(50_000);
  });

  it('ignores an empty secret', () => {
    expect(redactorWith('').text('unchanged')).toBe('unchanged');
  });
});
