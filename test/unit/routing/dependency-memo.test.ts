import { describe, expect, it } from '@jest/globals';
import { DependencyMemo } from '../../../src/routing/dependency-memo.js';

describe('DependencyMemo', () => {
  it('computes once, and again after something it was made from changed', () => {
    const memo = new DependencyMemo<string>();
    const facts = { a: 1, b: 1 };
    let computed = 0;
    const ask = (): string =>
      memo.get('x', (track) => {
        computed += 1;
        track('a');
        if (facts.a === 1) return 'only a';
        track('b');
        return `b=${facts.b}`;
      });

    expect([ask(), ask(), computed]).toEqual(['only a', 'only a', 1]);
    memo.changed('b');
    expect([ask(), computed]).toEqual(['only a', 1]);
    facts.a = 2;
    memo.changed('a');
    expect([ask(), computed]).toEqual(['b=1', 2]);
    facts.b = 2;
    memo.changed('b');
    expect([ask(), computed]).toEqual(['b=2', 3]);
  });

  it('forgets no more than what was made from it, and keeps nothing of what is forgotten', () => {
    const memo = new DependencyMemo<string>();
    for (const id of ['x', 'y']) {
      memo.get(id, (track) => {
        track(id);
        track('shared');
        return id;
      });
    }
    memo.changed('x');
    expect(memo.size).toBe(1);
    memo.changed('shared');
    memo.changed('nothing');
    expect(memo.size).toBe(0);
  });
});
