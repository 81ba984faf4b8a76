import { describe, expect, it } from '@jest/globals';
import { BoundedMap } from '../../../src/kit/bounded-map.js';

describe('BoundedMap', () => {
  it('forgets the entry that was set longest ago', () => {
    const map = new BoundedMap<string, number>(2);
    map.set('a', 1);
    map.set('b', 2);
    map.set('a', 3);
    map.set('c', 4);

    expect([...map.values()]).toEqual([3, 4]);
    expect(map.get('b')).toBeUndefined();
    expect(map.size).toBe(2);
  });

  it('forgets nothing when a full map sets an entry that it has', () => {
    const map = new BoundedMap<string, number>(2);
    map.set('a', 1);
    map.set('b', 2);
    map.set('b', 3);

    expect([...map.values()]).toEqual([1, 3]);
  });
});
