import { describe, expect, it } from '@jest/globals';
import { GRAPH_VERSIONS, versionWarning } from '../../../../src/core/domain/graph-versions.js';

const at = (day: string): number => Date.parse(day);

describe('versionWarning', () => {
  it.each([
    ['v25.0', 'v25.0', '2026-11-23', undefined],
    ['v25.0', undefined, '2026-11-23', undefined],
    ['v26.0', 'v26.0', '2030-01-01', undefined],
    ['v99.0', undefined, '2026-11-23', undefined],
    ['v21.0', 'v22.0', '2027-02-01', 'Graph answers with API version v22.0 where v21.0 is asked for'],
    ['v21.0', 'v21.0', '2026-10-01', undefined],
    ['v21.0', 'v21.0', '2026-11-23', 'only until 2027-01-21, within 90 days'],
    ['v21.0', 'v21.0', '2027-01-01', 'within 30 days'],
    ['v21.0', 'v21.0', '2027-01-20', 'within 7 days'],
    ['v21.0', undefined, '2027-01-21', 'no more since 2027-01-21'],
  ])('of %s answered as %s on %s says %s', (asked, answered, day, says) => {
    const warning = versionWarning({ asked, answered }, at(day));
    if (says === undefined) expect(warning).toBeUndefined();
    else expect(warning?.message).toContain(says);
    if (warning !== undefined) expect(warning.message).toMatch(/set spec\.graph\.version/);
  });

  it('knows versions in their order, each with a day', () => {
    const ends = GRAPH_VERSIONS.map(([, end]) => (end === undefined ? Number.POSITIVE_INFINITY : Date.parse(end)));
    expect(ends.some(Number.isNaN)).toBe(false);
    expect([...ends].sort((a, b) => a - b)).toEqual(ends);
  });
});
