import { describe, expect, it } from '@jest/globals';
import { DeletionGate, type Sighting } from '../../../src/folder/deletion-gate.js';

const gateOf = (allowMassDelete = false): DeletionGate => new DeletionGate({ confirmMs: 10_000, allowMassDelete });
const pages = (count: number, missing: number): readonly Sighting[] =>
  Array.from({ length: count }, (_, i) => ({ id: `page-${i}`, isPage: true, found: i >= missing }));
const one = (found: boolean): readonly Sighting[] => [{ id: 'a', isPage: true, found }];

describe('DeletionGate', () => {
  it('believes a removal after two good scans that are far enough apart', () => {
    const gate = gateOf();
    expect(gate.judge(one(false), true, 0)).toEqual({ gone: [], refused: undefined, pending: true });
    expect(gate.judge(one(false), true, 9_999).gone).toEqual([]);
    expect(gate.judge(one(false), true, 10_000)).toEqual({ gone: ['a'], refused: undefined, pending: false });
  });

  it('concludes nothing from a bad scan', () => {
    const gate = gateOf();
    gate.judge(one(false), false, 0);
    gate.judge(one(false), true, 10_000);
    expect(gate.judge(one(false), false, 20_000).gone).toEqual([]);
    expect(gate.judge(one(false), true, 20_000).gone).toEqual(['a']);
  });

  it('begins anew when the file was back in between, even in a bad scan', () => {
    const gate = gateOf();
    gate.judge(one(false), true, 0);
    gate.judge(one(true), false, 5_000);
    expect(gate.judge(one(false), true, 10_000).gone).toEqual([]);
    expect(gate.judge(one(false), true, 20_000).gone).toEqual(['a']);
  });

  it.each<[number, number, boolean]>([
    [5, 5, false],
    [6, 6, true],
    [30, 6, false],
    [29, 6, true],
    [100, 21, true],
    [100, 20, false],
  ])('of %d pages, %d missing at once: refused is %p', (count, missing, refused) => {
    const gate = gateOf();
    gate.judge(pages(count, missing), true, 0);
    const verdict = gate.judge(pages(count, missing), true, 10_000);
    expect(verdict.refused).toEqual(refused ? { missing, pages: count } : undefined);
    expect(verdict.gone).toHaveLength(refused ? 0 : missing);
  });

  it('holds back the Secrets as well while it refuses the pages', () => {
    const gate = gateOf();
    const sightings = [...pages(6, 6), { id: 'secret', isPage: false, found: false }];
    gate.judge(sightings, true, 0);
    expect(gate.judge(sightings, true, 10_000).gone).toEqual([]);
  });

  it('lets many go when that is allowed', () => {
    const gate = gateOf(true);
    gate.judge(pages(50, 50), true, 0);
    expect(gate.judge(pages(50, 50), true, 10_000).gone).toHaveLength(50);
  });
});
