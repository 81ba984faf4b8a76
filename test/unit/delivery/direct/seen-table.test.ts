import { describe, expect, it } from '@jest/globals';
import { SeenTable } from '../../../../src/delivery/direct/seen-table.js';

describe('SeenTable', () => {
  it('knows a key until it expires', () => {
    const table = new SeenTable(100);
    table.add(table.key('a'), 1_000, 0);

    expect(table.has(table.key('a'), 999)).toBe(true);
    expect(table.has(table.key('a'), 1_000)).toBe(false);
    expect(table.has(table.key('b'), 0)).toBe(false);
  });

  it('prolongs a key that is added again', () => {
    const table = new SeenTable(16);
    table.add(table.key('a'), 1_000, 0);
    table.add(table.key('a'), 2_000, 500);

    expect(table.has(table.key('a'), 1_500)).toBe(true);
  });

  it('tells a hundred thousand keys from a hundred thousand others that look like them', () => {
    const table = new SeenTable(400_000);
    for (let i = 0; i < 100_000; i++) table.add(table.key(`1517776481860111|page|1234567890|messaging|message|m_${i}|`), 1_000, 0);

    let lost = 0;
    let wrong = 0;
    for (let i = 0; i < 100_000; i++) {
      if (!table.has(table.key(`1517776481860111|page|1234567890|messaging|message|m_${i}|`), 1)) lost++;
      if (table.has(table.key(`1517776481860111|page|1234567890|messaging|message|n_${i}|`), 1)) wrong++;
    }

    expect({ lost, wrong }).toEqual({ lost: 0, wrong: 0 });
  });

  it('forgets what expires first when it is full, and nothing that came last', () => {
    const table = new SeenTable(16);
    for (let i = 0; i < 64; i++) table.add(table.key(`k${i}`), 1_000 + i, 0);

    expect(table.has(table.key('k0'), 1)).toBe(false);
    for (let i = 48; i < 64; i++) expect(table.has(table.key(`k${i}`), 1)).toBe(true);
  });

  it('uses places that have expired before it forgets anything', () => {
    const table = new SeenTable(16);
    for (let i = 0; i < 8; i++) table.add(table.key(`old${i}`), 10, 0);
    for (let i = 0; i < 8; i++) table.add(table.key(`live${i}`), 1_000, 0);
    for (let i = 0; i < 8; i++) table.add(table.key(`new${i}`), 2_000, 20);

    for (let i = 0; i < 8; i++) expect([table.has(table.key(`live${i}`), 30), table.has(table.key(`new${i}`), 30)]).toEqual([true, true]);
  });
});
