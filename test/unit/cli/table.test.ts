import { describe, expect, it } from '@jest/globals';
import { age, cell, table } from '../../../src/cli/table.js';

const NOW = Date.parse('2026-11-23T12:00:00Z');

describe('table', () => {
  it('puts cells under their headings', () => {
    expect(
      table(
        ['NAME', 'READY'],
        [
          ['clinic-a', 'True'],
          ['b', 'False'],
        ],
      ),
    ).toBe('NAME       READY\nclinic-a   True\nb          False');
  });

  it.each<[unknown, string]>([
    [undefined, '<none>'],
    ['', '<none>'],
    [0, '0'],
    [true, 'true'],
    ['a\nb\u001b[31m', 'a b [31m'],
    [{ a: 1 }, '{"a":1}'],
  ])('shows %p as %s', (value, text) => {
    expect(cell(value)).toBe(text);
  });

  it.each<[unknown, string]>([
    ['2026-11-23T12:00:00Z', '0s'],
    ['2026-11-23T11:59:15Z', '45s'],
    ['2026-11-23T11:54:50Z', '5m10s'],
    ['2026-11-23T11:30:20Z', '29m'],
    ['2026-11-23T09:55:00Z', '2h5m'],
    ['2026-11-11T12:00:00Z', '12d'],
    ['2026-11-23T13:00:00Z', '0s'],
    ['no time', '<unknown>'],
    [undefined, '<unknown>'],
  ])('says of %p that it is %s old', (timestamp, text) => {
    expect(age(timestamp, NOW)).toBe(text);
  });
});
