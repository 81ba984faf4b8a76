import { describe, expect, it } from '@jest/globals';
import { FairShares, type Holders } from '../../../src/kit/fair-shares.js';

/** Takes one at a time until it is refused. @returns how many it got */
function takeAll(shares: FairShares, ...holders: readonly Holders[]): number {
  let taken = 0;
  for (let i = 0; ; i++) {
    if (shares.take(holders[i % holders.length] ?? [], 1) !== undefined) return taken;
    taken++;
  }
}

const page = (name: string, namespace = 'greedy', app = 'app'): Holders => [name, namespace, app];

describe('fair shares', () => {
  it.each<[string, number, readonly Holders[]]>([
    ['a page two thirds', 600, [page('1')]],
    ['a namespace with many pages four fifths', 720, Array.from({ length: 50 }, (_, i) => page(`${i}`))],
    ['an app with many namespaces eight ninths', 800, Array.from({ length: 50 }, (_, i) => page(`${i}`, `n${i}`))],
  ])('give %s while no other holder wants any', (_, most, holders) => {
    const taken = takeAll(new FairShares(900), ...holders);

    expect(taken).toBeGreaterThanOrEqual(most);
    expect(taken).toBeLessThanOrEqual(most + 1);
  });

  it.each<[string, Holders]>([
    ['page of the same namespace', page('victim')],
    ['namespace of the same app', page('victim', 'victim')],
    ['app', page('victim', 'victim', 'victim')],
  ])('keep something for another %s, however much the greedy one takes', (_, victim) => {
    const shares = new FairShares(900);
    takeAll(shares, page('1'));

    expect(takeAll(shares, victim)).toBeGreaterThan(90);
  });

  it('keep something for another namespace when one took all it may with many pages', () => {
    const shares = new FairShares(900);
    takeAll(shares, ...Array.from({ length: 50 }, (_, i) => page(`${i}`)));

    expect(takeAll(shares, page('victim', 'victim'))).toBeGreaterThan(50);
  });

  it('say whether nothing is left or it is kept for others', () => {
    const shares = new FairShares(3);
    expect(shares.take(page('1'), 2)).toBeUndefined();

    expect(shares.take(page('2', 'b', 'b'), 2)).toBe('full');
    expect(shares.take(page('1'), 1)).toBe('over_share');
    expect(shares.take(page('2', 'b', 'b'), 1)).toBeUndefined();
  });

  it('let through what is larger than all there is, once nothing else is held', () => {
    const shares = new FairShares(10);

    expect(shares.take(page('1'), 50)).toBeUndefined();
    expect(shares.take(page('2'), 1)).toBe('full');
    shares.giveBack(page('1'), 50);
    expect(shares.take(page('2'), 1)).toBeUndefined();
  });

  it('forget holders that gave all back, and tell apart an app and a namespace of one name', () => {
    const shares = new FairShares(100_000);
    for (let i = 0; i < 5_000; i++) shares.take(['page', `${i}`], 1);
    for (let i = 0; i < 5_000; i++) shares.giveBack(['page', `${i}`], 1);
    shares.take(['x', 'y', 'z'], 4);

    expect(shares.used).toBe(4);
    expect([shares.heldBy('x', 0), shares.heldBy('x', 1), shares.heldBy('7', 1)]).toEqual([4, 0, 0]);
  });
});
