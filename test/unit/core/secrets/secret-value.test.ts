import { describe, expect, it } from '@jest/globals';
import { secretValue } from '../../../../src/core/secrets/secret-value.js';

const read = (text: string) => secretValue('verify-token', Buffer.from(text));

describe('secretValue', () => {
  it.each([
    ['a value', 'verify-me', 'verify-me'],
    ['a value of six characters', 'secret', 'secret'],
    ['a value with the newline that echo adds', 'verify-me\n', 'verify-me'],
    ['a value with the newline of another system', 'verify-me\r\n', 'verify-me'],
  ])('takes %s', (_what, text, want) => {
    const value = read(text);
    expect(value.ok && value.secret.reveal()).toBe(want);
  });

  it.each([
    ['nothing', '', 'is empty'],
    ['a newline alone', '\n', 'is empty'],
    ['two newlines', 'verify-me\n\n', 'a blank or an unprintable character at position 10 of 10'],
    ['a blank inside', 'verify me', 'at position 7 of 9'],
    ['bytes that are no text', '\ufffdverify', 'at position 1'],
    ['what any text has a part like', 'a', 'has fewer than 6 characters'],
    ['what can be guessed', '12345', 'has fewer than 6 characters'],
    ['what is short without its newline', '12345\n', 'has fewer than 6 characters'],
  ])('refuses %s, without saying what it is', (_what, text, problem) => {
    const value = read(text);
    expect(value.ok ? '' : value.problem).toContain(problem);
    if (!value.ok && text.trim().length > 1) expect(value.problem).not.toContain(text.trim());
  });
});
