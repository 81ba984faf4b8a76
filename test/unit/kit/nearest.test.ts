import { describe, expect, it } from '@jest/globals';
import { didYouMean, nearest } from '../../../src/kit/nearest.js';

describe('nearest', () => {
  it.each([
    ['intervall', 'interval'],
    ['log-lvel', 'log-level'],
    ['graphurl', 'graph-url'],
    ['banana', undefined],
    ['', undefined],
  ])('takes %p for %p', (word, name) => {
    expect(nearest(word, ['interval', 'log-level', 'graph-url'])).toBe(name);
  });

  it('ends a sentence, or says nothing', () => {
    expect(didYouMean('intervall', ['interval'], '--')).toBe('; did you mean --interval?');
    expect(didYouMean('banana', ['interval'])).toBe('');
  });
});
