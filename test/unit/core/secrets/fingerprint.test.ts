import { describe, expect, it } from '@jest/globals';
import { tokenFingerprint } from '../../../../src/core/secrets/fingerprint.js';
import { stalledLookMs } from '../../../../src/core/domain/schedule.js';
import { Secret } from '../../../../src/core/secrets/secret.js';

const token = (value: string): Secret => new Secret('page-token', value);

describe('tokenFingerprint', () => {
  it('is sixteen hexadecimal digits, always the same', () => {
    expect(tokenFingerprint('uid-1', token('abc'))).toMatch(/^[0-9a-f]{16}$/);
    expect(tokenFingerprint('uid-1', token('abc'))).toBe(tokenFingerprint('uid-1', token('abc')));
  });

  it('tells values and pages apart', () => {
    const prints = [
      tokenFingerprint('uid-1', token('abc')),
      tokenFingerprint('uid-1', token('abd')),
      tokenFingerprint('uid-2', token('abc')),
    ];

    expect(new Set(prints).size).toBe(3);
  });
});

describe('stalledLookMs', () => {
  it('doubles from ten minutes up to six hours', () => {
    const minutes = [0, 1, 2, 3, 4, 5, 6, 1_000].map((looks) => stalledLookMs(looks) / 60_000);

    expect(minutes).toEqual([10, 20, 40, 80, 160, 320, 360, 360]);
  });
});
